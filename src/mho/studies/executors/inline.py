"""Jobs done where they are submitted, one after the other: for debugging, and for one core."""

from __future__ import annotations

from collections.abc import Callable

from mho.studies.executors.base import Executor, Job, Outcome, first_lines
from mho.studies.worker import Worker


class Inline(Executor):
    """This process.

    Args:
        root: folder searched first for data.
        device: where to compute; the CPU if ``None``.
    """

    label = "inline"

    def __init__(self, *, root: str | None = None, device: str | None = None) -> None:
        self._root, self._device = root, device
        self._worker: Worker | None = None
        self._waiting: list[Job] = []

    def start(self, fetch: Callable[[str], bytes]) -> None:
        """See :class:`Executor`."""
        self._worker = Worker(fetch, root=self._root, device=self._device)

    @property
    def free(self) -> int:
        """See :class:`Executor`."""
        return 1 - len(self._waiting)

    def submit(self, job: Job) -> None:
        """See :class:`Executor`."""
        self._waiting.append(job)

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`Executor`; the work is done here, however long it takes."""
        assert self._worker is not None, "start() comes first"
        if not self._waiting:
            return []
        job = self._waiting.pop()
        try:
            data, blob = self._worker.do(job)
        except Exception as error:  # whatever a user's device, network or metric raises belongs to its cell
            return [Outcome(job["id"], error=first_lines(error))]
        return [Outcome(job["id"], data=data, blob=blob)]

    def close(self) -> None:
        """See :class:`Executor`."""
        self._worker = None
