"""The page docs/compatibility.md: the table of what goes with what as symbols, and notes below."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from mho.codesign.compatibility_things import AXES, USUAL, Thing
from mho.spec import Spec

if TYPE_CHECKING:
    from mho.codesign.compatibility import Cell, Table

Beside = tuple[tuple[str, str], ...]

COMMAND = "mho list combinations > docs/compatibility.md"
SYMBOLS: Mapping[str, str] = {"works": "✓", "apart": "◐", "refused": "✗", "nothing": "–"}

_HEAD = """\
# What combines with what

Devices, mappings, programming, redundancy and codes, training and questions combine freely wherever physics allows.
This page is written by the code (`{command}`): every pair was tried with a tiny
network, one mini-batch and two chips, and a test compares the page with the code. In Python it is
`mho.codesign.compatibility.combinations()`.

| | | pairs |
| --- | --- | ---: |
| ✓ | works | {works} |
| ◐ | works, with the network trained on something simpler than what it is deployed on; the note says why | {apart} |
| ✗ | is refused; the note is the line that you get | {refused} |
| – | means nothing, such as the ages of a device that does not age | {nothing} |

What a pair leaves open is what suits it, as a note says, or the usual:
{usual}.
In notes, ROW and COLUMN stand for the things of the row and the column where several lines differ in nothing else.

*Arrays* are trained by pulses, and read into a network that is deployed as any other. SoftBounds, LinearStep and
ConstantStep are cells for that alone. Methods that take no errors of a memory (Plain, RightCensored,
AdversarialWeights, prune, arrays) come first, and the network is deployed then. What comes of `in_situ` is no network:
only how good its chips are.
"""


def page(table: Table) -> str:
    """The page, with a heading for every two axes."""
    counts = {mark: sum(cell.mark == mark for cell in table.cells.values()) for mark in SYMBOLS}
    usual = ", ".join(USUAL.values()).replace("none", "no redundancy")
    sections = [_HEAD.format(command=COMMAND, usual=usual, **counts)]
    for one, other in combinations(AXES, 2):
        rows, columns = sorted((one, other), key=lambda axis: -len(AXES[axis]))
        sections.append(f"## {rows} and {columns}\n\n{_section(table, AXES[rows], AXES[columns])}")
    return "\n".join(sections)


def _section(table: Table, rows: Sequence[Thing], columns: Sequence[Thing]) -> str:
    cells = [[table.cell(row.name, column.name) for column in columns] for row in rows]
    heads = [_common(row) for row in cells]
    tops = [_common(column) for column in zip(*cells, strict=True)]
    every = [(row, column, table.cell(row.name, column.name)) for row in rows for column in columns]
    said = _merged([(part.said, row, column) for row, column, cell in every for part in (cell, cell.other) if part])
    notes: dict[str, int] = {}

    def marked(text: str, *wanted: str) -> str:
        numbers = [str(notes.setdefault(note, len(notes) + 1)) for note in wanted if note]
        return f"{text} <sup>{' '.join(numbers)}</sup>" if numbers else text

    head = ["", *(marked(c.name, _beside(top)) for c, top in zip(columns, tops, strict=True))]
    lines = [head, ["---", *(":-:" for _ in columns)]]
    for row, common, line in zip(rows, heads, cells, strict=True):
        shown = [marked(row.name, _beside(common))]
        for column, top, cell in zip(columns, tops, line, strict=True):
            own = () if cell.beside in (common, top) else cell.beside
            wanted = [_beside(own), said(cell.said, row, column)]
            if cell.other is not None:
                better = tuple(pair for pair in cell.other.beside if pair not in cell.beside)
                wanted.append(f"not {_beside(better)}: {said(cell.other.said, row, column)}")
            shown.append(marked(SYMBOLS[cell.mark], *wanted))
        lines.append(shown)
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{body}\n" + "".join(f"\n{number}. {note}" for note, number in notes.items()) + "\n" * bool(notes)


def _common(cells: Iterable[Cell]) -> Beside:
    """What is beside all of a row or column that means something."""
    found = {cell.beside for cell in cells if cell.mark != "nothing"}
    return found.pop() if len(found) == 1 else ()


def _beside(beside: Beside) -> str:
    return "beside " + "; ".join(f"{axis} {name}" for axis, name in beside) if beside else ""


def _merged(said: Sequence[tuple[str, Thing, Thing]]) -> Callable[[str, Thing, Thing], str]:
    """Notes of messages; those that differ in the names of their things alone are one."""
    whole: dict[str, set[str]] = {}
    for message, row, column in said:
        whole.setdefault(_general(message, row, column), set()).add(message)

    def note(message: str, row: Thing, column: Thing) -> str:
        general = _general(message, row, column)
        text = general if len(whole[general]) > 1 else message
        return f"`{text}`" if text else ""

    return note


def _general(message: str, row: Thing, column: Thing) -> str:
    for thing, said in ((row, "ROW"), (column, "COLUMN")):
        for word in _words(thing):
            general, found = re.subn(rf"(?<!\w){re.escape(word)}(?!\w)", said, message)
            if found:
                message = general
                break
    return re.sub(r"(ROW|COLUMN)\([^()]*\)", r"\1(...)", message)


def _words(thing: Thing) -> list[str]:
    """What messages may call a thing, the most special first."""
    made = thing.make()
    if not isinstance(made, Spec):
        return []
    return [name for name in (getattr(made, "label", ""), getattr(made, "name", ""), type(made).__name__) if name]
