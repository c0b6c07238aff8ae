"""One SVG for light and dark: matplotlib draws in sentinel colours, CSS variables take their place."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Sentinels are colours that matplotlib itself never chooses, so that replacing them touches nothing else. The
# colour beside a variable's name is what shows where no style sheet defines it: figures stand alone, too.
INK, MUTED, RULE, PAPER = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
SERIES = tuple(f"#0a0b{n}" for n in range(11, 17))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_VARIABLES = {
    INK: ("ink", "#1d1d1b"),
    MUTED: ("muted", "#5c5a55"),
    RULE: ("rule", "#dcd8cf"),
    PAPER: ("paper", "#fffefb"),
    **{
        sentinel: (f"series-{i}", colour)
        for i, (sentinel, colour) in enumerate(
            zip(SERIES, ("#0a67a3", "#c2500b", "#0b7f5d", "#a9478f", "#8a6a00", "#56606b"), strict=True),
            start=1,
        )
    },
}
_SENTINEL = re.compile("|".join(_VARIABLES))
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"#([\w.-]+)")
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_CONTROL = re.compile(r"[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def draw(width: int, height: int, title: str, paint: Callable[[Figure], None]) -> str:
    """What ``paint`` draws on a figure, as one SVG element whose inks are CSS variables.

    The result depends on the data alone: no date, no random identifiers, no global state of pyplot.

    Args:
        width: in CSS pixels at natural size; the SVG scales with its container.
        height: in CSS pixels.
        title: one line for tooltips and screen readers; an empty one marks decoration, which they skip.
        paint: draws on the figure; colours come from this module.
    """
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # From matplotlib's defaults: a user's matplotlibrc shall not change, nor break, the figures of a report.
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # The browser sets the text; that matplotlib's own font lacks a glyph is of no consequence.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(width / 72, height / 72))
        FigureCanvasSVG(figure)
        paint(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return _themed(buffer.getvalue(), plain(title))


def plain(text: str, longest: int | None = None) -> str:
    """``text`` without characters that XML forbids, cut to ``longest`` with an ellipsis."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
    return text if longest is None or len(text) <= longest else text[: longest - 1].rstrip() + "…"


def series(index: int) -> tuple[str, str]:
    """Colour and marker of the series at ``index``; 42 differ before one repeats."""
    return SERIES[index % len(SERIES)], MARKERS[index % len(MARKERS)]


def thinned(places: list[float], gap: float) -> list[int]:
    """Indices of the ticks to label: of ascending ``places``, no two nearer than ``gap``, the last always."""
    kept: list[int] = []
    for i in range(len(places) - 1, -1, -1):
        if not kept or places[kept[-1]] - places[i] >= gap:
            kept.append(i)
    return kept[::-1]


def _themed(svg: str, title: str) -> str:
    source = ElementTree.fromstring(svg)
    prefix = "f" + hashlib.sha256((title + svg).encode("utf-8", "replace")).hexdigest()[:8]
    used = {
        name
        for element in source.iter()
        for key, value in element.attrib.items()
        if key.endswith("href") or "url(" in value
        for name in _REFERENCE.findall(value)
    }
    names = {name: f"{prefix}-{i}" for i, name in enumerate(sorted(used))}
    root = _copy(source, names)
    for part in [p for p in root if p.tag == "metadata" or (p.tag == "defs" and p.find("style") is not None)]:
        root.remove(part)
    root.attrib = {
        "xmlns": _SVG.strip("{}"),
        "viewBox": root.attrib["viewBox"],
        **({"role": "img", "aria-label": title} if title else {"aria-hidden": "true"}),
        "font-family": "system-ui, sans-serif",
        "stroke-linejoin": "round",
    }
    if title:
        label = ElementTree.Element("title")
        label.text = title
        root.insert(0, label)
    return ElementTree.tostring(root, encoding="unicode")


def _copy(element: ElementTree.Element, names: dict[str, str]) -> ElementTree.Element:
    """The element without namespaces, unused names, fonts and superfluous digits."""
    out = ElementTree.Element(element.tag.removeprefix(_SVG))
    for key, value in element.attrib.items():
        key = key.removeprefix(_XLINK)
        if key == "id":
            if value in names:
                out.set("id", names[value])
            continue
        if key == "href" or "url(" in value:
            value = _REFERENCE.sub(lambda m: "#" + names.get(m[1], m[1]), value)
        if key == "style":
            value = re.sub(r"font-family: [^;]*;? ?", "", value)
            value = _SENTINEL.sub(lambda m: "var(--{}, {})".format(*_VARIABLES[m[0]]), value)
        if not (key == "transform" and value.startswith("rotate(-0 ")):
            out.set(key, _LONG_NUMBER.sub(lambda m: f"{float(m[0]):.2f}", value).replace("\n", ""))
    out.text = element.text if element.tag == f"{_SVG}text" else None
    out.extend(_copy(child, names) for child in element)
    return out


_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mho",
    "text.parse_math": False,  # a label is a name, dollar signs included
    "axes.formatter.use_mathtext": False,
    "font.size": 11.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3.5,
    "xtick.major.width": 0.7,
    "ytick.major.size": 0.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.0,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "path.simplify": False,
}
