"""Workers on a Ray cluster: Ray moves networks and jobs, places the workers and says when one died."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mho.errors import MhoError, SpecError
from mho.studies.executors.actor import Actor
from mho.studies.executors.base import Executor, Job, Outcome
from mho.studies.executors.cluster import connect, library, no_room, room

STILLBORN = 3
"""Workers that may die one after the other before they begin."""


class Ray(Executor):
    """Actors, one job at a time each, on an existing cluster or on one started here for the run.

    A network is put into Ray's object store once and fetched by the workers that need it. Ray repeats nothing: a job
    whose worker or node died comes back as lost, and another worker is asked for.

    Args:
        address: ``"auto"``, ``"host:6379"`` or ``"ray://host:10001"``; ``$RAY_ADDRESS`` if ``None``, and where that is
            not set a cluster of this machine alone, which ends with the run (``"local"`` insists on that).
        workers: how many; as many as the cluster has room for if ``None``.
        gpus_per_worker: GPUs that each takes, in fractions if several share one.
        cpus_per_worker: cores that each takes; it is busy on one, more keep memory free for it.
        imports: modules that a worker imports first: where devices, networks and data sets of your own are registered.
        root: folder searched first for data, on every node.
        device: where workers without a GPU compute; the CPU if ``None``.
        patience: seconds to wait for room for a first worker; more where the cluster has to grow.

    Raises:
        SpecError: a number is out of range.
    """

    label = "ray"

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int | None = None,
        gpus_per_worker: float = 0.0,
        cpus_per_worker: float = 1.0,
        imports: tuple[str, ...] = (),
        root: str | None = None,
        device: str | None = None,
        patience: float = 60.0,
    ) -> None:
        if workers is not None and workers < 1:
            raise SpecError(f"workers={workers} must be one or more")
        if gpus_per_worker < 0 or (gpus_per_worker > 1 and gpus_per_worker % 1):
            raise SpecError(f"gpus_per_worker={gpus_per_worker:g} must be a fraction of a GPU or whole GPUs")
        if cpus_per_worker < 0 or cpus_per_worker + gpus_per_worker <= 0:
            raise SpecError(f"cpus_per_worker={cpus_per_worker:g} must be more than 0")
        self._address, self._workers, self._patience = address, workers, patience
        self._needs = {"num_cpus": cpus_per_worker, "num_gpus": gpus_per_worker}
        self._options = {"imports": list(imports), "root": root, "device": device}
        self._ours = False
        self._seats: list[_Seat] = []
        self._models: dict[str, Any] = {}
        self._fetch: Callable[[str], bytes] | None = None
        self._alone_since = 0.0
        self._stillborn = 0

    def start(self, fetch: Callable[[str], bytes]) -> None:
        """Connect and wait for a first worker; the others may come later.

        Raises:
            MhoError: Ray is not installed, there is no cluster, or it has no room.
        """
        self._fetch, self._stillborn = fetch, 0
        self._ours = connect(self._address)
        self._alone_since = time.monotonic()
        for _ in range(self._workers or max(1, room(self._needs))):
            self._seats.append(self._seat())
        while not self.free:
            self.wait(1.0)

    def _seat(self) -> _Seat:
        options = {**self._needs, "max_restarts": 0, "max_task_retries": 0}
        actor = library().remote(Actor).options(**options).remote(json.dumps(self._options))
        return _Seat(actor, actor.place.remote())

    @property
    def free(self) -> int:
        """See :class:`Executor`."""
        return sum(seat.pending is None for seat in self._seats)

    def submit(self, job: Job) -> None:
        """See :class:`Executor`."""
        assert self._fetch is not None, "start() comes first"
        key = job.get("model")
        # The worker that already has the network need not fetch it.
        seat = max((s for s in self._seats if s.pending is None), key=lambda s: key in s.models)
        reference = []
        if key is not None:
            if key not in self._models:
                self._models[key] = library().put(self._fetch(key))
            seat.models.add(key)
            reference = [self._models[key]]  # in a list, or Ray would send the network itself with every job
        seat.job = job["id"]
        seat.pending = seat.actor.do.remote(json.dumps(job), reference)

    def wait(self, timeout: float) -> list[Outcome]:
        """See :class:`Executor`.

        Raises:
            MhoError: no worker is left, and the cluster has no room for another.
        """
        ray = library()
        seats = {seat.pending: seat for seat in self._seats if seat.pending is not None}
        if not seats:
            return []
        came, _ = ray.wait(list(seats), num_returns=1, timeout=timeout)
        if came:
            came, _ = ray.wait(list(seats), num_returns=len(seats), timeout=0)
        outcomes = [outcome for reference in came if (outcome := self._settle(seats[reference])) is not None]
        if any(seat.where for seat in self._seats):
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > self._patience:
            raise no_room(self._needs, self._patience)
        return outcomes

    def _settle(self, seat: _Seat) -> Outcome | None:
        """What came of a job, or of asking for a worker."""
        reference, job = seat.pending, seat.job
        seat.pending = seat.job = None
        try:
            answer = library().get(reference)
        except library().exceptions.RayError as error:
            self._seats.remove(seat)
            self._dismiss(seat)
            if job is None:
                self._bury(error)
            self._seats.append(self._seat())
            why = f"the worker on {seat.where} died ({type(error).__name__})\n{error}"
            return None if job is None else Outcome(job, lost=why)
        if job is None:
            seat.where, seat.process = answer
            self._stillborn = 0
            return None
        said, blob = answer
        return Outcome(job, **json.loads(said), blob=blob)

    def _bury(self, error: Exception) -> None:
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            last = str(error).strip().splitlines()[-1]
            raise MhoError(f"workers die as they start; is mho installed on every node? {last}") from error

    def close(self) -> None:
        """See :class:`Executor`; a cluster that was started here ends, any other stays."""
        for seat in self._seats:
            self._dismiss(seat)
        self._seats, self._models = [], {}
        if self._ours:
            self._ours = False
            library().shutdown()

    def _dismiss(self, seat: _Seat) -> None:
        with contextlib.suppress(Exception):  # it may be gone, and the cluster with it
            library().kill(seat.actor)


@dataclass(eq=False)
class _Seat:
    """One worker, asked for or there, seen from here.

    Attributes:
        actor: Ray's handle.
        pending: what is waited for: the worker itself, or its answer.
        job: what it does; ``None`` for nothing.
        where: its node; empty while it is not there.
        process: its number there.
    """

    actor: Any
    pending: Any
    job: str | None = None
    where: str = ""
    process: int = 0

    def __post_init__(self) -> None:
        self.models: set[str] = set()
