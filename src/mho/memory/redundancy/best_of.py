"""The best of several copies: a chip whose faults are known computes with the column that has the fewest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mho.memory.redundancy.duplicated import Duplicated
from mho.memory.redundancy.faults import Resolved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mho.mapping.plane_code import PlaneCode
    from mho.memory.redundancy.faults import Errors, Faults
    from mho.memory.redundancy.layout import Layout


@dataclass(frozen=True, kw_only=True)
class BestOf(Duplicated):
    """Of the copies of a column of a plane, the one with the fewest wrong cells is used, for good.

    The faults of every chip must be known, from a march test [chen2014march], and the choices are kept in its
    periphery. In return nothing is voted on: one column is read a column, as without copies. Both polarities of a copy
    go together; where copies are equally good the first is used. If a copy has errors with probability ``P``, a column
    of T copies has some with ``P^T``.

    Attributes:
        copies: of every protected plane, the original counted.
        planes: how many are protected, the most significant first.
        embed: whether duplicates go where columns are pruned, as far as there is room.
        pools: layers with the same inputs that take each other's duplicates; see
            :class:`mho.memory.redundancy.Voting`.
    """

    references: ClassVar[tuple[str, ...]] = ("chen2014march",)
    known_map: ClassVar[bool] = True

    copies: int = 2
    planes: int = 3

    @property
    def label(self) -> str:
        return f"best of {self.copies}" + (f" on {self.planes} planes" if self.planes > 1 else "")

    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        errors = faults.errors(code)
        used = self._used(errors, code)
        return Resolved.of(errors.where(errors.copy == used[errors.plane, errors.column]))

    def shares(self, faults: Faults, code: PlaneCode) -> NDArray[np.float64]:
        used = self._used(faults.errors(code), code)
        copies = np.arange(max(self.plane_copies(code.bits)))
        return np.asarray(copies[:, None, None] == used, np.float64)

    def _used(self, errors: Errors, code: PlaneCode) -> NDArray[np.int64]:
        """``(bits, columns)`` the copy that is used."""
        counts = self.plane_copies(code.bits)
        shape = (max(counts), code.bits, len(code.integers))
        place = np.ravel_multi_index((errors.copy, errors.plane, errors.column), shape)
        wrong = np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)
        for plane, copies in enumerate(counts):
            wrong[copies:, plane] = np.iinfo(wrong.dtype).max  # there are no such copies
        used: NDArray[np.int64] = wrong.argmin(axis=0)
        return used
