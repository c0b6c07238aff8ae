"""All results side by side at one point, the best first: a row each, with its name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.figures.canvas import (
    INK,
    MUTED,
    PAPER,
    WIDTH,
    Drawing,
    Mark,
    Sheet,
    inset,
    plain,
    series,
    size,
    tie,
)
from mho.reports.figures.lines import aired
from mho.reports.figures.multiples import grouping
from mho.reports.figures.names import rowed
from mho.reports.figures.words import words
from mho.reports.summary import Entry, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.evaluation.statistics import Interval

ROW, ROWS = 11, 50  # points; rows at most, so that the figure fits a page of paper
WIDE = 400  # points: beside a legend, on a wide screen
LETTERS = 28  # of a label in a column of a paper; where it is cut, the wide figure has it whole


def ranking(summary: Summary, width: int = WIDTH) -> Drawing:
    """Mean, unlucky chip and worst chip of every result at the common point; of more than 50 results both ends."""
    letters = LETTERS if width == WIDTH else 2 * LETTERS
    ranked = summary.ranked()
    shown: list[Entry | None] = [*ranked]
    if len(ranked) > ROWS:
        shown = [*ranked[: ROWS // 2], None, *ranked[-(ROWS // 2) :]]
    groups, factor = grouping(summary), summary.scale.factor
    # A letter of the browser's face is about 4.8 points wide.
    names = dict(zip((e.index for e in ranked), rowed([e.short for e in ranked], letters), strict=True))
    margin = 7 + 4.8 * max(map(len, names.values()))
    seen = []
    for entry in ranked:
        n = summary.compared(entry)
        unlucky = summary.unlucky(n)
        seen += [factor * v for v in (n.extreme, *n.mean, *(unlucky or ())) if math.isfinite(v)]
    span = aired(seen, factor)

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 30, 9, 4)
        axes.spines[["left"]].set_visible(False)
        axes.set(xlim=span, ylim=(len(shown) - 0.4, -0.6), yticks=[], xlabel=plain(summary.scale.name, 40))
        axes.grid(axis="x")
        across = size(figure)[0] - margin - 9
        marks = []
        for row, entry in enumerate(shown):
            name = f"{len(ranked) - len(shown) + 1} more" if entry is None else names[entry.index]
            before = span[0] - 5 * (span[1] - span[0]) / across
            text = axes.text(before, row, name, ha="right", va="center_baseline", color=MUTED if entry is None else INK)
            if entry is not None:
                tie(text, entry.index)
                marks += _row(axes, row, entry, summary, groups.slot(entry))
        return marks

    return Drawing(width, 34 + ROW * len(shown), f"{summary.scale.name} of {len(ranked)} results, best first", paint)


def cut(summary: Summary) -> bool:
    """Some labels do not fit into a column of a paper."""
    return any(len(entry.short) > LETTERS for entry in summary.entries)


def _row(axes: Axes, row: int, entry: Entry, summary: Summary, slot: int | None) -> list[Mark]:
    """The worst chip as a dot, the unlucky chip as a tick, the mean as a marker, the latter two with intervals."""
    colour, marker = series(slot)
    n, scale = summary.compared(entry), summary.scale
    marks = []
    drawn = axes.plot([scale.factor * n.extreme], [row], color=colour, linestyle="", marker="o", markersize=1.8)
    unlucky = summary.unlucky(n)
    if unlucky is not None:
        low, value, high = _shown(scale.axis(unlucky))
        drawn += axes.plot([low, high], [row, row], color=colour, linewidth=0.6)
        drawn += axes.plot([value], [row], color=colour, marker="|", markersize=6, markeredgewidth=1.2)
        marks.append(Mark(axes, value, row, entry.index, words(summary, entry, n, "percentile")))
    low, value, high = _shown(scale.axis(n.mean))
    drawn += axes.plot([low, high], [row, row], color=colour, linewidth=1.4)
    drawn += axes.plot([value], [row], color=colour, marker=marker, markersize=4, markeredgecolor=PAPER,
                       markeredgewidth=0.5)  # fmt: skip
    marks.append(Mark(axes, value, row, entry.index, words(summary, entry, n, "mean")))
    for artist in drawn:
        tie(artist, entry.index)
    return marks


def _shown(interval: Interval) -> tuple[float, float, float]:
    """Ends and value of an interval; a limit that is missing is drawn nowhere."""
    value = interval.value
    return (
        (value if math.isnan(interval.low) else interval.low),
        value,
        (value if math.isnan(interval.high) else interval.high),
    )
