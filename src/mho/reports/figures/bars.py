"""What each choice costs: a bar each, its number at the end, its interval and a mark where it has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from mho.reports.figures.canvas import INK, MUTED, WIDTH, Drawing, Mark, Sheet, abridged, inset, plain, series, tie

ROW, LETTERS = 15, 20
ROOM = 1.22  # the axis goes this far beyond the longest bar, for its number


class Bar(NamedTuple):
    """One choice.

    Attributes:
        label: its name.
        place: its number among all choices; what the legend brings forward.
        slot: its colour; ``None`` for the background.
        value: what it costs.
        number: the same as text.
        words: what it says when it is asked.
        low: end of its interval, ``nan`` for none.
        high: the other end.
        mark: what the bar should reach, an upright stroke; ``nan`` for none.
    """

    label: str
    place: int
    slot: int | None
    value: float
    number: str
    words: str
    low: float = math.nan
    high: float = math.nan
    mark: float = math.nan


def bars(drawn: Sequence[Bar], along: str, heading: str, title: str) -> Drawing:
    """Bars from the top, from zero; to the left of it where a number is negative.

    Args:
        drawn: the choices.
        along: what the x axis is.
        heading: above the axes.
        title: for screen readers.
    """
    above = 18 if heading else 6
    margin = 9 + 4.8 * min(LETTERS, max((len(b.label) for b in drawn), default=0))
    ends = [max(v for v in (b.value, b.high, b.mark) if v == v) for b in drawn]
    longest = max([0.0, *ends]) or 1.0
    below = min([0.0, *(v for b in drawn for v in (b.value, b.low) if v < 0)])
    right = longest + (ROOM - 1) * (longest - below)

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 28, 6, above)
        axes.set(xlim=(below, right), ylim=(len(drawn) - 0.4, -0.6), yticks=[], xlabel=along)
        axes.spines["bottom"].set_visible(False)
        axes.grid(axis="x")
        axes.locator_params(axis="x", nbins=5)
        axes.set_title(plain(heading, 40), loc="right", color=INK, pad=5)
        marks = []
        letter = (right - below) / (WIDTH - margin - 6)
        if below < 0:
            axes.spines["left"].set_visible(False)
            axes.axvline(0, color=MUTED, linewidth=0.5)
        for y, (bar, end) in enumerate(zip(drawn, ends, strict=True)):
            colour = series(bar.slot)[0]
            for patch in axes.barh([y], [bar.value], height=0.62, color=colour, alpha=0.75, linewidth=0):
                tie(patch, bar.place)
            if bar.low == bar.low and bar.high == bar.high:
                tie(axes.hlines(y, bar.low, bar.high, color=colour, linewidth=1.2), bar.place)
            if bar.mark == bar.mark:
                tie(axes.vlines(bar.mark, y - 0.42, y + 0.42, color=INK, linewidth=1.1), bar.place)
            name = axes.text(below - 4 * letter, y, abridged(bar.label, LETTERS), ha="right", va="center_baseline")
            number = axes.text(max(end, 0.0) + 4 * letter, y, bar.number, ha="left", va="center_baseline")
            tie(name, bar.place)
            tie(number, bar.place)
            marks.append(Mark(axes, bar.value, y, bar.place, bar.words))
        return marks

    return Drawing(WIDTH, 28 + above + ROW * len(drawn), title, paint)
