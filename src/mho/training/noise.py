"""Distributions of the errors that training injects, in units of ``sigma * max|W|``."""

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
class GaussianNoise(Noise):
    """Independent standard normal errors."""

    def draw(self, draws: Draws, weight: Tensor, scale: Tensor) -> Tensor:
        return draws.normal("training noise")
