"""No link of the README, the docs or a study leads nowhere: files, headings, paths of the repository, the menu."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "studies").glob("*/README.md")])
_FENCE = re.compile(r"^(?P<ticks>`{3,})[^\n]*\n.*?^(?P=ticks)[ ]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?P<ticks>`+)(?P<text>[^`\n]+)(?P=ticks)")
_LINK = re.compile(r"\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
_SOURCE = re.compile(r"\b(?:src|srcset|href)=\"(?P<target>[^\"]+)\"")
_HEADING = re.compile(r"^#{1,6}[ ]+(?P<text>.+?)[ ]*#*$", re.MULTILINE)
_MARK = re.compile(r"\{[ ]*#(?P<id>[\w.-]+)[^}\n]*\}|<\w+[^>]*?\b(?:id|name)=\"(?P<tag>[^\"]+)\"")
_PATH = re.compile(r"(?!.*NAME)(?:studies|benchmarks|examples|docs|tests|src|\.ci)/[\w./-]*\w/?")
"""What a page in `ticks` calls a path of the repository; NAME stands for one of the reader's."""
_WEB = re.compile(r"[a-z][a-z0-9+.-]*:")
_PAINTED = re.compile(r"#only-(?:light|dark)$")
"""The theme's own marks on figures, not headings."""


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings, as the site (python-markdown) and as a host of repositories make them."""
    found: dict[str, int] = {}
    anchors = {mark["id"] or mark["tag"] for mark in _MARK.finditer(prose(text))}
    for heading in _HEADING.finditer(prose(text)):
        title = _MARK.sub("", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"])).strip()
        for slug in {_site(title), _host(title)}:
            seen = found[slug] = found.get(slug, -1) + 1
            anchors |= {slug} if not seen else {f"{slug}_{seen}", f"{slug}-{seen}"}
    return anchors


def _site(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.replace("`", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def _host(title: str) -> str:
    return re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-")


def dead(page: Path) -> list[str]:
    """What ``page`` links to or names, and is not there; links out to the web are not followed."""
    text = prose(page.read_text(encoding="utf-8"))
    bare = _CODE.sub("", text)
    targets = [found["target"] for pattern in (_LINK, _SOURCE) for found in pattern.finditer(bare)]
    found = [target for target in targets if not _leads_somewhere(page, target)]
    named = [code["text"] for code in _CODE.finditer(text) if _PATH.fullmatch(code["text"])]
    return found + [path for path in named if not (ROOT / path).exists()]


def _leads_somewhere(page: Path, target: str) -> bool:
    if _WEB.match(target):
        return True
    path, _, anchor = _PAINTED.sub("", target).partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists() or not there.is_relative_to(ROOT.resolve()):
        return False
    return not anchor or (there.suffix == ".md" and anchor in slugs(there.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_no_link_is_dead(page) -> None:
    assert dead(page) == []


def test_dead_links_are_found(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    for name in ("docs/other.md", "studies/one/README.md", "docs/assets/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# Which `sigma`, and why?\n\n## Two\n\n## Two\n\n```text\n# no heading\n```\n")
    page = tmp_path / "docs" / "page.md"
    good = [
        "[a](other.md) [b](other.md#which-sigma-and-why) [c](#here) [d](../studies/one/README.md#two)",
        "[e](other.md#two_1) `tests/NAME.py`",
        "[`code`](../studies/one/README.md) ![f](assets/a.png#only-light) [g](https://example.org/#any) `studies/one`",
        "[h](../studies/one) `other/none.md` `a[0](none.md)`",
        "```text\n[i](none.md)\n```",
    ]
    page.write_text("# Here\n\n" + "\n\n".join(good))
    assert dead(page) == []
    bad = ["none.md", "other.md#which", "#there", "../studies/two/README.md", "other.md#no-heading", "../../out.md"]
    page.write_text("# Here\n\n" + " ".join(f"[x]({target})" for target in bad) + " `studies/two` `benchmarks/none.py`")
    (tmp_path.parent / "out.md").write_text("outside of the repository")
    assert dead(page) == [*bad, "studies/two", "benchmarks/none.py"]


def test_the_site_and_the_host_name_headings_alike() -> None:
    """Otherwise a link would hold in one of the two only."""
    texts = [prose(page.read_text(encoding="utf-8")) for page in PAGES]
    targets = [_PAINTED.sub("", found["target"]) for text in texts for found in _LINK.finditer(_CODE.sub("", text))]
    anchors = {target.partition("#")[2] for target in targets if not _WEB.match(target)} - {""}
    titles = [heading["text"] for text in texts for heading in _HEADING.finditer(text)]
    assert anchors <= {_site(title) for title in titles if _site(title) == _host(title)}


def menu() -> list[str]:
    """The pages of mkdocs.yml, from top to bottom."""

    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        below = entry.values() if isinstance(entry, dict) else entry
        return [page for each in below for page in pages(each)]

    return pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


def test_the_menu_has_every_page_once() -> None:
    written = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")]
    assert sorted(menu()) == sorted(written)
