"""Every public name has its place in the reference: the verbs in its first page, what a room lists on the room's."""

from __future__ import annotations

import ast
import importlib
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mho

ROOT = Path(mho.__file__).parent
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
INSIDE = {"reports/figures"}
"""Lists names for its neighbours only, not for users."""
ROOMS = sorted(
    room
    for init in ROOT.rglob("*/__init__.py")
    if "__all__ =" in init.read_text(encoding="utf-8")
    and (room := init.parent.relative_to(ROOT).as_posix()) not in INSIDE
)
_DIRECTIVE = re.compile(r"^::: (mho[\w.]*)$", re.MULTILINE)


def directives() -> list[str]:
    return [path for page in sorted(REFERENCE.glob("*.md")) for path in _DIRECTIVE.findall(page.read_text("utf-8"))]


def resolve(path: str) -> Any:
    """A module, or what a module has under the last name; of a module and a function of one name, the function."""
    parent, _, name = path.rpartition(".")
    module = importlib.import_module(parent)
    return getattr(module, name) if hasattr(module, name) else importlib.import_module(path)


def commented(room: str) -> set[str]:
    """Values of a room that a text under their assignment describes."""
    found = set()
    for path in (ROOT / room).rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for statement, text in pairwise(body):
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def shown_with_its_room(module: ModuleType, name: str, described: set[str]) -> bool:
    """Whether the page of a room shows ``name``: what has no text, or shares its name with a file, it leaves out."""
    folder, thing = Path(str(module.__file__)).parent, getattr(module, name)
    if (folder / f"{name}.py").exists() or (folder / name).is_dir():
        return False
    plain = not (isinstance(thing, type) or callable(thing))
    return name in described or (not plain and bool(getattr(thing, "__doc__", None)))


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_in_the_reference(room) -> None:
    path = f"mho.{room.replace('/', '.')}"
    module, given, described = importlib.import_module(path), directives(), commented(room)
    assert path in given, "the room has no place in docs/reference"
    alone = [resolve(each) for each in given]
    missing = [
        name
        for name in module.__all__
        if not shown_with_its_room(module, name, described) and not any(getattr(module, name) is it for it in alone)
    ]
    assert missing == [], f"give each a docstring, or a line '::: {path}.NAME' in docs/reference"


def test_every_verb_is_in_its_first_page() -> None:
    page = (REFERENCE / "index.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)(?:\([^`]*)?`", page))
    assert set(mho.__all__) - {"__version__"} <= named


def test_the_reference_names_nothing_twice_and_nothing_that_is_not_there() -> None:
    given = directives()
    assert sorted(given) == sorted(set(given))
    for path in given:
        assert resolve(path) is not None


def test_a_name_that_is_missing_is_found() -> None:
    racetrack = importlib.import_module("mho.racetrack")
    assert not shown_with_its_room(racetrack, "overhead", set()), "the file racetrack/overhead.py hides the function"
    assert shown_with_its_room(racetrack, "GROGU", set())
    devices = importlib.import_module("mho.devices")
    assert not shown_with_its_room(devices, "PRESETS", set()), "a value without a text"
    assert shown_with_its_room(devices, "SigmaConvention", commented("devices"))
