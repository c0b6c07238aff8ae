"""What colours, markers and lines mean: little pictures for the page's legend, and a legend for paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures.canvas import INK, MARKERS, MUTED, PAPER, Drawing, Mark, Sheet, plain, series
from mho.reports.figures.errors import OPEN
from mho.reports.figures.lines import DASHES

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.lines import Line2D

ROW = 11  # points between two rows of the legend on paper


class Key(NamedTuple):
    """One line of a legend.

    Attributes:
        words: what it means.
        kind: ``line``, ``dot`` (a row of the ranking), ``mean``, ``percentile``, ``tick``, ``extreme``, ``digital``,
            ``range``, ``area``, ``open`` or ``other`` (what others report), ``turn`` (a short upright stroke), ``spot``
            (a marker), ``disc`` (a colour, whatever the marker), ``shape`` (a marker, whatever the colour), ``ring``
            (around what is recommended), ``tried`` (an open marker), ``target`` or
            ``cross`` (the worst possible chip).
        slot: which colour and marker; ``None`` for what all results share.
        series: indices of the results it stands for; empty for all.
    """

    words: str
    kind: str
    slot: int | None = None
    series: tuple[int, ...] = ()


def swatch(key: Key) -> str:
    """The key's picture as SVG."""

    def sketch(figure: Sheet) -> list[Mark]:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 20), ylim=(0, 8))
        axes.axis("off")
        for artist in _artists(key, 0.5, 19.5, 4, 2.6):
            axes.add_artist(artist)
        return []

    return Drawing(20, 8, "", sketch).svg()


def legend(figure: Sheet, keys: Sequence[Key], columns: int) -> None:
    """All keys in rows from the top, filling ``figure``."""
    axes = figure.add_axes((0, 0, 1, 1))
    rows = -(-len(keys) // columns)
    axes.set(xlim=(0, 252), ylim=(ROW * rows, 0))
    axes.axis("off")
    for i, key in enumerate(keys):
        x, y = 252 / columns * (i % columns) + 4, ROW * (i // columns + 0.5)
        for artist in _artists(key, x, x + 18, y, 2.6):
            axes.add_artist(artist)
        axes.text(x + 23, y, plain(key.words, 32 if columns == 2 else 64), va="center_baseline")


def _artists(key: Key, left: float, right: float, y: float, half: float) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    colour, marker = series(key.slot)
    colour = INK if key.kind in ("digital", "tried") else colour
    middle = (left + right) / 2
    if key.kind == "extreme":
        return [Line2D([middle], [y], color=colour, linestyle="", marker="o", markersize=2)]
    if key.kind == "tick":
        span = Line2D([left + 4, right - 4], [y, y], color=colour, linewidth=0.6)
        return [span, Line2D([middle], [y], color=colour, linestyle="", marker="|", markersize=6, markeredgewidth=1.2)]
    if key.kind == "turn":
        return [Line2D([middle + d, middle + d], [y - 3, y + 3], color=colour, linewidth=0.8) for d in (-5, 0, 4)]
    if key.kind in ("spot", "disc", "shape"):
        return [_spot(key, middle, y)]
    if key.kind == "ring":
        ring = Line2D([middle], [y], color=INK, linestyle="", marker="o", markersize=7.6, markerfacecolor="none",
                      markeredgewidth=1)  # fmt: skip
        return [ring, Line2D([middle], [y], color=MUTED, linestyle="", marker="o", markersize=3.6)]
    if key.kind == "target":
        return [Line2D([left, right], [y, y], color=INK, linewidth=0.8, linestyle=DASHES)]
    if key.kind in OPEN or key.kind == "tried":
        shape, size = OPEN["open" if key.kind == "tried" else key.kind]
        return [
            Line2D([middle], [y], color=colour, linestyle="", marker=shape, markersize=size, markerfacecolor=PAPER,
                   markeredgewidth=0.9)
        ]  # fmt: skip
    if key.kind == "area":
        own = 0.22 if key.slot is None else 0.8
        return [Rectangle((left, y - half), right - left, 2 * half, facecolor=colour, alpha=own, linewidth=0)]
    if key.kind == "range":
        return [Rectangle((left, y - half), right - left, 2 * half, facecolor=MUTED, alpha=0.16, linewidth=0)]
    width = {"digital": 0.6, "percentile": 0.85, "dot": 1.4}.get(key.kind, 1.1)
    inner = 4 if key.kind == "dot" else 0
    line = Line2D([left + inner, right - inner], [y, y], color=colour, linewidth=width)
    if key.kind == "percentile":
        line.set_linestyle(DASHES)
    out: list[Artist] = [line]
    if key.kind == "mean" and key.slot is None:
        out.append(Rectangle((left, y - half), right - left, 2 * half, facecolor=MUTED, alpha=0.25, linewidth=0))
    if (key.kind == "mean" and key.slot is not None) or key.kind == "dot":
        size = 4.6 if key.kind == "mean" else 4
        out.append(
            Line2D([middle], [y], color=colour, marker=marker, markersize=size, markeredgecolor=PAPER,
                   markeredgewidth=0.7)
        )  # fmt: skip
    return out


def _spot(key: Key, x: float, y: float) -> Line2D:
    """A marker in its colour, a colour with the plainest marker, or a marker without colour."""
    from matplotlib.lines import Line2D

    colour, marker = series(key.slot)
    if key.kind == "shape":
        colour, marker = MUTED, MARKERS[(key.slot or 0) % len(MARKERS)]
    return Line2D([x], [y], color=colour, linestyle="", marker="o" if key.kind == "disc" else marker, markersize=5)
