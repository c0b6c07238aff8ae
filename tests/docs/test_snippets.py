"""Every snippet of the README and the docs runs, page by page, in an empty folder.

``python`` blocks of a page share one namespace; ``csv`` and ``yaml`` blocks with a file name as title become files;
``console`` blocks are commands; ``text`` blocks titled "prints" are compared with what the block before them printed.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import torch

from mho import spec
from mho.cli import main
from mho.evaluation import METRICS
from mho.memory import layers
from mho.studies import Study

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]*)"')


class Block(NamedTuple):
    """One fenced block of a page."""

    line: int
    language: str
    title: str
    text: str


def _blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            title=title[1] if (title := _TITLE.search(found["options"])) else "",
            text=found["text"],
        )
        for found in _FENCE.finditer(text)
    ]


PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if any(block.language in ("python", "console") for block in _blocks(page))
]


@pytest.fixture
def untouched(monkeypatch):
    """What snippets register is forgotten afterwards, and torch has one thread."""
    assert Study.__name__ in spec._KINDS, "imported before, so that it is not forgotten with them"
    monkeypatch.setattr(spec, "_KINDS", dict(spec._KINDS))
    monkeypatch.setattr(layers, "_RULES", dict(layers._RULES))
    metrics, threads, state = dict(METRICS), torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    yield
    METRICS.clear()
    METRICS.update(metrics)
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


def test_the_pages_that_show_how_have_snippets() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "index.md", "start.md", "own-data.md", "extend.md", "numbers.md", "cli.md"} <= names


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_snippet_runs(page, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A real module: specs look up the names in their annotations there.
    module = ModuleType(f"snippets_of_{page.stem.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    printed = ""
    for block in _blocks(page):
        place = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile("\n" * block.line + block.text, str(page), "exec"), vars(module))
            printed = out.getvalue()
        elif block.language == "console":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                for line in block.text.splitlines():
                    said, command = line.split(maxsplit=1)
                    arguments = shlex.split(command)
                    assert (said, arguments[0]) == ("$", "mho"), place
                    assert main(arguments[1:]) == 0, f"{place}: {line}"
            printed = out.getvalue()
        elif re.fullmatch(r"[\w-]+\.\w+", block.title):
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
        elif block.title == "prints":
            assert printed.strip() == block.text.strip(), place
        else:
            assert block.language in ("text", "yaml"), f"{place}: a {block.language} block that nothing runs"
