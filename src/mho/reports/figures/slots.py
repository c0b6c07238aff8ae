"""Where copies sit: the planes of one layer, its pruned columns moved to the right, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mho.reports.figures.canvas import INK, MUTED, WIDTH, Drawing, Mark, Sheet, inset, plain, series, tie

ROW = 13


class Run(NamedTuple):
    """Columns beside each other that hold the same.

    Attributes:
        start: of the first, 0 at the left.
        columns: how many.
        slot: colour; ``None`` for the layer's own bits.
        place: what the legend brings forward; -1 for what is in no legend.
        words: what it says when it is asked.
    """

    start: int
    columns: int
    slot: int | None
    place: int
    words: str


def slots(planes: Sequence[tuple[str, Sequence[Run]]], columns: int, heading: str, title: str) -> Drawing:
    """A row a plane, from the top; columns in which nothing stands are left blank.

    Args:
        planes: name and runs of every row.
        columns: of the widest.
        heading: above the axes.
        title: for screen readers.
    """
    margin = 9 + 4.8 * max((len(name) for name, _ in planes), default=0)

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 28, 9, 18)
        axes.set(xlim=(0, columns), ylim=(len(planes) - 0.4, -0.6), yticks=[], xlabel="columns, pruned ones last")
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.locator_params(axis="x", nbins=5, integer=True)
        axes.set_title(plain(heading, 40), loc="right", color=INK, pad=5)
        marks = []
        for y, (name, runs) in enumerate(planes):
            axes.text(-4 * columns / (WIDTH - margin - 9), y, name, ha="right", va="center_baseline")
            axes.barh([y], [columns], height=0.78, facecolor="none", edgecolor=MUTED, linewidth=0.4)
            for run in runs:
                own = run.slot is None
                patch = axes.barh(
                    [y], [run.columns], left=[run.start], height=0.78, color=MUTED if own else series(run.slot)[0],
                    alpha=0.22 if own else 0.8, linewidth=0,
                )[0]  # fmt: skip
                if run.place >= 0:
                    tie(patch, run.place)
                marks.append(Mark(axes, run.start + run.columns / 2, y, max(run.place, 0), run.words))
        return marks

    return Drawing(WIDTH, 46 + ROW * len(planes), title, paint)
