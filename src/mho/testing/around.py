"""Executors around another one, and an observer, for :func:`mho.testing.check_executor`."""

from __future__ import annotations

from collections.abc import Callable

from mho.studies.cells import Cell
from mho.studies.executors.base import Executor, Job, Outcome
from mho.studies.observers import Observer


class Around(Executor):
    """Passes everything on."""

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    def start(self, fetch: Callable[[str], bytes]) -> None:
        """See :class:`Executor`."""
        self.inner.start(fetch)

    @property
    def free(self) -> int:
        """See :class:`Executor`."""
        return self.inner.free

    def submit(self, job: Job) -> None:
        """See :class:`Executor`."""
        self.inner.submit(job)

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`Executor`."""
        return self.inner.wait(timeout)

    def close(self) -> None:
        """See :class:`Executor`."""
        self.inner.close()


class Kept(Around):
    """Keeps its workers from one run to the next, until :meth:`end`: starting them is what takes time."""

    def __init__(self, inner: Executor) -> None:
        super().__init__(inner)
        self._fetch: Callable[[str], bytes] | None = None

    def start(self, fetch: Callable[[str], bytes]) -> None:
        """Start, the first time; later only take networks from another place."""
        first, self._fetch = self._fetch is None, fetch
        if first:
            self.inner.start(self._latest)

    def _latest(self, key: str) -> bytes:
        assert self._fetch is not None
        return self._fetch(key)

    def close(self) -> None:
        """Not yet."""

    def end(self) -> None:
        """Stop the workers."""
        self.inner.close()


class Reversed(Around):
    """Hands outcomes back last first, as far as it can hold them."""

    MOST = 3

    def __init__(self, inner: Executor) -> None:
        super().__init__(inner)
        self._out: set[str] = set()
        self._held: list[Outcome] = []

    def submit(self, job: Job) -> None:
        """See :class:`Executor`."""
        self._out.add(job["id"])
        super().submit(job)

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`Executor`."""
        came = super().wait(timeout)
        self._held += came
        self._out -= {outcome.job for outcome in came}
        if self._out and len(self._held) < self.MOST:
            return []
        held, self._held = self._held, []
        return held[::-1]


class Doubled(Around):
    """Hands every outcome back twice, and once more with the next."""

    def __init__(self, inner: Executor) -> None:
        super().__init__(inner)
        self._earlier: list[Outcome] = []

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`Executor`."""
        came = super().wait(timeout)
        out, self._earlier = [*self._earlier, *came, *came], came or self._earlier
        return out


class Killing(Around):
    """Calls ``kill`` once, as soon as some worker measures."""

    def __init__(self, inner: Executor, kill: Callable[[Executor], None]) -> None:
        super().__init__(inner)
        self._kill: Callable[[Executor], None] | None = kill

    def submit(self, job: Job) -> None:
        """See :class:`Executor`."""
        super().submit(job)
        if self._kill is not None and job["kind"] == "measure":
            kill, self._kill = self._kill, None
            kill(self.inner)


class Log(Observer):
    """Writes down what happens.

    Args:
        shards: interrupts the run after so many; never if ``None``.

    Attributes:
        chips: how many were computed.
        notices: what was noticed.
    """

    def __init__(self, shards: int | None = None) -> None:
        self.chips = 0
        self.notices: list[str] = []
        self._shards = shards

    def advanced(self, cell: Cell, chips: int, seconds: float) -> None:
        """See :class:`~mho.studies.observers.Observer`."""
        self.chips += chips
        if self._shards is not None:
            self._shards -= 1
            if self._shards == 0:
                raise KeyboardInterrupt

    def noticed(self, message: str) -> None:
        """See :class:`~mho.studies.observers.Observer`."""
        self.notices.append(message)
