"""Phase-change memory: the statistical model of a million-cell array, conductance in fractions of 25 uS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.devices.base import Ageing, Device

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws

G_MAX = 25e-6
"""Top level, siemens [joshi2020pcm]."""


@dataclass(frozen=True, kw_only=True)
class PCMProgramming(Device):
    """Iterative programming leaves ``std = max(-1.1731 g^2 + 1.9650 g + 0.2635, 0) uS`` at target g [joshi2020pcm].

    Attributes:
        scale: factor on the standard deviation; 1 is the measured device.
    """

    references: ClassVar[tuple[str, ...]] = ("joshi2020pcm", "nandakumar2019pcm")

    scale: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.scale >= 0, "scale", "must be zero or more")

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor]:
        microsiemens = (-1.1731 * level**2 + 1.9650 * level + 0.2635).clamp(min=0)
        return level, microsiemens * (self.scale * 1e-6 / G_MAX)

    @property
    def writes_gaussian(self) -> str:
        return "pcm programming"

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        mean, std = self.gaussian(level, 0.0)
        return mean + std * draws.normal("pcm programming")


@dataclass(frozen=True, kw_only=True)
class PCMDrift(Ageing):
    """``g(t) = g (t/t0)^-nu``, exponents normal with moments that depend on the level [joshi2020pcm].

    ``mean = clip(-0.0155 ln g + 0.0244, 0.049, 0.1)``, ``std = clip(-0.0125 ln g - 0.0059, 0.008, 0.045)``.

    Attributes:
        t0: seconds between programming and the reference read.
    """

    references: ClassVar[tuple[str, ...]] = ("joshi2020pcm", "nandakumar2019pcm")

    t0: float = 20.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.t0 > 0, "t0", "must be more than zero seconds")

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        if age <= self.t0:
            return held
        log_g = held.clamp(min=1e-6).log()
        mean = (-0.0155 * log_g + 0.0244).clamp(0.049, 0.1)
        std = (-0.0125 * log_g - 0.0059).clamp(0.008, 0.045)
        nu = mean + std * draws.normal("pcm drift")
        return held * (-math.log(age / self.t0) * nu).exp()
