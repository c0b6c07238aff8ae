"""What programming costs: write cycles, and the time and energy that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.programming.base import Scheme
from mho.programming.selective import Selective

if TYPE_CHECKING:
    from torch import Tensor

    from mho.programming.expected import Expected


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What programming one chip costs on average.

    Attributes:
        cells: that are written.
        cycles: write cycles in all, those of cells that are written only once included.
        verify_cycles: write cycles of the cells that are verified.
        all_cycles: what these would be if every cell of a scheme that verifies were; 0 where none does.
        open_cycles: those of schemes that verify nothing.
        failed: verified cells that stay outside their tolerance.
        seconds: time, cell after cell; ``None`` if the scheme knows no time of a cycle.
        joules: energy; ``None`` likewise.
    """

    cells: int
    cycles: float
    verify_cycles: float
    all_cycles: float
    open_cycles: float
    failed: float
    seconds: float | None
    joules: float | None

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            cells=self.cells + other.cells,
            cycles=self.cycles + other.cycles,
            verify_cycles=self.verify_cycles + other.verify_cycles,
            all_cycles=self.all_cycles + other.all_cycles,
            open_cycles=self.open_cycles + other.open_cycles,
            failed=self.failed + other.failed,
            seconds=_both(self.seconds, other.seconds),
            joules=_both(self.joules, other.joules),
        )

    @property
    def nwc(self) -> float:
        """Normalised write cycles: those of the verified cells over those of verifying every cell; 0 to 1."""
        return self.verify_cycles / self.all_cycles if self.all_cycles else 0.0

    @property
    def nwc_with_first_write(self) -> float:
        """The same with the one write of the other cells of such schemes counted too; 0 where none verifies."""
        return (self.cycles - self.open_cycles) / self.all_cycles if self.all_cycles else 0.0


def cost(scheme: Scheme, expected: Expected, chosen: Tensor | None) -> Cost:
    """The cost of programming cells of which ``chosen`` (all if ``None``) are verified as ``scheme`` does.

    Args:
        scheme: how they are written, which verifies.
        expected: what it does to every one of them on average.
        chosen: broadcastable to the cells.
    """
    cells = expected.levels.numel()
    verify, everything = (expected.summed("cycles", c) for c in (chosen, None))
    cycles, failed = verify + cells - expected.count(chosen), expected.summed("failed", chosen)
    return _priced(scheme, cells, cycles, verify, everything, failed)


def written_once(scheme: Scheme, cells: int) -> Cost:
    """The cost of programming ``cells`` that nobody verifies."""
    return _priced(scheme, cells, float(cells), 0.0, 0.0, 0.0)


def _priced(scheme: Scheme, cells: int, cycles: float, verify: float, everything: float, failed: float) -> Cost:
    timed = scheme.verify if isinstance(scheme, Selective) else scheme
    seconds, joules = (None if one is None else one * cycles for one in (timed.cycle_seconds, timed.cycle_joules))
    return Cost(
        cells=cells,
        cycles=cycles,
        verify_cycles=verify,
        all_cycles=everything,
        open_cycles=0.0 if scheme.verifies else cycles,
        failed=failed,
        seconds=seconds,
        joules=joules,
    )


def _both(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
