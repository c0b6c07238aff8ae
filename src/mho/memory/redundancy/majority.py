"""Majority of every cell: copies are read bit by bit and outvote each other before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mho.memory.redundancy.duplicated import Duplicated
from mho.memory.redundancy.faults import Resolved

if TYPE_CHECKING:
    from mho.mapping.plane_code import PlaneCode
    from mho.memory.redundancy.faults import Faults
    from mho.memory.redundancy.layout import Layout


@dataclass(frozen=True, kw_only=True)
class CellMajority(Duplicated):
    """Each bit of the top planes is what most of its copies read.

    Of cells that read wrong with probability ``e``, three copies leave ``3e^2 - 2e^3``. This is the best that copies
    can do without a map of the faults, and a reference rather than a design: an array adds up whole columns, so to
    vote cell by cell every copy must be read out bit by bit and the product computed elsewhere.

    Attributes:
        copies: of every protected plane, the original counted; odd, so that no vote is a tie.
        planes: how many are protected, the most significant first.
        embed: whether duplicates go where columns are pruned, as far as there is room.
        pools: layers with the same inputs that take each other's duplicates; see
            :class:`mho.memory.redundancy.Voting`.
    """

    digital: ClassVar[bool] = True

    copies: int = 3
    planes: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.copies % 2 == 1, "copies", "must be odd: a vote of an even number may be a tie")

    @property
    def label(self) -> str:
        named = f"majority of {self.copies} cells" if self.copies > 1 else "cells read one by one"
        return named + (f" on {self.planes} planes" if self.planes > 1 else "")

    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        errors = faults.errors(code)
        columns, rows = code.integers.shape
        cell = ((errors.plane * 2 + errors.negative) * columns + errors.column) * rows + errors.row
        # A bit can be wrong in one way only, so all wrong copies of it say the same.
        _, first, wrong = np.unique(cell, return_index=True, return_counts=True)
        copies = np.asarray(self.plane_copies(code.bits))[errors.plane[first]]
        lost = np.zeros(len(errors), bool)
        lost[first[2 * wrong > copies]] = True
        return Resolved.of(errors.where(lost))
