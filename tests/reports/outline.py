"""A page read as a browser reads it: tags nest, identifiers occur once."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "input", "path", "use", "rect", "circle"}


class Outline(HTMLParser):
    """Checks that tags nest, and notes identifiers and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.heads: list[str] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.addresses += [named[k] for k in ("src", "href", "action", "data") if k in named]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        self.ids += [v for k, v in attrs if k == "id"]
        self.addresses += [v for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2"):
            self.heads.append(data.strip())


def read(path: Path) -> tuple[str, Outline]:
    """Text and outline of a page that is sound."""
    text = path.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    outline.close()
    assert not outline.open
    assert len(outline.ids) == len(set(outline.ids))
    return text, outline
