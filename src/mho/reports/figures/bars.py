"""What each choice costs: a bar each, its number at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mho.reports.figures.canvas import INK, WIDTH, Drawing, Mark, Sheet, abridged, inset, plain, series, tie

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
    """

    label: str
    place: int
    slot: int | None
    value: float
    number: str
    words: str


def bars(drawn: Sequence[Bar], along: str, heading: str, title: str) -> Drawing:
    """Bars from the top, from zero.

    Args:
        drawn: the choices.
        along: what the x axis is.
        heading: above the axes.
        title: for screen readers.
    """
    above = 18 if heading else 6
    margin = 9 + 4.8 * min(LETTERS, max((len(b.label) for b in drawn), default=0))
    longest = max((b.value for b in drawn), default=0.0) or 1.0

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 28, 6, above)
        axes.set(xlim=(0, ROOM * longest), ylim=(len(drawn) - 0.4, -0.6), yticks=[], xlabel=along)
        axes.spines["bottom"].set_visible(False)
        axes.grid(axis="x")
        axes.locator_params(axis="x", nbins=5)
        axes.set_title(plain(heading, 40), loc="right", color=INK, pad=5)
        marks = []
        letter = ROOM * longest / (WIDTH - margin - 6)
        for y, bar in enumerate(drawn):
            colour = series(bar.slot)[0]
            for patch in axes.barh([y], [bar.value], height=0.62, color=colour, alpha=0.75, linewidth=0):
                tie(patch, bar.place)
            name = axes.text(-4 * letter, y, abridged(bar.label, LETTERS), ha="right", va="center_baseline")
            number = axes.text(bar.value + 4 * letter, y, bar.number, ha="left", va="center_baseline")
            tie(name, bar.place)
            tie(number, bar.place)
            marks.append(Mark(axes, bar.value, y, bar.place, bar.words))
        return marks

    return Drawing(WIDTH, 28 + above + ROW * len(drawn), title, paint)
