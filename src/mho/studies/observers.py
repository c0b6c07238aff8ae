"""Who may watch a study run: a table on the terminal, and the trackers that people use."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

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


class Audience:
    """All who watch a run. One that fails is left behind: a tracker that is out of reach must not cost a study."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = list(observers)

    def tell(self, event: str, *arguments: Any) -> None:
        """Call the method ``event`` of everybody who is still there."""
        for observer in list(self._observers):
            try:
                getattr(observer, event)(*arguments)
            except Exception as error:  # an observer is the user's own code
                if observer in self._observers:
                    self._observers.remove(observer)
                reason = (str(error).splitlines() or [""])[0][:200]
                said = f"{type(observer).__name__} stopped watching: {type(error).__name__}: {reason}"
                if self._observers:
                    self.tell("noticed", said)
                else:
                    warnings.warn(said, RuntimeWarning, stacklevel=2)  # nobody else is there to hear it
