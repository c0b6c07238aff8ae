"""REDUNDANCY: more cells than the bits need, and what is made of them when some are stuck."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from mho.mapping.plane_code import PlaneCode
from mho.memory.redundancy.faults import Faults, Resolved
from mho.memory.redundancy.layout import Layout
from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Redundancy(Spec):
    """Abstract way to spend cells against stuck ones, on weights that lie in planes of bits.

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
