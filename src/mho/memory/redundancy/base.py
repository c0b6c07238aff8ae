"""REDUNDANCY: more cells than the bits need, and what is made of them when some are stuck."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mho.mapping.plane_code import Ints, PlaneCode
from mho.memory.redundancy.faults import Faults, Resolved
from mho.memory.redundancy.layout import Layout
from mho.spec import Spec

Places = tuple[Ints, Ints]
"""``(columns,)`` and ``(rows,)``: where every column and row stands."""
Bits = tuple[tuple[Ints, Ints, Ints, Ints], Ints]
"""Cells, by array (0: +, 1: -), plane, column and row, and what they are written to, 0 or 1."""


@dataclass(frozen=True, kw_only=True)
class Redundancy(Spec):
    """Abstract way to spend cells against stuck ones, on weights that lie in planes of bits.

    :meth:`resolve` says what becomes of stuck cells. Where cells vary too (:mod:`mho.memory.varied`), the methods after
    it say which cells are used and what their errors count for; a redundancy without duplicates, moves and votes needs
    none of them. Where cells are read one by one (``digital``), those that read wrong come to :meth:`resolve` as stuck
    ones do.

    ``references`` are BibTeX keys (see :func:`mho.cite`); ``known_map`` says whether every chip's faults have to be
    found first (a march test); ``digital`` whether cells are read one by one, not added up on a bit line;
    ``everywhere`` whether stuck cells of columns and rows that are not read matter too, because others may move there.
    """

    references: ClassVar[tuple[str, ...]] = ()
    known_map: ClassVar[bool] = False
    digital: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Short name for tables."""
        return type(self).__name__

    @property
    def votes(self) -> bool:
        """Whether outputs are voted on, so that no weights alone stand for a chip."""
        return False

    @property
    def embeds(self) -> bool:
        """Whether duplicates go where pruned columns are, as far as there is room."""
        return bool(getattr(self, "embed", False))

    @property
    def shared(self) -> tuple[tuple[str, ...], ...]:
        """Layers that have their inputs in common and take each other's duplicates, by patterns of names."""
        return tuple(getattr(self, "pools", ()))

    def plane_copies(self, bits: int) -> tuple[int, ...]:
        """How often each of ``bits`` planes is stored, the original counted, plane 0 first."""
        return (1,) * bits

    def extra_cells(self, code: PlaneCode) -> int:
        """Cells of a tensor besides planes and their copies, such as check bits; they may be stuck too."""
        return 0

    @abstractmethod
    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        """What one chip computes with.

        Args:
            faults: its stuck cells.
            code: what all cells should hold.
            layout: where each copy stands.
        """

    def extra_levels(self, code: PlaneCode) -> NDArray[np.float32]:
        """``(extra,)`` what the cells of :meth:`extra_cells` are written to, 0 or 1."""
        return np.zeros(self.extra_cells(code), np.float32)

    def voted(self, bits: int) -> range:
        """The planes whose copies are candidates of a vote on outputs."""
        return range(0)

    @property
    def tile(self) -> int | None:
        """Rows after which candidates are voted on; ``None`` for all of a layer."""
        return None

    def shares(self, faults: Faults, code: PlaneCode) -> NDArray[np.float64]:
        """``(copies, bits, columns)`` how much of every copy's column counts; of planes that are voted on, nothing."""
        out = np.zeros((max(self.plane_copies(code.bits)), code.bits, code.geometry.columns))
        out[0] = 1
        return out

    def places(self, faults: Faults, code: PlaneCode) -> Places | None:
        """Where columns and rows of this chip stand; ``None`` for those of any chip."""
        return None

    def rewritten(self, faults: Faults, code: PlaneCode) -> Bits | None:
        """What cells of this chip are written to that others are not; ``None`` if there are none."""
        return None
