"""Gaussian programming variation with a standard deviation per level: RRAM1, RRAM2, FeFET1, FeFET2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from mho.devices.base import Device, check_sigma
from mho.errors import SpecError, unknown
from mho.spec import label

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws

SigmaConvention = Literal["fullscale", "levels", "swim", "direct"]
"""What a published sigma is a fraction of; see :func:`kappa`."""


def kappa(convention: SigmaConvention, weight_bits: int = 8, cell_bits: int = 2) -> float:
    """Weight standard deviation over (sigma x max|W|) in each published convention.

    ========== ============================================ ================ ========================================
    name       formula                                      8 bits on 2-bit  sigma is a fraction of
    ========== ============================================ ================ ========================================
    levels     ``sqrt(sum_j 4^(jK)) / (2^M - 1)``           0.25921          one level step [qin2025neft] eq. 15
    fullscale  ``sqrt(sum_j 4^(jK)) / sum_j 2^(jK)``        0.77763          the cell's full range (NeFT's code)
    swim       ``sqrt(sum_{i=1}^{M/K} 4^(-iK))``            0.25820          per cell, as SWIM's code adds them up
    direct     ``1``                                        1                max|W|
    ========== ============================================ ================ ========================================

    SWIM's code uses 1-bit cells throughout: ``kappa("swim", 8, 1)`` = 0.57735.
    """
    if convention not in get_args(SigmaConvention):
        raise unknown("sigma convention", convention, get_args(SigmaConvention))
    if convention == "direct":
        return 1.0
    if cell_bits < 1 or weight_bits % cell_bits:
        raise SpecError(f"weight_bits={weight_bits} is not divisible by cell_bits={cell_bits}")
    slices = weight_bits // cell_bits
    root = math.sqrt(sum(float(1 << (2 * j * cell_bits)) for j in range(slices)))
    if convention == "levels":
        return root / ((1 << weight_bits) - 1)
    if convention == "fullscale":
        return root / sum(float(1 << (j * cell_bits)) for j in range(slices))
    return math.sqrt(sum(4.0 ** (-i * cell_bits) for i in range(1, slices + 1)))


@dataclass(frozen=True, kw_only=True)
class LevelGaussian(Device):
    """``g = level + sigma_level * z``: additive Gaussian error, larger by ``mid_factor`` on the middle levels.

    With ``normalised`` the standard deviations are ``sigma (1, s, s, 1) / sqrt(0.4 s^2 + 0.6)`` so that a population
    with 40 % of its cells on middle levels has root-mean-square ``sigma`` (the published code); without, they are
    ``sigma (1, s, s, 1)`` as printed in [qin2025neft] eq. 16. The two rank devices in opposite order.

    Attributes:
        sigma: standard deviation as a fraction, of what ``convention`` says; the default is the cell's full range.
        mid_factor: s, the factor of the middle levels.
        normalised: divide by ``sqrt(0.4 s^2 + 0.6)``.
        level_scope: ``"device"`` judges every cell by its own level (the paper); ``"weight"`` gives a whole weight
            the factor of its magnitude, s where ``0.25 < |W|/S < 0.75`` (the published code).
        convention: meaning of ``sigma``; see :func:`kappa`.
        name: what tables call the device.
    """

    references: ClassVar[tuple[str, ...]] = ("qin2025neft",)

    sigma: float
    mid_factor: float = 1.0
    normalised: bool = True
    level_scope: Literal["device", "weight"] = "device"
    convention: SigmaConvention = "fullscale"
    name: str = label("Gaussian")

    def __post_init__(self) -> None:
        super().__post_init__()
        # In level steps the full range of a 2-bit cell is 3.
        check_sigma(self, most=3.0 if self.convention == "levels" else 1.0)
        self.check(self.mid_factor > 0, "mid_factor", "must be more than zero")

    @property
    def label(self) -> str:
        return self.name

    @property
    def per_weight(self) -> bool:
        return self.level_scope == "weight"

    def written_to(self, *, cell_bits: int, weight_bits: int, kappa: float) -> LevelGaussian:
        target = kappa if self.convention == "fullscale" else _kappa(self.convention, weight_bits, cell_bits)
        # A per-weight device is one virtual cell that spans the weight; a cell's error is enlarged by the mapping.
        factor = target if self.per_weight else target / kappa
        written = self.replace(convention="fullscale")
        # Not through replace(): a sigma within bounds as its user gave it may exceed 1 once the factor is in.
        object.__setattr__(written, "sigma", self.sigma * factor)
        return written

    def std(self, level: Tensor) -> Tensor:
        """Standard deviation at ``level`` (fractions of the full range), same shape."""
        low, high = (0.25, 0.75) if self.per_weight else (0.0, 1.0)
        # Half a thousandth of the range tells the end levels from their neighbours for up to 10-bit cells.
        margin = 0.0 if self.per_weight else 5e-4
        middle = ((level > low + margin) & (level < high - margin)).to(level.dtype)
        scale = self.sigma / (math.sqrt(0.4 * self.mid_factor**2 + 0.6) if self.normalised else 1.0)
        return scale * (1.0 + (self.mid_factor - 1.0) * middle)

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor]:
        return level, self.std(level)

    @property
    def writes_gaussian(self) -> str:
        return "programming"

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return level + self.std(level) * draws.normal("programming")


def _kappa(convention: SigmaConvention, weight_bits: int, cell_bits: int) -> float:
    # One analog cell per weight has no slices, and every convention then means the full scale.
    return kappa(convention, weight_bits, cell_bits) if cell_bits else 1.0
