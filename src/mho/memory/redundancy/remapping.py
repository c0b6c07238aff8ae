"""Remapping: columns or rows of a chip whose faults are known change places so that faults do little harm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mho.kernels.harm import harm
from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.faults import Resolved

if TYPE_CHECKING:
    from mho.mapping.plane_code import Ints, PlaneCode
    from mho.memory.redundancy.base import Places
    from mho.memory.redundancy.faults import Faults
    from mho.memory.redundancy.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Remapping(Redundancy):
    """Every column of a matrix is written where the stuck cells of this chip agree with it best.

    Outputs may be permuted at no cost, and columns that are pruned leave room to spare. Rows are permuted with the
    inputs of the layer. All planes and both polarities of a column (row) move together. The faults of every chip must
    be known, from a march test [chen2014march], and each chip gets a permutation of its own, kept in its periphery.

    The permutation has the least sum over wrong cells of what they are worth (``2^b`` times the value of a step), or of
    the squares of that, of all permutations: a linear assignment problem. Two wrong cells of one weight count apart,
    although they may cancel.

    Attributes:
        along: ``"columns"`` or ``"rows"``; ``"both"`` first columns, then rows with the columns where they are, which
            is good but not the best of all pairs of permutations.
        importance: what a wrong cell counts: ``"steps"``, its worth, or ``"squares"``, the square of it, to which the
            noise power of an output is proportional.
    """

    references: ClassVar[tuple[str, ...]] = ("chen2014march",)
    known_map: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True

    along: Literal["columns", "rows", "both"] = "columns"
    importance: Literal["steps", "squares"] = "steps"

    @property
    def label(self) -> str:
        return f"remapped {'columns and rows' if self.along == 'both' else self.along}"

    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        for along in ("columns", "rows"):
            if self.along in (along, "both"):
                faults, _ = self._moved(faults, code, along == "rows")
        read = code.read_columns[faults.column] & code.read_rows[faults.row]
        return Resolved.of(faults.where(read).errors(code))

    def places(self, faults: Faults, code: PlaneCode) -> Places | None:
        if not len(faults):
            return None
        columns, rows = (np.arange(n) for n in code.integers.shape)
        if self.along in ("columns", "both"):
            faults, columns = self._moved(faults, code, False)
        if self.along in ("rows", "both"):
            faults, rows = self._moved(faults, code, True)
        return columns, rows

    def _moved(self, faults: Faults, code: PlaneCode, rows: bool) -> tuple[Faults, Ints]:
        """``faults`` by the logical cells that the best permutation puts there, and where it puts each line."""
        read = code.read_rows if rows else code.read_columns
        places = best_places(self.harm(faults, code, rows=rows))
        holds = np.full(len(read), -1)
        holds[places] = np.flatnonzero(read)
        at = np.empty(len(read), np.int64)
        # What is not read stands in what is left over.
        at[read], at[~read] = places, np.flatnonzero(holds < 0)
        moved = holds[faults.row if rows else faults.column]
        faults = replace(faults, row=moved) if rows else replace(faults, column=moved)
        return faults.where(moved >= 0), at

    def harm(self, faults: Faults, code: PlaneCode, *, rows: bool) -> NDArray[np.float64]:
        """What every column (row) that is read would suffer at every place.

        Args:
            faults: by physical cell, those of columns and rows that are not read too.
            code: of the layer.
            rows: whether rows are moved, not columns.

        Returns:
            ``(read, places)`` the sum of what wrong cells count.
        """
        power = 2 if self.importance == "squares" else 1
        gain = np.abs(code.gain.astype(np.float64)) ** power
        read, stays = (code.read_rows, code.read_columns) if rows else (code.read_columns, code.read_rows)
        integers = code.integers if rows else code.integers.T
        faults = faults.where(stays[faults.column if rows else faults.row])
        place, line = (faults.row, faults.column) if rows else (faults.column, faults.row)
        total = harm(
            integers[:, read],
            len(read),
            place=place,
            line=line,
            plane=faults.plane,
            negative=faults.negative,
            bit=faults.stuck ^ np.array(code.flipped, np.int64)[faults.plane],
            worth=2.0 ** (faults.plane * power) * (gain[line] if rows else 1.0),
        ).T
        return total if rows else total * gain[read, None]


def best_places(harm: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place of each column so that the sum of their ``harm`` ``(columns, places)`` is the least there is."""
    from scipy.optimize import linear_sum_assignment

    columns, places = harm.shape
    # Places choose, not columns, and what stays empty counts as much as the worst place in use may: the same optimum,
    # found several times faster, because few places first want what others must have.
    square = np.full((places, places), np.sort(harm.mean(axis=0))[columns - 1] if columns else 0.0)
    square[:, :columns] = harm.T
    place, column = linear_sum_assignment(square)
    found = np.empty(places, np.int64)
    found[column] = place
    return found[:columns]
