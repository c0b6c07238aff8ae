"""From one value to another in steps: what each measure adds, one below the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

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
from mho.reports.figures.front import known_ends
from mho.reports.figures.lines import DASHES

ROW, LETTERS = 17, 22


class Step(NamedTuple):
    """One row.

    Attributes:
        label: its name.
        place: its number; what the legend brings forward.
        slot: its colour; ``None`` for what is measured and not a step.
        start: where it begins; the same as ``end`` where it is no step.
        end: where it ends.
        number: what stands beside it.
        words: what it says when it is asked.
        low: end of the interval of what is measured, ``nan`` for none.
        high: the other end.
    """

    label: str
    place: int
    slot: int | None
    start: float
    end: float
    number: str
    words: str
    low: float = math.nan
    high: float = math.nan


def steps(
    drawn: Sequence[Step], along: str, *, target: float = math.nan, heading: str = "", title: str = ""
) -> Drawing:
    """Rows from the top: bars that begin where the one above ended, points where something was measured.

    Args:
        drawn: the rows.
        along: what the x axis is.
        target: a dashed upright line; ``nan`` for none.
        heading: above the axes.
        title: for screen readers.
    """
    margin = 9 + 4.8 * min(LETTERS, max((len(s.label) for s in drawn), default=0))
    seen = [v for s in drawn for v in (s.start, s.end, s.low, s.high)] + [target]
    seen = [v for v in seen if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(seen), max(seen)
    room = (high - low) or abs(high) or 1.0

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 28, 6, 18)
        # Numbers stand on the right of their bar.
        axes.set(xlim=(low - 0.06 * room, high + 0.34 * room), ylim=(len(drawn) - 0.4, -0.6), yticks=[], xlabel=along)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.grid(axis="x")
        axes.locator_params(axis="x", nbins=5)
        axes.set_title(plain(heading, 40), loc="right", color=INK, pad=5)
        if math.isfinite(target):
            axes.axvline(target, color=INK, linewidth=0.8, linestyle=DASHES, zorder=1.5)
        marks = []
        for y, step in enumerate(drawn):
            colour = series(step.slot)[0]
            if y + 1 < len(drawn):
                axes.plot([step.end, step.end], [y, y + 1], color=MUTED, linewidth=0.5, zorder=1.4)
            if step.slot is None:
                if ends := known_ends(step.end, step.low, step.high):
                    tie(axes.hlines(y, *ends, color=colour, linewidth=1.4), step.place)
                (point,) = axes.plot([step.end], [y], color=colour, linestyle="", marker="o", markersize=5,
                                     markeredgecolor=PAPER, markeredgewidth=0.7, zorder=4)  # fmt: skip
                tie(point, step.place)
            else:
                bar = axes.barh([y], [step.end - step.start], left=[step.start], height=0.6, color=colour, alpha=0.8,
                                linewidth=0)  # fmt: skip
                tie(bar[0], step.place)
            right = max(v for v in (step.start, step.end, step.high) if math.isfinite(v))
            name = axes.text(-4 / (WIDTH - margin - 6), y, abridged(step.label, LETTERS), ha="right",
                             va="center_baseline", transform=axes.get_yaxis_transform())  # fmt: skip
            # On paper of its own: the target may run through it.
            number = axes.annotate(
                step.number, (right, y), (5, 0), textcoords="offset points", ha="left", va="center_baseline",
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
            for artist in (name, number):
                tie(artist, step.place)
            marks.append(Mark(axes, (step.start + step.end) / 2, y, step.place, step.words))
        return marks

    return Drawing(WIDTH, 46 + ROW * len(drawn), title, paint)
