"""The noises that are neither Gaussian nor censored: truncated, uniform, salt and pepper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.training.noises.base import IndependentNoise
from mho.training.noises.censored import below, density

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class RightTruncatedNoise(IndependentNoise):
    """z given that it is below C, as if it were drawn again until it is: ``u = Phi^-1(Phi(C) Phi(z))``.

    Drawing again would need an unknown number of draws; the inverse distribution function needs one, whose rank among
    all u is that of z among all z. ``E[u] = -phi(C) / Phi(C)``, ``Var[u] = 1 - C phi(C) / Phi(C) - E[u]^2``.

    Attributes:
        truncate: C, zero or more standard deviations.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2023trice",)

    truncate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.truncate >= 0, "truncate", "must be zero or more standard deviations")

    def of(self, z: Tensor) -> Tensor:
        from torch.special import ndtr, ndtri

        # In single precision Phi(z) has no digits left for z above 5.
        ranks: Tensor = ndtr(z.double()).mul_(below(self.truncate))
        u: Tensor = ndtri(ranks)
        return u.to(z.dtype).clamp_(max=self.truncate)

    @property
    def mean(self) -> float:
        return -density(self.truncate) / below(self.truncate)

    @property
    def std(self) -> float:
        return math.sqrt(1 + self.truncate * self.mean - self.mean**2)


@dataclass(frozen=True, kw_only=True)
class UniformNoise(IndependentNoise):
    """Uniform between plus and minus ``sqrt(3)``, so that ``sigma`` is a standard deviation.

    ``u = sqrt(3) (2 Phi(z) - 1) = sqrt(3) erf(z / sqrt(2))``.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2023trice",)

    def of(self, z: Tensor) -> Tensor:
        return (z / math.sqrt(2)).erf_() * math.sqrt(3)

    @property
    def mean(self) -> float:
        return 0.0

    @property
    def std(self) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class SaltAndPepperNoise(IndependentNoise):
    """-1 or +1, each with probability ``rate / 2``, and 0 otherwise.

    Weights that are hit at one rate are hit at every higher one.

    Attributes:
        rate: probability that a weight is hit; the standard deviation is its root.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2023trice",)

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(0 <= self.rate <= 1, "rate", "must be a probability, 0 to 1")

    def of(self, z: Tensor) -> Tensor:
        from statistics import NormalDist

        # The largest |z| are hit: P(|z| > q) = rate.
        least = -NormalDist().inv_cdf(self.rate / 2) if self.rate > 0 else math.inf
        return z.sign() * (z.abs() > least)

    @property
    def mean(self) -> float:
        return 0.0

    @property
    def std(self) -> float:
        return math.sqrt(self.rate)
