"""What happens to a written level with age: power-law drift and 1/f read noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.devices.base import Ageing

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class PowerLawDrift(Ageing):
    """``g(t) = g(t0) (t/t0)^-nu`` with ``nu ~ N(nu, nu_std)``, one exponent per cell [joshi2020pcm].

    Attributes:
        nu: mean drift exponent; positive exponents lose conductance.
        nu_std: its standard deviation between cells.
        t0: seconds from programming to the read at which the level is as programmed; nothing drifts before.
    """

    references: ClassVar[tuple[str, ...]] = ("joshi2020pcm",)

    nu: float
    nu_std: float = 0.0
    t0: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.nu_std >= 0, "nu_std", "must be zero or more")
        self.check(self.t0 > 0, "t0", "must be more than zero seconds")

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        log_time = math.log(max(age, self.t0) / self.t0)
        if log_time == 0:
            return held
        return held * (-log_time * (self.nu + self.nu_std * draws.normal("drift"))).exp()


@dataclass(frozen=True, kw_only=True)
class ReadNoise(Ageing):
    """1/f noise of one read: ``std = g q(g) sqrt(ln((t + t_read) / (2 t_read)))`` [nandakumar2019pcm].

    ``q(g) = min(q / g^exponent, q_max)``. One draw per chip is kept for the whole test set, as for every error here:
    the chip is read once.

    Attributes:
        q: relative noise amplitude at full conductance.
        exponent: how fast the relative amplitude rises towards low conductance.
        q_max: its upper limit.
        t_read: seconds one read pulse lasts.
    """

    references: ClassVar[tuple[str, ...]] = ("nandakumar2019pcm",)

    q: float
    exponent: float = 0.0
    q_max: float = 1.0
    t_read: float = 250e-9

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.q >= 0, "q", "must be zero or more")
        self.check(self.q_max >= 0, "q_max", "must be zero or more")
        self.check(self.t_read > 0, "t_read", "must be more than zero seconds")

    def std(self, level: Tensor, age: float) -> Tensor:
        """Standard deviation of a read at ``age`` seconds of cells at ``level``."""
        g = level.abs()
        relative = (self.q * g.clamp(min=1e-9) ** -self.exponent).clamp(max=self.q_max)
        # Before t_read the integral over the band is empty and its logarithm would turn negative.
        band = math.sqrt(max(0.0, math.log((age + self.t_read) / (2 * self.t_read))))
        return g * relative * band

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        return held + self.std(held, age) * draws.normal("read noise")

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor]:
        return level, self.std(level, age)
