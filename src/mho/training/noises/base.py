"""Distributions of the errors that training injects, in units of ``sigma * max|W|``; more are in ``noises.py``."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class Noise(Spec):
    """Abstract distribution of injected errors.

    ``references`` are BibTeX keys (see :func:`mho.cite`).
    """

    references: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def draw(self, draws: Draws, weight: Tensor, scale: Tensor) -> Tensor:
        """Errors of one weight tensor, to be multiplied by ``sigma * scale``.

        Args:
            draws: the addressed random numbers of this tensor in this forward pass.
            weight: ``(*shape)`` clean weights, for errors that depend on them.
            scale: their full scale ``max|W|``, no dimensions.

        Returns:
            ``(1, *shape)`` float32.
        """


@dataclass(frozen=True, kw_only=True)
class IndependentNoise(Noise):
    """Abstract noise ``u = f(z)``, z a standard normal of each weight: independent, and alike for all weights.

    All such noises see the same z of a weight and mini-batch, so that networks trained with two of them make a pair:
    they differ by what f differs, and by nothing else.
    """

    def draw(self, draws: Draws, weight: Tensor, scale: Tensor) -> Tensor:
        return self.of(draws.normal("training noise"))

    @abstractmethod
    def of(self, z: Tensor) -> Tensor:
        """The errors ``u = f(z)``, same shape, float32."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """``E[u]``, a fraction of ``sigma * max|W|``."""

    @property
    @abstractmethod
    def std(self) -> float:
        """Standard deviation of u, a fraction of ``sigma * max|W|``."""


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(IndependentNoise):
    """Independent standard normal errors."""

    def of(self, z: Tensor) -> Tensor:
        return z

    @property
    def mean(self) -> float:
        return 0.0

    @property
    def std(self) -> float:
        return 1.0
