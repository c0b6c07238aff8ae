"""Right-censored Gaussian noise, and its shape, its shift and its other side apart; the table is in ``noises.py``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.training.noises.base import IndependentNoise

if TYPE_CHECKING:
    from torch import Tensor


def density(x: float) -> float:
    """Of the standard normal distribution."""
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def below(x: float) -> float:
    """Probability that a standard normal number is less than ``x``; ``below(-x)`` keeps its digits in the tail."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


@dataclass(frozen=True, kw_only=True)
class _Censored(IndependentNoise):
    """Abstract noise with a censoring point ``censor``, in standard deviations."""

    references: ClassVar[tuple[str, ...]] = ("yan2023trice",)

    censor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.censor >= 0, "censor", "must be zero or more standard deviations")

    @property
    def _shift(self) -> float:
        """``m_C = E[min(z, C)] = C (1 - Phi(C)) - phi(C)``, below zero."""
        return self.censor * below(-self.censor) - density(self.censor)

    @property
    def _spread(self) -> float:
        """Standard deviation of ``min(z, C)``; ``E[u^2] = Phi(C) - C phi(C) + C^2 (1 - Phi(C))``."""
        c = self.censor
        return math.sqrt(below(c) - c * density(c) + c * c * below(-c) - self._shift**2)


@dataclass(frozen=True, kw_only=True)
class RightCensoredNoise(_Censored):
    """``u = min(z, C)``: errors above C standard deviations are set to C, not drawn again.

    The side is that of the error, whatever the sign of the weight, so the mean is less than zero.

    Source: [yan2023trice]; moments by integration over the two parts.

    Attributes:
        censor: C, zero or more standard deviations.
    """

    def of(self, z: Tensor) -> Tensor:
        return z.clamp(max=self.censor)

    @property
    def mean(self) -> float:
        return self._shift

    @property
    def std(self) -> float:
        return self._spread


@dataclass(frozen=True, kw_only=True)
class LeftCensoredNoise(_Censored):
    """``u = max(z, -C)``: the mirror image of :class:`RightCensoredNoise`.

    Attributes:
        censor: C, zero or more standard deviations.
    """

    def of(self, z: Tensor) -> Tensor:
        return z.clamp(min=-self.censor)

    @property
    def mean(self) -> float:
        return -self._shift

    @property
    def std(self) -> float:
        return self._spread


@dataclass(frozen=True, kw_only=True)
class DoublyCensoredNoise(_Censored):
    """``u = max(min(z, C), -C)``: both tails are cut, and the mean stays zero.

    Attributes:
        censor: C, zero or more standard deviations; nothing is left at zero.
    """

    def of(self, z: Tensor) -> Tensor:
        return z.clamp(-self.censor, self.censor)

    @property
    def mean(self) -> float:
        return 0.0

    @property
    def std(self) -> float:
        c = self.censor
        return math.sqrt(1 - 2 * below(-c) - 2 * c * density(c) + 2 * c * c * below(-c))


@dataclass(frozen=True, kw_only=True)
class CentredCensoredNoise(_Censored):
    """``u = min(z, C) - m_C``: the shape of right-censored noise, without its shift.

    Attributes:
        censor: C, zero or more standard deviations.
    """

    def of(self, z: Tensor) -> Tensor:
        return z.clamp(max=self.censor) - self._shift

    @property
    def mean(self) -> float:
        return 0.0

    @property
    def std(self) -> float:
        return self._spread


@dataclass(frozen=True, kw_only=True)
class ShiftedGaussianNoise(_Censored):
    """``u = z + m_C``: the shift of right-censored noise, without its shape.

    Attributes:
        censor: C of the right-censored noise whose mean is added.
    """

    def of(self, z: Tensor) -> Tensor:
        return z + self._shift

    @property
    def mean(self) -> float:
        return self._shift

    @property
    def std(self) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class ShiftNoise(_Censored):
    """``u = m_C``: every weight is moved by the mean of right-censored noise, and nothing is random.

    Attributes:
        censor: C of the right-censored noise whose mean it is.
    """

    def of(self, z: Tensor) -> Tensor:
        return z.new_full(z.shape, self._shift)

    @property
    def mean(self) -> float:
        return self._shift

    @property
    def std(self) -> float:
        return 0.0
