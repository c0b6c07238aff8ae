"""Who may watch a training run, epoch by epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mho.training.record import Epoch, Origin


class Observer:
    """Watches a training run; subclass it and override what you need.

    Trackers are in :mod:`mho.training.trackers`; studies have observers of their own (:class:`mho.studies.Observer`).
    """

    def epoch(self, epoch: Epoch) -> None:
        """One pass over the training data is over."""

    def end(self, origin: Origin) -> None:
        """The network is trained; ``origin`` holds how, and all epochs. Not called when the run fails."""


class Audience:
    """All who watch a run. One that fails is left behind: a tracker that is out of reach must not cost a run."""

    def __init__(self, observers: Iterable[Any] = ()) -> None:
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
                self.lost(f"{type(observer).__name__} stopped watching: {type(error).__name__}: {reason}")

    def lost(self, message: str) -> None:
        """Say that somebody was left behind."""
        warnings.warn(message, RuntimeWarning, stacklevel=3)
