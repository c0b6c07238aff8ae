"""A figure as PDF for one column of a paper: 3.5 inches wide, text at 8 points, fonts embedded as TrueType."""

from __future__ import annotations

import io
from collections.abc import Sequence

from mho.reports.figures.canvas import PRINT, WIDTH, Drawing, style
from mho.reports.figures.keys import ROW, Key, legend

COLUMN = 32  # letters that one of two columns of the legend holds
STACK = 3  # panels that stand one above the other; more stand in two columns


def pdf(panels: Sequence[Drawing], keys: Sequence[Key]) -> bytes:
    """The panels below their legend, on one page that is as tall as they need; the same data gives the same bytes."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    columns = 1 if len(panels) <= STACK else 2
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    heights = [float(max(p.height for p in row)) for row in rows]
    across = 2 if max((len(k.words) for k in keys), default=0) <= COLUMN else 1
    top = ROW * -(-len(keys) // across) + 4 if keys else 0
    with style(PRINT):
        figure = Figure(figsize=(WIDTH / 72, (top + sum(heights)) / 72))
        FigureCanvasPdf(figure)
        parts = figure.subfigures(
            len(rows) + bool(keys), 1, height_ratios=[*[top] * bool(keys), *heights], squeeze=False
        )
        if keys:
            legend(parts[0, 0], keys, across)
        for part, row in zip(parts[bool(keys) :, 0], rows, strict=True):
            for cell, panel in zip(part.subfigures(1, columns, squeeze=False)[0], row, strict=False):
                panel.paint(cell)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Creator": "mho", "Producer": None})
    return buffer.getvalue()
