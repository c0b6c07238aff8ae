"""Worker processes of this machine: one per GPU, or one per core."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import IO, Any

from mho.errors import SpecError
from mho.studies.executors.base import Executor, Job, Outcome

ROOM = 2 * 2**30
"""Bytes of a machine's memory for each worker, unless asked for more workers: each has torch, networks and data of its
own."""


class Processes(Executor):
    """Long-lived worker processes; each loads a model and its data once.

    A worker is a fresh interpreter (``python -m mho.studies.executors.child``) that talks over its standard streams,
    so that scripts need no ``if __name__ == "__main__"`` and nothing is pickled.

    Args:
        workers: how many; one per GPU, or one per core as far as memory goes, if ``None``.
        imports: modules that a worker imports first: where devices, networks and data sets of your own are registered.
        root: folder searched first for data.
        device: where all compute; GPUs are dealt out if ``None`` and there are any.
    """

    label = "processes"

    def __init__(
        self,
        *,
        workers: int | None = None,
        imports: tuple[str, ...] = (),
        root: str | None = None,
        device: str | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise SpecError(f"workers={workers} must be one or more")
        gpus = _gpus() if device is None else 0
        self._workers = workers or gpus or _cores()
        self._devices = [f"cuda:{i}" for i in range(gpus)] or [device or "cpu"]
        self._imports, self._root = imports, root
        self._children: list[_Child] = []
        self._fetch: Callable[[str], bytes] | None = None
        self._started = 0

    def start(self, fetch: Callable[[str], bytes]) -> None:
        """See :class:`Executor`."""
        self._fetch = fetch
        for _ in range(self._workers):
            self._children.append(self._child())  # one by one: an interrupt here leaves none behind

    def _child(self) -> _Child:
        device = self._devices[self._started % len(self._devices)]
        self._started += 1
        options = {"imports": self._imports, "root": self._root, "device": device}
        return _Child(json.dumps(options))

    @property
    def free(self) -> int:
        """See :class:`Executor`."""
        return sum(child.job is None for child in self._children)

    def submit(self, job: Job) -> None:
        """See :class:`Executor`."""
        assert self._fetch is not None, "start() comes first"
        # The worker that already has the model need not be sent it.
        idle = [child for child in self._children if child.job is None]
        child = max(idle, key=lambda c: job.get("model") in c.models)
        child.take(job, self._fetch)

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`Executor`."""
        busy = {child.results: child for child in self._children if child.job is not None}
        out = []
        for ready in wait(list(busy), timeout):
            assert isinstance(ready, Connection)
            child = busy[ready]
            outcome = child.outcome()
            out.append(outcome)
            if outcome.lost:
                child.kill()
                self._children[self._children.index(child)] = self._child()
        return out

    def close(self) -> None:
        """See :class:`Executor`."""
        for child in self._children:
            child.kill()
        self._children = []


class _Child:
    """One worker process, seen from here."""

    def __init__(self, options: str) -> None:
        self.models: set[str] = set()
        self.job: str | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
            "OMP_NUM_THREADS": "1",  # a worker is busy on one core; see THREADS of the worker
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mho.studies.executors.child", options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,  # an interrupt at the prompt is for the study, which then stops its workers
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self.results = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    def take(self, job: Job, fetch: Callable[[str], bytes]) -> None:
        """Send a job, and its model if the worker has not got it. A dead worker is noticed by :meth:`outcome`."""
        self.job = job["id"]
        key: str | None = job.get("model")
        content = b"" if key is None or key in self.models else fetch(key)
        with contextlib.suppress(OSError):
            if key is not None and content:
                self.models.add(key)
                self._send({"model": key}, content)
            self._send(job, b"")

    def _send(self, header: dict[str, Any], blob: bytes) -> None:
        self._orders.send_bytes(json.dumps(header).encode())
        self._orders.send_bytes(blob or b"\0")

    def outcome(self) -> Outcome:
        """What became of the job."""
        job, self.job = self.job, None
        assert job is not None
        try:
            said = json.loads(self.results.recv_bytes())
            blob = self.results.recv_bytes()
        except (EOFError, OSError, ValueError):
            return Outcome(job, lost=self._epitaph())
        return Outcome(job, data=said["data"], blob=b"" if blob == b"\0" else blob, error=said["error"])

    def _epitaph(self) -> str:
        """How the worker died, with its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        how = f"exit code {code}"
        if code is None or code < 0:
            how = "no sign of life" if code is None else f"signal {signal.Signals(-code).name}"
        self._errors.seek(0)
        words = self._errors.read()[-2000:].decode(errors="replace").strip()
        return f"the worker died ({how})" + (f"\n{words}" if words else "")

    def kill(self) -> None:
        """Stop the process, whatever it does."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for end in (self._orders, self.results, self._errors):
            with contextlib.suppress(OSError):
                end.close()


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _cores() -> int:
    """Cores that this process may use, or as many as there is memory for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return cores
    return max(1, min(cores, memory // ROOM))
