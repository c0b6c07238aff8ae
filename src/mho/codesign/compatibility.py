"""What goes with what: every pair of devices, mappings, schemes, measures, training methods and questions, tried."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations as pairs_of
from itertools import product
from typing import Literal

from mho.codesign.compatibility_jobs import Choice, Trials
from mho.codesign.compatibility_questions import MeansNothingError
from mho.codesign.compatibility_things import AXES, USUAL, Thing
from mho.errors import MhoError, unknown
from mho.progress import progress

Mark = Literal["works", "apart", "refused", "nothing"]
"""Best first: it works; it works, but the network is trained on another memory; it is refused; it means nothing."""
Beside = tuple[tuple[str, str], ...]
_BEST_FIRST = ("works", "apart", "refused", "nothing")


@dataclass(frozen=True)
class Cell:
    """What became of one pair.

    Attributes:
        mark: which of the four.
        said: the one line that a user is told who asks for it, where it is refused or trained apart.
        beside: axis to what was beside the pair there, where that is not the axis's usual thing.
        other: of one that works: what became of it beside things that would suit it better, if that is refused.
    """

    mark: Mark
    said: str = ""
    beside: Beside = ()
    other: Cell | None = None


@dataclass(frozen=True)
class Table:
    """Every pair of things of two different axes, and what became of it.

    Attributes:
        cells: names of two things, that of the earlier axis first, to what became of them.
    """

    cells: Mapping[tuple[str, str], Cell]

    def cell(self, row: str, column: str) -> Cell:
        """What became of two things, in either order.

        Raises:
            UnknownNameError: there is no such pair.
        """
        for names in ((row, column), (column, row)):
            if names in self.cells:
                return self.cells[names]
        known = dict.fromkeys(name for names in self.cells for name in names)
        raise unknown("thing", row if row not in known else column, known)

    def markdown(self) -> str:
        """The page: a table for every two axes, and below it what is said."""
        from mho.codesign.compatibility_page import page

        return page(self)


def combinations(axes: Mapping[str, tuple[Thing, ...]] = AXES) -> Table:
    """Try every pair with a tiny network, two chips and one mini-batch; it takes about a quarter of a minute.

    What a pair leaves open is what suits it, or the usual thing. Whatever is no :class:`mho.errors.MhoError` is a bug
    and is raised as it is, with a note of what was tried.

    Args:
        axes: things by axis; those of one axis are not paired.
    """
    tried = _Tried(axes)
    lot = [(one, other) for one, other in pairs_of(axes, 2)]
    total = sum(len(axes[one]) * len(axes[other]) for one, other in lot)
    cells: dict[tuple[str, str], Cell] = {}
    with warnings.catch_warnings(), progress("pairs", total) as bar:
        warnings.simplefilter("ignore")
        for one, other in lot:
            for a, b in product(axes[one], axes[other]):
                cells[a.name, b.name] = tried.pair({one: a, other: b})
                bar.advance()
    return Table(cells)


class _Tried:
    """Choices that were tried, each once."""

    def __init__(self, axes: Mapping[str, tuple[Thing, ...]]) -> None:
        things = {(axis, t.name): t for of in (AXES, axes) for axis, row in of.items() for t in row}
        self._made = {key: thing.make() for key, thing in things.items()}
        self._trials = Trials()
        self._known: dict[Choice, Cell] = {}

    def pair(self, pair: Mapping[str, Thing]) -> Cell:
        """The best of what may be beside the pair."""
        found: list[Cell] = []
        for names in _beside(pair):
            cell = self._one(names)
            beside = tuple((axis, name) for axis, name in names.items() if axis not in pair and name != USUAL[axis])
            found.append(cell if cell.mark == "nothing" else replace(cell, beside=beside))
            if cell.mark == "works":
                break
        best = min(found, key=lambda cell: _BEST_FIRST.index(cell.mark))
        refused = [cell for cell in found if cell.mark == "refused"]
        return replace(best, other=refused[0]) if best.mark == "works" and refused else best

    def _one(self, names: Mapping[str, str]) -> Cell:
        choice = Choice(**{axis: self._made[axis, name] for axis, name in names.items()})
        if choice not in self._known:
            try:
                said = self._trials.run(choice)
                self._known[choice] = Cell("apart" if said else "works", said)
            except MhoError as error:
                self._known[choice] = Cell("refused", str(error))
            except MeansNothingError:
                self._known[choice] = Cell("nothing")
            except Exception as error:
                error.add_note(f"while trying {dict(names)}")
                raise
        return self._known[choice]


def _beside(pair: Mapping[str, Thing]) -> Iterator[dict[str, str]]:
    """Axis to name of a whole choice: the pair, and what suits it where it leaves an axis open, best first."""
    options: dict[str, tuple[str, ...]] = {}
    for axis, usual in USUAL.items():
        suited = dict.fromkeys(name for thing in pair.values() for name in thing.suits.get(axis, ()))
        options[axis] = (pair[axis].name,) if axis in pair else tuple(suited) or (usual,)
    for names in product(*options.values()):
        yield dict(zip(options, names, strict=True))


if __name__ == "__main__":
    print(combinations().markdown(), end="")
