"""Noise that is larger on weights of middle magnitude, as the errors of level-dependent devices are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.devices import LevelGaussian
from mho.training.noises.base import Noise

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class LevelDependentNoise(Noise):
    """The errors of ``of``, times a factor of the weight's own magnitude: s where ``0.25 < |W|/S < 0.75``, else 1.

    With ``normalised``, both factors are divided by ``sqrt(0.4 s^2 + 0.6)``: of a population with 40 % of its weights
    in the middle, the root-mean-square error stays that of ``of``. A weight's mean and standard deviation are those of
    ``of`` times :meth:`factor`.

    Source: the published code of [yan2023trice], which judges whole weights; factors as of
    :class:`mho.devices.LevelGaussian` with ``level_scope="weight"`` (RRAM2 has s = 4, FeFET1 2, FeFET2 6).

    Attributes:
        of: distribution of the errors before the factor.
        mid_factor: s, the factor of middle weights.
        normalised: divide by ``sqrt(0.4 s^2 + 0.6)``.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2023trice", "qin2025neft")

    of: Noise
    mid_factor: float
    normalised: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.mid_factor > 0, "mid_factor", "must be more than zero")

    def factor(self, weight: Tensor, scale: Tensor) -> Tensor:
        """What the error of every weight is multiplied by, ``(*shape)``; arguments as for :meth:`draw`."""
        device = LevelGaussian(sigma=1.0, mid_factor=self.mid_factor, normalised=self.normalised, level_scope="weight")
        return device.std(weight.abs() / scale)  # 0/0 of a tensor of zeros is no middle, and its errors are zero

    def draw(self, draws: Draws, weight: Tensor, scale: Tensor) -> Tensor:
        return self.of.draw(draws, weight, scale) * self.factor(weight, scale)
