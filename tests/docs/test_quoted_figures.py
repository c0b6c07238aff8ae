"""Every figure with an interval that the pages of claims and choices quote stands in a study, with that interval."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("claims.md", "choose.md")
_NUMBER = r"[-−]?\d+(?:\.\d+)?"
_FIGURE = re.compile(rf"(?P<value>{_NUMBER})(?: %| points| times)? \[(?P<limits>{_NUMBER}, (?:{_NUMBER}|–))\]")
_BETWEEN = 16
"""Most characters between a value and its interval in a study: a unit, a word."""


def _sources() -> str:
    """What studies say of themselves, and the page that one of them leaves its table to."""
    studies = [path for name in ("README.md", "tables.txt") for path in sorted((ROOT / "studies").glob(f"*/{name}"))]
    texts = [path.read_text(encoding="utf-8") for path in (*studies, ROOT / "docs" / "faults.md")]
    return " ".join(" ".join(texts).split())


def _figures(page: str) -> list[tuple[str, str]]:
    """Values and their intervals, outside of blocks of code, whose figures the page itself makes."""
    return [(found["value"], found["limits"]) for found in _FIGURE.finditer(re.sub(r"(?ms)^```.*?^```$", "", page))]


def _stands(value: str, limits: str, sources: str) -> bool:
    pattern = rf"(?<![\d.]){re.escape(value)}(?!\d)[^\d|]{{0,{_BETWEEN}}}\[{re.escape(limits)}\]"
    return re.search(pattern, sources) is not None


@pytest.mark.parametrize("name", PAGES)
def test_quoted_figures_stand_in_a_study(name) -> None:
    sources, figures = _sources(), _figures((ROOT / "docs" / name).read_text(encoding="utf-8"))
    assert figures, "a page that quotes nothing needs no test"
    assert [figure for figure in figures if not _stands(*figure, sources)] == []


def test_a_figure_that_no_study_has_is_found() -> None:
    sources = "| OVF - noise | 17.7 [6.7, 28.7] | and 3.77 times more [3.66, 3.88]"
    assert _figures("of 17.7 points [6.7, 28.7]") == [("17.7", "6.7, 28.7")]
    assert _stands("17.7", "6.7, 28.7", sources)
    assert not _stands("17.6", "6.7, 28.7", sources)
    assert not _stands("17.7", "6.7, 28.8", sources)
    assert not _stands("7.7", "6.7, 28.7", sources), "not the end of a longer number"
    assert _figures("```text\n1.0 [0.5, 1.5]\n```\n") == []
