"""Amounts that differ by orders of magnitude: a row each on a logarithmic axis, what others report beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures.canvas import (
    INK,
    MUTED,
    PAPER,
    WIDTH,
    Drawing,
    Mark,
    Sheet,
    abridged,
    inset,
    plain,
    series,
    tie,
)
from mho.reports.figures.errors import OPEN

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.ticker import Locator

ROW, LETTERS = 16, 20


class Row(NamedTuple):
    """One row.

    Attributes:
        label: its name.
        place: its number among all rows; what the legend brings forward.
        slot: its colour.
        value: a filled marker.
        number: the same as text; may be empty.
        words: what it says when it is asked.
        most: a second amount, a tick at the end of a line from the marker; ``nan`` for none.
        known: what others report, an open marker; ``nan`` for none.
        low: end of the interval of ``value``, ``nan`` for none.
        high: the other end.
    """

    label: str
    place: int
    slot: int | None
    value: float
    number: str
    words: str
    most: float = math.nan
    known: float = math.nan
    low: float = math.nan
    high: float = math.nan


def rows(
    drawn: Sequence[Row], along: str, heading: str, title: str, band: tuple[float, float] | None = None
) -> Drawing:
    """Rows from the top.

    Args:
        drawn: the rows; those of nothing at all have a name only.
        along: what the x axis is.
        heading: above the axes.
        title: for screen readers.
        band: a range that others report, a shade.
    """
    above, margin = 18 if heading else 6, 9 + 4.8 * min(LETTERS, max((len(r.label) for r in drawn), default=0))
    seen = [v for r in drawn for v in (r.value, r.most, r.known, r.low, r.high)] + list(band or ())
    seen = [v for v in seen if math.isfinite(v) and v > 0] or [1.0]
    low, high = min(seen), max(seen)
    numbered = any(r.number for r in drawn)
    room = max(math.log10(high / low), 0.5)
    limits = (10 ** (math.log10(low) - 0.06 * room), 10 ** (math.log10(high) + (0.45 if numbered else 0.06) * room))

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 28, 6, above)
        axes.set_xscale("log")
        axes.set(xlim=limits, ylim=(len(drawn) - 0.4, -0.6), yticks=[], xlabel=along)
        axes.xaxis.set_minor_locator(nowhere())
        ticks = ticks_of(*limits)
        axes.set_xticks(ticks, [power(tick) for tick in ticks])
        axes.spines["bottom"].set_visible(False)
        axes.grid(axis="x")
        axes.set_title(plain(heading, 40), loc="right", color=INK, pad=5)
        if band is not None:
            axes.axvspan(*band, color=MUTED, alpha=0.16, linewidth=0, zorder=0)
        marks = []
        for y, row in enumerate(drawn):
            colour, marker = series(row.slot)
            name = axes.text(-4 / (WIDTH - margin - 6), y, abridged(row.label, LETTERS), ha="right",
                             va="center_baseline", transform=axes.get_yaxis_transform())  # fmt: skip
            artists: list[Artist] = [name]
            if row.value > 0 and row.most > row.value:
                artists += axes.plot([row.value, row.most], [y, y], color=colour, linewidth=0.8)
            if row.low > 0 and math.isfinite(row.high):
                artists += axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.4, alpha=0.7)
            if row.most > 0:
                artists += axes.plot([row.most], [y], color=colour, linestyle="", marker="|", markersize=8)
            if row.known > 0:
                shape, size = OPEN["open"]
                artists += axes.plot([row.known], [y], color=colour, linestyle="", marker=shape, markersize=size + 3.4,
                                     markerfacecolor="none", markeredgewidth=0.9)  # fmt: skip
            if row.value > 0:
                artists += axes.plot([row.value], [y], color=colour, linestyle="", marker=marker, markersize=4.6,
                                     markeredgecolor=PAPER, markeredgewidth=0.7, zorder=4)  # fmt: skip
                marks.append(Mark(axes, row.value, y, row.place, row.words))
                if row.number:
                    last = max(v for v in (row.value, row.most, row.known, row.high) if math.isfinite(v))
                    artists.append(axes.annotate(row.number, (last, y), (7, 0), textcoords="offset points", ha="left",
                                                 va="center_baseline"))  # fmt: skip
            elif row.most > 0:
                marks.append(Mark(axes, row.most, y, row.place, row.words))
            for artist in artists:
                tie(artist, row.place)
        return marks

    return Drawing(WIDTH, 28 + above + ROW * len(drawn), title, paint)


def ticks_of(low: float, high: float) -> list[float]:
    """Powers of ten; where these are few, their multiples by 3 and then by 2 and 5, too."""
    found: list[float] = []
    for within in ((1,), (1, 3), (1, 2, 5)):
        every = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [m * 10.0**k for k in every for m in within if low <= m * 10.0**k <= high]
        if len(found) > 2:
            break
    return found


def nowhere() -> Locator:
    """No minor ticks."""
    from matplotlib.ticker import NullLocator

    return NullLocator()


def power(tick: float) -> str:
    """``"0.0003"``, ``"1,000"``; far from 1 as a power of ten."""
    if 0.9e-4 <= tick < 1e6:
        return f"{tick:,.0f}" if tick >= 1 else f"{tick:.6f}".rstrip("0")
    number, exponent = f"{tick:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if number == "1" else f"{number}×10{raised}"
