"""What shifts do to nanowires: rates of position errors, and what becomes of an offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fill = Literal["edge", "zero", "one", "latched", "fresh", "wrap", "neighbour", "published"]
"""What lies beyond the ends of a track."""
FILLS = ("edge", "zero", "one", "latched", "fresh", "wrap", "neighbour", "published")
Bound = Literal["free", "clamp", "stick", "stick-right"]
"""What limits an offset."""
BOUNDS = ("free", "clamp", "stick", "stick-right")


@dataclass(frozen=True, kw_only=True)
class Law:
    """What shifts do to some nanowires: everything that the loop over position errors needs.

    Attributes:
        rates: probability of an error of a read shift, then of rewinding by 1, 2, ... positions.
        double: share of errors that count as double.
        jumps: positions that an error, and a double one, leave a nanowire off by.
        bound: see :data:`Bound`.
        margin: largest offset, either way.
        step: positions that one rewinding shift goes; 0 where a track is not rewound.
        zigzag: every second pass reads backwards.
        progressive: a fault hits what is read after it; otherwise the whole pass.
        fill: see :data:`Fill`.
        guarded: whether these nanowires have a position code (it only keeps their random numbers apart).
    """

    rates: tuple[float, ...]
    double: float
    jumps: tuple[int, int]
    bound: Bound
    margin: int
    step: int
    zigzag: bool
    progressive: bool
    fill: Fill
    guarded: bool = False

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest offset."""
        if self.bound == "free":
            return -32000, 32000
        return (-32000 if self.bound == "stick-right" else -self.margin), self.margin

    def shifts(self, one_pass: int) -> tuple[int, ...]:
        """How many shifts at each of ``rates`` a nanowire of ``one_pass`` read shifts takes in a pass."""
        whole, rest = divmod(one_pass, self.step) if self.step else (0, 0)
        by_distance = [0] * (len(self.rates) - 1)
        if self.step:
            by_distance[self.step - 1] += whole
        if rest:
            by_distance[rest - 1] += 1
        return one_pass, *by_distance
