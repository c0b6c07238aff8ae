"""A table that is seen at a glance: the deeper the colour, the more is lost; the number is in the cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from mho.reports.figures.canvas import INK, MUTED, SERIES, WIDTH, Drawing, Mark, Sheet, abridged, inset, plain

ROW, LETTERS = 12, 24  # points; of a row's name
DEEP, DEEPEST = SERIES[1], 0.55  # the opacity at which ink is still easy to read, on light and dark pages


class Tint(NamedTuple):
    """One cell.

    Attributes:
        depth: of the colour, from 0 (none) to 1; ``nan`` where nothing is known.
        number: what stands in the cell; a few letters.
        words: what it says when it is asked.
    """

    depth: float
    number: str
    words: str


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Tint]],
    *,
    along: str,
    heading: str,
    title: str,
) -> Drawing:
    """Rows by columns.

    Args:
        rows: names, from the top.
        columns: names.
        cells: one sequence a row.
        along: what the columns are.
        heading: above the columns.
        title: for screen readers.
    """
    margin = 9 + 4.6 * min(LETTERS, max(map(len, rows), default=0))

    def paint(figure: Sheet) -> list[Mark]:
        from matplotlib.patches import Rectangle

        axes = inset(figure, margin, 26, 4, 18)
        axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), yticks=[])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks([i + 0.5 for i in range(len(columns))], [plain(c, 8) for c in columns])
        axes.set_xlabel(along)
        axes.set_title(plain(heading, 40), loc="right", color=INK, pad=5)
        marks = []
        for y, name in enumerate(rows):
            axes.text(-0.12, y + 0.5, abridged(name, LETTERS), ha="right", va="center_baseline")
            for x, cell in enumerate(cells[y]):
                known = not math.isnan(cell.depth)
                if known and cell.depth > 0:
                    opacity = DEEPEST * min(cell.depth, 1.0)
                    axes.add_patch(
                        Rectangle((x + 0.02, y + 0.04), 0.96, 0.92, facecolor=DEEP, alpha=opacity, linewidth=0)
                    )
                ink = INK if known else MUTED
                axes.text(x + 0.5, y + 0.5, cell.number, ha="center", va="center_baseline", color=ink, fontsize=7)
                marks.append(Mark(axes, x + 0.5, y + 0.5, y, cell.words))
        return marks

    return Drawing(WIDTH, 44 + ROW * len(rows), title, paint)
