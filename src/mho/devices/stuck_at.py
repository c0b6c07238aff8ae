"""Cells that cannot be written: stuck at their lowest or their highest conductance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.devices.base import Ageing, check_rate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from mho.rng import Draws

SA0_SHARE = 1.75 / 10.79
"""Share of stuck-at-0 among all stuck cells, 1.75 : 9.04 as in [li2024zerospace] §4.4."""


@dataclass(frozen=True, kw_only=True)
class StuckAt(Ageing):
    """A cell reads 0 with probability ``sa0``, full range with ``sa1``, what it was written to otherwise.

    One uniform number per cell decides, so the two faults exclude each other and a cell that fails at one rate still
    fails at every higher one, in the same way where ``sa0 : sa1`` stays. Only cells that fail cost anything
    (docs/decisions/0020).

    Attributes:
        sa0: probability of stuck-at-0 (high resistance) of a multi-level cell.
        sa1: probability of stuck-at-1 (low resistance) of a multi-level cell.
        binary_sa0: the same for 1-bit cells; ``None`` means as ``sa0``.
        binary_sa1: the same for 1-bit cells; ``None`` means as ``sa1``.
    """

    references: ClassVar[tuple[str, ...]] = ("li2024zerospace",)
    version: ClassVar[int] = 2

    sa0: float
    sa1: float
    binary_sa0: float | None = None
    binary_sa1: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate(self, "sa0", "sa1", "binary_sa0", "binary_sa1")
        self.check(self.sa0 + self.sa1 <= 1, "sa0", f"and sa1={self.sa1:g} add up to more than 1")
        sa0, sa1 = self._binary
        self.check(sa0 + sa1 <= 1, "binary_sa0", f"and binary_sa1={self.binary_sa1} add up to {sa0 + sa1:g}, over 1")

    @classmethod
    def at_rate(cls, rate: float) -> StuckAt:
        """Total stuck-at probability ``rate``, split SA0 : SA1 = 1.75 : 9.04 [li2024zerospace]."""
        return cls(sa0=rate * SA0_SHARE, sa1=rate * (1 - SA0_SHARE))

    def written_to(self, *, cell_bits: int, weight_bits: int, kappa: float) -> StuckAt:
        sa0, sa1 = self._binary if cell_bits == 1 else (self.sa0, self.sa1)
        return StuckAt(sa0=sa0, sa1=sa1)

    @property
    def _binary(self) -> tuple[float, float]:
        """Rates of 1-bit cells."""
        sa0 = self.sa0 if self.binary_sa0 is None else self.binary_sa0
        sa1 = self.sa1 if self.binary_sa1 is None else self.binary_sa1
        return sa0, sa1

    @property
    def clock(self) -> None:
        """A stuck cell stays as it is."""

    @property
    def inert(self) -> bool:
        return not any((self.sa0, self.sa1, self.binary_sa0, self.binary_sa1))

    @property
    def rate(self) -> float:
        """Probability that a multi-level cell is stuck, in whichever way."""
        return self.sa0 + self.sa1

    def stuck(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """The cells that are stuck.

        Returns:
            ``(n,)`` int64 positions within ``(chips, *shape)``, flattened and rising, and whether each is stuck at 1.
        """
        places, bits = draws.arrivals("stuck-at", self.rate)
        return places, bits >= self._threshold

    def ones(self, bits: NDArray[np.uint32]) -> NDArray[np.int64]:
        """What stuck cells read as, 0 or 1, from their ``(n,)`` 32 random bits."""
        return (bits.astype("int64") >= self._threshold).astype("int64")

    @property
    def _threshold(self) -> int:
        return round(self.sa0 / self.rate * 2**32) if self.rate else 0

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        places, ones = self.stuck(draws)
        shape = (len(draws.chips), *draws.shape) if draws.at is None else draws.at.shape
        out = held.new_empty(shape).copy_(held)
        out.view(-1)[places] = ones.to(out.dtype)
        return out
