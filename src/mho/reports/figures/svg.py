"""One SVG for light and dark: matplotlib draws in sentinel colours, CSS variables take their place."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mho.reports.figures.canvas import COLOURS, Drawing, Mark, plain, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REACH = 4  # points: radius of what can be pointed at, around a mark

# Sentinels are colours that matplotlib itself never chooses, so that replacing them touches nothing else. The
# colour beside a variable's name is what shows where no style sheet defines it: figures stand alone, too.
_SENTINELS = {f"#0a0b{i:02d}": f"var(--{name}, {colour})" for i, (name, colour) in enumerate(COLOURS.items(), 1)}
_SENTINEL = re.compile("|".join(_SENTINELS))
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"#([\w.-]+)")
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


def draw(drawing: Drawing) -> str:
    """The drawing as one SVG element; no date, no random identifiers, no global state of pyplot."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with style(list(_SENTINELS)):
        figure = Figure(figsize=(drawing.width / 72, drawing.height / 72))
        FigureCanvasSVG(figure)
        marks = drawing.paint(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
        points = list(_points(marks, figure, drawing))
    return _themed(buffer.getvalue(), plain(drawing.title), points)


def _themed(svg: str, title: str, points: Iterable[ElementTree.Element]) -> str:
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
    root.extend(points)
    return ElementTree.tostring(root, encoding="unicode")


def _points(marks: list[Mark], figure: Figure, drawing: Drawing) -> Iterable[ElementTree.Element]:
    """Invisible discs over the marks, by series; each says its numbers where there is no script, too."""
    to_figure = figure.transFigure.inverted()
    groups: dict[int, list[Mark]] = defaultdict(list)
    for mark in marks:
        if math.isfinite(mark.x) and math.isfinite(mark.y):
            groups[mark.series].append(mark)
    for index, own in groups.items():
        group = ElementTree.Element(
            "g", {"class": "marks", "data-series": str(index), "fill": "none", "pointer-events": "all"}
        )
        for mark in own:
            x, y = to_figure.transform(mark.axes.transData.transform((mark.x, mark.y)))
            place = {"cx": f"{x * drawing.width:.1f}", "cy": f"{(1 - y) * drawing.height:.1f}", "r": str(REACH)}
            disc = ElementTree.SubElement(group, "circle", place)
            ElementTree.SubElement(disc, "title").text = "\n".join(map(plain, mark.words.split("\n")))
        yield group


def _copy(element: ElementTree.Element, names: dict[str, str]) -> ElementTree.Element:
    """The element without namespaces, unused names, fonts and superfluous digits."""
    out = ElementTree.Element(element.tag.removeprefix(_SVG))
    for key, value in element.attrib.items():
        key = key.removeprefix(_XLINK)
        if key == "id":
            if value in names:
                out.set("id", names[value])
            elif value.startswith("series:"):
                out.set("data-series", value.removeprefix("series:"))
            continue
        if key == "href" or "url(" in value:
            value = _REFERENCE.sub(lambda m: "#" + names.get(m[1], m[1]), value)
        if key == "style":
            value = re.sub(r"font(-family)?: [^;]*;? ?", _font, value)
            value = _SENTINEL.sub(lambda m: _SENTINELS[m[0]], value)
        if not (key == "transform" and value.startswith("rotate(-0 ")):
            out.set(key, " ".join(_LONG_NUMBER.sub(lambda m: f"{float(m[0]):.2f}", value).split()))
    out.text = element.text if element.tag == f"{_SVG}text" else None
    out.extend(_copy(child, names) for child in element)
    # Markers of one line look the same: their group says it once.
    styles = {child.attrib.get("style") for child in out}
    if len(out) > 1 and len(styles) == 1 and all(child.tag == "use" for child in out):
        out.set("style", next(iter(styles)) or "")
        for child in out:
            child.attrib.pop("style", None)
    return out


def _font(declaration: re.Match[str]) -> str:
    """The size alone: the page chooses the face."""
    size = re.search(r"[\d.]+px", declaration[0])
    return f"font-size: {size[0]}; " if size else ""
