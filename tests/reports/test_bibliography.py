from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

import mho.reports
from mho.errors import SpecError, UnknownNameError
from mho.reports.bibliography import cite, entries, entry
from mho.spec import Spec

SOURCE = Path(mho.reports.__file__).parent.parent
WANTED = {
    "qin2025neft", "yan2022worst", "yan2022swim", "yan2023trice", "li2024zerospace", "salmon2011random",
    "joshi2020pcm", "nandakumar2019pcm", "lecun1998gradient", "he2016resnet", "clopper1934", "boxmuller1958",
    "levy_rram_relaxation", "rasch2021aihwkit",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Cell(Spec):
    references: ClassVar[tuple[str, ...]] = ("qin2025neft", "joshi2020pcm")
    name: str = "clopper1934"


@dataclass(frozen=True, kw_only=True)
class _Memory(Spec):
    references: ClassVar[tuple[str, ...]] = ("yan2022swim", "qin2025neft")
    device: _Cell = _Cell()
    more: tuple[_Cell, ...] = ()


def test_every_entry_of_the_file_is_read() -> None:
    text = files("mho.reports").joinpath("references.bib").read_text(encoding="utf-8")
    assert len(entries()) == len(re.findall(r"^@", text, re.MULTILINE))
    assert set(entries()) >= WANTED


@pytest.mark.parametrize("key", entries())
def test_entry_is_sound_bibtex(key: str) -> None:
    text = entry(key)
    assert re.match(rf"@(article|inproceedings|incollection|misc|book|techreport|phdthesis)\{{{key},\n", text)
    assert text.count("{") == text.count("}")
    fields = dict(re.findall(r"^  (\w+) *= \{(.*)\},?$", text, re.MULTILINE))
    assert {"author", "title", "year"} <= set(fields)
    assert len(fields) == len(text.splitlines()) - 2, "every line between the first and the last is one field"
    assert re.fullmatch(r"(18|19|20)\d\d", fields["year"])


def test_every_key_cited_in_the_source_exists() -> None:
    missing = {}
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        cited = set(re.findall(r"\[([a-z]+(?:1[89]|20)\d\d[a-z]*)\]", text))
        for names in re.findall(r"references: ClassVar\[tuple\[str, \.\.\.\]\] = \(([^)]*)\)", text):
            cited |= set(re.findall(r"[\"']([^\"']+)[\"']", names))
        if lost := cited - set(entries()):
            missing[str(path.relative_to(SOURCE))] = sorted(lost)
    assert not missing


def test_each_entry_once_in_order_of_mention() -> None:
    text = cite("clopper1934", "qin2025neft", "clopper1934")
    assert text == entry("clopper1934") + "\n\n" + entry("qin2025neft")


@pytest.mark.parametrize("thing", [_Memory(), [_Memory()], {"*": _Memory(), "head": None}])
def test_specs_inside_specs_count(thing: object) -> None:
    keys = re.findall(r"@\w+\{(\w+),", cite(thing))
    assert keys == ["yan2022swim", "qin2025neft", "joshi2020pcm"]


def test_classes_functions_and_modules_are_citable() -> None:
    module = ModuleType("room")
    module.references = ("clopper1934",)  # type: ignore[attr-defined]
    assert cite(module) == entry("clopper1934")
    assert "joshi2020pcm" in cite(_Cell)


def test_a_forgotten_comma_is_one_key() -> None:
    class Sloppy:
        references = "clopper1934"

    assert cite(Sloppy()) == entry("clopper1934")


def test_results_without_references_cite_nothing(make) -> None:
    assert cite(make()) == ""


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'qin2025neft'"):
        cite("qin2024neft")


def test_things_without_references_are_refused() -> None:
    with pytest.raises(SpecError, match="a int has none"):
        cite(42)


def test_importing_the_room_draws_nothing() -> None:
    code = "import sys, mho.reports; print([m for m in ('matplotlib', 'jinja2') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE.parent)}
    )
    assert done.stdout.strip() == "[]", done.stderr
