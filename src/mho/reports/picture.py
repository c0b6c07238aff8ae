"""Plates as parts of one page: drawings with identifiers that occur once, and the PDF as an address."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from mho.reports import figures
from mho.reports.plates import Plate

_IDENTIFIER = re.compile(r'id="(f[0-9a-f]{8})-')


class Picture(NamedTuple):
    """A figure as the template takes it.

    Attributes:
        keys: little picture, its meaning, and the indices of its results, separated by spaces.
        panels: SVG, safe in a page.
        caption: text.
        specs: name to YAML.
        pdf: address that holds the file itself.
        file: name to save it under.
        name: one word, for style.
        wide: SVG for wide screens, ``None`` where the panels do.
        number: on the page, from one.
    """

    keys: list[tuple[Any, str, str]]
    panels: list[Any]
    caption: str
    specs: Mapping[str, str]
    pdf: str
    file: str
    name: str
    wide: Any
    number: int


def pictures(plates: Iterable[Plate], title: str) -> list[Picture]:
    """Every plate drawn, for the page and for paper."""
    inline = _Inline()
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower())[:40].strip("-") or "report"
    out = []
    for number, plate in enumerate(plates, start=1):
        pdf = base64.b64encode(figures.pdf(plate.panels, plate.keys)).decode("ascii")
        keys = [(inline(_swatch(k.kind, k.slot)), k.words, " ".join(map(str, k.series))) for k in plate.keys]
        out.append(
            Picture(
                keys, [inline(panel.svg()) for panel in plate.panels], plate.caption, plate.specs,
                f"data:application/pdf;base64,{pdf}", f"{stem}-figure-{number}-{plate.name}.pdf", plate.name,
                plate.wide and inline(plate.wide.svg()), number,
            )
        )  # fmt: skip
    return out


@cache
def _swatch(kind: str, slot: int | None) -> str:
    return figures.swatch(figures.Key("", kind, slot))


class _Inline:
    """Drawings as parts of one page: safe as they are, their identifiers numbered so that none occurs twice."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, svg: str) -> Any:
        import markupsafe

        self._drawn += 1
        own = _IDENTIFIER.search(svg)
        if own:
            svg = re.sub(rf'(id="|#){own[1]}-', rf"\g<1>d{self._drawn}-", svg)
        # The parser of HTML knows what svg is without its name space.
        return markupsafe.Markup(svg.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))
