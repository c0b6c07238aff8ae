"""The conformance suite of redundancy: all of mho's pass it, and it tells what is wrong with others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mho import spec
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Redundancy, Remapping, Resolved, Voting
from mho.testing import check_redundancy

SOUND = [
    CellMajority(),
    CellMajority(copies=5, planes=2, embed=False),
    BestOf(),
    BestOf(copies=3, planes=8),
    ClosestValue(),
    Remapping(),
    Remapping(along="both", importance="squares"),
    ECC(),
    ECC(data_bits=3, planes=2),
    Voting(),
    Voting(copies=5, planes=8, scope=3),
    Voting(combine="mean", copies=2, planes=3),
]


@pytest.mark.parametrize("redundancy", SOUND, ids=lambda r: r.label)
def test_every_redundancy_conforms(redundancy: Redundancy) -> None:
    check_redundancy(redundancy)


def test_fewer_planes_are_tried_where_they_are_asked_for() -> None:
    check_redundancy(CellMajority(planes=2), bits=2)
    with pytest.raises(AssertionError, match="it refuses 8 planes; give check_redundancy the bits= that it takes"):
        check_redundancy(CellMajority(planes=9))


def test_every_kind_is_held_to_it() -> None:
    # Kinds that tests and docs of this process define are theirs.
    ours = {spec.kinds()[name] for name in spec.kinds_of(Redundancy)}
    assert {k for k in ours if k.__module__.startswith("mho.")} == {type(r) for r in SOUND}


@dataclass(frozen=True, kw_only=True)
class _Bare(Redundancy):
    """Nothing is done about errors; broken ones start from it."""

    def resolve(self, faults, code, layout) -> Resolved:
        return Resolved.of(faults.errors(code))


class _Counts(_Bare):
    def plane_copies(self, bits):
        return (1,) * (bits - 1)


class _Extra(_Bare):
    def extra_cells(self, code):
        return code.integers.size / 8


class _Spoils(_Bare):
    def resolve(self, faults, code, layout):
        return Resolved(np.array([0]), np.array([0]), np.array([1 if code.integers[0, 0] < 0 else -1]))


class _Panics(_Bare):
    """Takes every stuck cell for one that is wrong."""

    def resolve(self, faults, code, layout):
        column, row = np.unique(np.stack([faults.column, faults.row]), axis=1)
        return Resolved(column, row, -code.integers[column, row].astype(np.int64))


class _Overdoes(_Bare):
    """A weight with a wrong cell is left out, however little that cell counts."""

    def resolve(self, faults, code, layout):
        errors = faults.errors(code)
        column, row = np.unique(np.stack([errors.column, errors.row]), axis=1)
        return Resolved(column, row, -code.integers[column, row].astype(np.int64))


class _Overflows(_Bare):
    """Counts every error twice, of cells that are not alone."""

    def resolve(self, faults, code, layout):
        found = Resolved.of(faults.errors(code))
        return replace(found, steps=found.steps * (1 + (len(faults) > 1)))


class _Misses(_Bare):
    def resolve(self, faults, code, layout):
        found = Resolved.of(faults.errors(code))
        return replace(found, column=found.row, row=found.column)


class _Everywhere(_Bare):
    """Asks for the faults of all columns, and forgets that not all are read."""

    everywhere = True


class _Votes(_Bare):
    votes = True


class _Moves(_Bare):
    def resolve(self, faults, code, layout):
        faults.stuck.sort()
        return super().resolve(faults, code, layout)


class _Remembers(_Bare):
    """The more it has resolved, the fewer errors it lets through."""

    seen: list[int] = []  # noqa: RUF012

    def resolve(self, faults, code, layout):
        errors = faults.errors(code)
        self.seen.append(len(errors))
        return Resolved.of(errors.where(np.arange(len(errors)) >= len(self.seen)))


@dataclass(frozen=True, kw_only=True)
class _Mute(Voting):
    """Votes where cells are stuck, and not where they vary too."""

    def voted(self, bits):
        return range(0)


class _Transcript(_Bare):
    def to_dict(self):
        return {"kind": "CellMajority"}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (_Counts, r"plane_copies\(1\) is \(\), not 1 numbers"),
        (_Extra, "it must be a number of cells that stays"),
        (_Spoils, "weights are off although no cell is stuck"),
        (_Panics, "stuck at what they hold move a weight"),
        (_Overdoes, "times its harm unguarded"),
        (_Overflows, "8 planes hold 255"),
        (_Misses, "that the layer does not have"),
        (_Everywhere, "that is not read"),
        (_Votes, "votes is True, but"),
        (_Moves, "changes what it is given in place"),
        (_Remembers, "come out otherwise once other chips were resolved"),
        (_Mute, "stuck cells do something else where cells vary"),
        (_Transcript, "transcript makes another redundancy"),
    ],
)
def test_broken_redundancies_are_told(broken: type[Redundancy], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "_KINDS", {**spec._KINDS, broken.__name__: broken})
    with pytest.raises(AssertionError, match=says):
        check_redundancy(broken())


def test_nothing_at_all_conforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the broken ones have in common is not what is caught."""
    monkeypatch.setattr(spec, "_KINDS", {**spec._KINDS, "_Bare": _Bare})
    check_redundancy(_Bare())
