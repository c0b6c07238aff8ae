"""Workers that stay from one batch of candidates to the next, with the data and networks that they hold."""

from __future__ import annotations

from collections.abc import Callable

from mho.studies.executors.base import Executor, Job, Outcome


class KeptOpen(Executor):
    """Another executor, started by the first run that needs it, and closed by :meth:`shut` alone.

    All runs must be of one store.

    Args:
        inner: who computes, not yet started.
    """

    def __init__(self, inner: Executor) -> None:
        self.label = inner.label
        self._inner, self._open = inner, False

    def start(self, fetch: Callable[[str], bytes]) -> None:
        """See :class:`~mho.studies.Executor`."""
        if not self._open:
            self._open = True
            self._inner.start(fetch)

    @property
    def free(self) -> int:
        """See :class:`~mho.studies.Executor`."""
        return self._inner.free

    def submit(self, job: Job) -> None:
        """See :class:`~mho.studies.Executor`."""
        self._inner.submit(job)

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`~mho.studies.Executor`."""
        return self._inner.wait(timeout)

    def close(self) -> None:
        """Nothing: there is a next run."""

    def shut(self) -> None:
        """Stop the workers."""
        if self._open:
            self._open = False
            self._inner.close()
