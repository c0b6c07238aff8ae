"""The x axis of amounts: as they are in a readable unit, or in decades with zero apart on the left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mho.reports.figures.places import decades
from mho.reports.figures.rows import nowhere, power, ticks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADE = 10.0  # amounts that differ by more are on a logarithmic axis
_UNITS = ((1e9, "billions"), (1e6, "millions"), (1e3, "thousands"))


class Amounts:
    """Places of amounts along an axis.

    Args:
        amounts: all that are shown, zero or more.
        along: what they are.
    """

    def __init__(self, amounts: Sequence[float], along: str) -> None:
        some = [c for c in amounts if c > 0]
        self.logarithmic = bool(some) and max(some) > DECADE * min(some)
        self.unit, word = next(((u, w) for u, w in _UNITS if max(some, default=0.0) >= u), (1.0, ""))
        self.along = f"{along}, {word}" if word else along
        self._least, self._most = min(some, default=1.0) / self.unit, max(some, default=1.0) / self.unit
        self._zero = min(amounts, default=0.0) == 0
        self._left = decades([0.0, self._least, self._most])[0.0] if self._zero else math.log10(self._least)

    def __call__(self, amount: float) -> float:
        if not self.logarithmic:
            return amount / self.unit
        return math.log10(amount / self.unit) if amount > 0 else self._left

    def dress(self, axes: Axes) -> None:
        """Limits, ticks and label."""
        axes.set_xlabel(self.along)
        if not self.logarithmic:
            start = 0.0 if self._zero or self._least < 0.6 * self._most else self._least
            room = (self._most - start) or self._most
            axes.set_xlim(start - 0.06 * room, self._most + 0.08 * room)
            axes.locator_params(axis="x", nbins=6)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}".replace("-", "−"))
            return
        last = math.log10(self._most)
        room = last - self._left
        axes.set_xlim(self._left - 0.06 * room, last + 0.08 * room)
        ticks = ticks_of(self._least * 0.999, self._most * 1.001)
        axes.set_xticks(
            [*[self._left] * self._zero, *map(math.log10, ticks)], [*["0"] * self._zero, *map(power, ticks)]
        )
        axes.xaxis.set_minor_locator(nowhere())
