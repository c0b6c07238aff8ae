"""Faulty cells of one weight tensor on one chip: what they hold, what reads wrong, what is computed with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from mho.mapping.plane_code import Ints, PlaneCode

Bools = NDArray[np.bool_]


def _none() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Faults:
    """Stuck cells, by the logical cell that each holds; those that hold nothing that is read are left out.

    Attributes:
        plane: ``(n,)`` significance, 0 the least.
        copy: ``(n,)`` 0 where it is the original, 1, 2, ... of duplicates.
        negative: ``(n,)`` whether it stands in the - array.
        column: ``(n,)`` output whose weight it is part of.
        row: ``(n,)`` input.
        stuck: ``(n,)`` what it reads as, 0 or 1.
        extra: ``(m,)`` numbers of stuck cells among those that a scheme has besides planes and copies.
        extra_stuck: ``(m,)`` what they read as.
    """

    plane: Ints
    copy: Ints
    negative: Bools
    column: Ints
    row: Ints
    stuck: Ints
    extra: Ints = field(default_factory=_none)
    extra_stuck: Ints = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.plane)

    def where(self, mask: Bools) -> Faults:
        """Those of a ``(n,)`` mask, and the extra cells."""
        kept = {f.name: getattr(self, f.name)[mask] for f in fields(self)[:6]}
        return replace(self, **kept)

    def errors(self, code: PlaneCode) -> Errors:
        """Those that read wrong: stuck at what they should hold, cells do no harm."""
        stored = code.stored(self.plane, self.negative, self.column, self.row)
        wrong = stored != self.stuck
        plane, stuck = self.plane[wrong], self.stuck[wrong]
        # A flipped plane that reads 1 too many reads one logical bit too few.
        change = np.where(np.array(code.flipped)[plane], 1 - 2 * stuck, 2 * stuck - 1)
        return Errors(plane, self.copy[wrong], self.negative[wrong], self.column[wrong], self.row[wrong], change)


@dataclass(frozen=True, eq=False)
class Errors:
    """Cells that read wrong.

    Attributes:
        plane, copy, negative, column, row: ``(n,)``, as of :class:`Faults`.
        change: ``(n,)`` logical bit that is read less the one that is meant, +1 or -1.
    """

    plane: Ints
    copy: Ints
    negative: Bools
    column: Ints
    row: Ints
    change: Ints

    def __len__(self) -> int:
        return len(self.plane)

    @property
    def sign(self) -> Ints:
        """``(n,)`` +1 or -1: which way the weight moves."""
        return np.where(self.negative, -self.change, self.change)

    @property
    def steps(self) -> Ints:
        """``(n,)`` what each adds to the signed integer of the weight in its column and row."""
        return self.sign << self.plane

    def where(self, mask: Bools) -> Errors:
        """Those of a ``(n,)`` mask."""
        return Errors(*(getattr(self, f.name)[mask] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Votes:
    """What is put to a vote: of each group, the median over copies of the products with their errors is added.

    A median moves with what is added to all candidates, so only errors have to be known, and only groups in which
    more than half of the copies have one can come out wrong.

    Attributes:
        copies: T, odd.
        column: ``(groups,)`` output that the median is added to.
        scale: ``(groups,)`` steps that one bit counts for, a power of two.
        starts: ``(groups * T + 1,)``: where in ``row`` the errors of a group's copies begin, group after group.
        row: ``(errors,)`` input that an error is multiplied with.
        sign: ``(errors,)`` +1 or -1.
    """

    copies: int
    column: Ints
    scale: Ints
    starts: Ints
    row: Ints
    sign: Ints

    def __len__(self) -> int:
        return len(self.column)


@dataclass(frozen=True, eq=False)
class Resolved:
    """What one chip computes with, once redundancy has done its work.

    Attributes:
        column, row: ``(n,)`` weights that are off.
        steps: ``(n,)`` by how many integer steps; added up where a weight comes twice.
        votes: what is decided where outputs are read, if anything.
    """

    column: Ints
    row: Ints
    steps: NDArray[np.float64] | Ints
    votes: Votes | None = None

    @classmethod
    def of(cls, errors: Errors, votes: Votes | None = None) -> Resolved:
        """Errors that nothing corrects."""
        return cls(errors.column, errors.row, errors.steps, votes)
