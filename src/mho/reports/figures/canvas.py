"""What a figure is before it is SVG or PDF: a size, a title, and a function that paints in colours by name."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

WIDTH, HEIGHT = 252, 189  # points: one column (3.5 in) of an IEEE paper; the page scales figures up

# Colours are places in matplotlib's property cycle, which each output fills with its own.
INK, MUTED, RULE, PAPER = "C0", "C1", "C2", "C3"
SERIES = ("C4", "C5", "C6", "C7", "C8", "C9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Dark enough for text and lines on white, told apart with any colour vision [Wong's blue, vermilion, green, purple].
COLOURS = {
    "ink": "#1d1d1b",
    "muted": "#5c5a55",
    "rule": "#dcd8cf",
    "paper": "#fffefb",
    "series-1": "#0a67a3",
    "series-2": "#c2500b",
    "series-3": "#0b7f5d",
    "series-4": "#a9478f",
    "series-5": "#8a6a00",
    "series-6": "#56606b",
}
PRINT = [*(COLOURS | {"paper": "#ffffff"}).values()]
_CONTROL = re.compile(r"[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Mark(NamedTuple):
    """A point that a reader may ask about.

    Attributes:
        axes: where it is.
        x: in data coordinates of the axes.
        y: in data coordinates of the axes.
        series: index of the result it belongs to.
        words: its numbers; the first line is what it belongs to.
    """

    axes: Axes
    x: float
    y: float
    series: int
    words: str


Sheet: TypeAlias = "Figure | SubFigure"
Paint = Callable[["Figure | SubFigure"], list[Mark]]


class Drawing(NamedTuple):
    """A figure, not yet drawn.

    Attributes:
        width: points.
        height: points.
        title: one line for tooltips and screen readers; an empty one marks decoration, which they skip.
        paint: draws on a figure or a part of one, and says which points can be asked about.
    """

    width: int
    height: int
    title: str
    paint: Paint

    def svg(self) -> str:
        """One SVG element whose inks are CSS variables; it depends on the data alone."""
        from mho.reports.figures.svg import draw

        return draw(self)


@contextmanager
def style(cycle: list[str]) -> Iterator[None]:
    """Matplotlib's defaults with the house's sizes and ten colours: ink, muted, rule, paper and the series'."""
    from cycler import cycler
    from matplotlib import style

    # From matplotlib's defaults: a user's matplotlibrc shall not change, nor break, the figures of a report.
    with style.context(["default", _STYLE | {"axes.prop_cycle": cycler(color=cycle)}]), warnings.catch_warnings():
        # The browser sets the text of SVG; that matplotlib's own font lacks a glyph is of no consequence.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def plain(text: str, longest: int | None = None) -> str:
    """``text`` without characters that XML forbids, its middle cut out beyond ``longest``: ends tell labels apart."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
    if longest is None or len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (longest - 1 - head) :].lstrip()}"


def abridged(text: str, longest: int) -> str:
    """``text`` with its longest parts, between commas, cut until it fits, so that every part stays recognisable."""
    parts = plain(text).split(", ")
    lengths = [len(part) for part in parts]
    while sum(lengths) + 2 * len(parts) - 2 > longest and max(lengths) > 5:
        lengths[lengths.index(max(lengths))] -= 1
    return plain(", ".join(map(plain, parts, lengths)), longest)


def series(slot: int | None) -> tuple[str, str]:
    """Colour and marker of a slot, 42 of which differ; ``None`` is the background."""
    return (MUTED, "o") if slot is None else (SERIES[slot % len(SERIES)], MARKERS[slot % len(MARKERS)])


def thinned(places: list[float], gap: float) -> list[int]:
    """Indices of the ticks to label: of ascending ``places``, no two nearer than ``gap``, the last always."""
    kept: list[int] = []
    for i in range(len(places) - 1, -1, -1):
        if not kept or places[kept[-1]] - places[i] >= gap:
            kept.append(i)
    return kept[::-1]


def size(figure: Sheet) -> tuple[float, float]:
    """Width and height in points, of a figure or a part of one."""
    box, dpi = figure.bbox, figure.dpi
    return float(72 * box.width / dpi), float(72 * box.height / dpi)


def inset(figure: Sheet, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with margins in points."""
    width, height = size(figure)
    return figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))


def tie(artist: Artist, index: int) -> None:
    """Let the SVG say that this artist belongs to the result at ``index``."""
    artist.set_gid(f"series:{index}")


_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mho",
    "pdf.fonttype": 42,
    # Both come with matplotlib, so every machine draws the same; the first is the face that papers are set in.
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "text.parse_math": False,  # a label is a name, dollar signs included
    "axes.formatter.use_mathtext": False,
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.labelpad": 3,
    "axes.titlesize": 8,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "xtick.major.width": 0.5,
    "xtick.minor.width": 0.4,
    "ytick.major.size": 0.0,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "path.simplify": False,
}
