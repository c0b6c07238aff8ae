"""What an algorithm that trains weights on the array is: the arrays it needs, and what it does with a batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from mho.analog.pulses import PulseTrain
from mho.devices.pulsed import PulsedCell, SoftBounds
from mho.spec import Spec

if TYPE_CHECKING:
    from mho.analog.tile import Batch, Tile


@dataclass(frozen=True, kw_only=True)
class Algorithm(Spec):
    """Abstract way to change the weights of an array from inputs and errors.

    An algorithm is a description; what it remembers lives in a :class:`~mho.analog.Tile`. ``references`` are BibTeX
    keys, ``name`` is what tables and the command line call it.
    """

    references: ClassVar[tuple[str, ...]] = ()
    name: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.name

    @property
    @abstractmethod
    def cells(self) -> Mapping[str, PulsedCell]:
        """The arrays of pulsed cells: ``"weight"``, and ``"gradient"`` where there is one."""

    @abstractmethod
    def build(self, tile: Tile) -> None:
        """Add to ``tile`` what is remembered, beyond the arrays of :attr:`cells`."""

    @abstractmethod
    def update(self, tile: Tile, batch: Batch) -> None:
        """Change the weights of ``tile`` by a batch, sample after sample."""

    @property
    def has_reference(self) -> bool:
        """Whether it reads an array of references, which may be off."""
        return False

    def with_reference(self, mean: float, std: float) -> Self:
        """This algorithm with a reference array that is off by ``mean``, and by ``std`` from cell to cell.

        Itself where no reference is read.
        """
        return self


@dataclass(frozen=True, kw_only=True)
class PulsedAlgorithm(Algorithm):
    """Abstract algorithm whose weights are pulsed cells.

    Attributes:
        cell: of the weights.
        pulses: the trains of outer products.
        correct_weights: weights are read relative to the symmetry points of their cells, which takes another array
            that holds them; otherwise relative to the middle of the range.
    """

    cell: PulsedCell = field(default_factory=SoftBounds)
    pulses: PulseTrain = field(default_factory=PulseTrain)
    correct_weights: bool = False

    @property
    def cells(self) -> Mapping[str, PulsedCell]:
        return {"weight": self.cell}

    def build(self, tile: Tile) -> None:
        if self.correct_weights:
            tile.register_buffer("symmetric", tile.points("weight").symmetry_point(self.cell.slopes))
            tile.register_buffer("conductance", tile.get_buffer("symmetric").clone())
