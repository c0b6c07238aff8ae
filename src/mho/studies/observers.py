"""Who may watch a study run: a table on the terminal, and the trackers that people use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mho.training.observers import Audience as _Audience

if TYPE_CHECKING:
    from mho.studies.cells import Cell
    from mho.studies.plan import Plan


class Observer:
    """Watches a study; subclass it and override what you need.

    An observer is called from the process that runs the study, between shards: what it does delays nothing but the
    next look at the workers. One that raises is told nothing more.
    """

    def started(self, plan: Plan, chips: int) -> None:
        """The run starts; ``chips`` evaluations of one chip are missing (cells that are computed in one piece not
        counted)."""

    def advanced(self, cell: Cell, chips: int, seconds: float) -> None:
        """``chips`` more chips of a cell are in the store; a worker spent ``seconds`` on them."""

    def trained(self, label: str, seconds: float) -> None:
        """A network is trained."""

    def finished(self, cell: Cell, row: dict[str, Any]) -> None:
        """A cell is complete; ``row`` holds its statistics (fractions, seconds, nats)."""

    def failed(self, what: str, error: str) -> None:
        """A cell or a training did not work; ``error`` ends with the exception."""

    def noticed(self, message: str) -> None:
        """Something to know: a damaged file was computed again, a worker died and was replaced."""

    def ended(self) -> None:
        """The run is over, complete or interrupted."""


class Audience(_Audience):
    """All who watch a study; who is left behind, the others are told."""

    def lost(self, message: str) -> None:
        """Tell those who are still there; warn where nobody is."""
        if self._observers:
            self.tell("noticed", message)
        else:
            super().lost(message)
