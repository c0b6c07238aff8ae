"""The run of a study: hands missing work out, keeps what comes back, and can stop at any moment."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import Any

from mho.studies.cells import Cell, identity
from mho.studies.executors.base import Executor, Job, Outcome
from mho.studies.index import Index
from mho.studies.observers import Audience
from mho.studies.plan import Plan
from mho.studies.store import Store

SHARD_SECONDS = 5.0
"""Work that is in one file, and lost if the run is killed."""
FIRST_SHARD = 8
"""Chips of the first shard of work of unknown length."""
MOST = 4096
ATTEMPTS = 3
"""How often a job is given out whose workers die."""
PATIENCE = 0.5
"""Seconds between looks at the workers: how soon an interrupt is seen where the system does not break the wait."""


class Run:
    """Computes what is missing of a plan. One object goes once.

    Args:
        plan: what to compute.
        store: where it is kept; its lock is held by the caller.
        index: the store's index, open for writing.
        executor: who computes, not yet started.
        audience: who watches.

    Attributes:
        chips: how many are missing at the start, cells in one piece not counted.
        failures: what did not work, by key, with its traceback.
    """

    def __init__(self, plan: Plan, store: Store, index: Index, executor: Executor, audience: Audience) -> None:
        self._plan, self._store, self._index, self._executor = plan, store, index, executor
        self._tell = audience.tell
        self._cells = {cell.key: cell for cell in plan.cells}
        self._left = {key: left for key, cell in self._cells.items() if (left := plan.left(cell, index))}
        self.chips = self._chips = sum(len(part) for left in self._left.values() for part in left)
        self._out: dict[str, tuple[str, range]] = {}  # job id to (cell or network key, chips)
        self._tries: Counter[tuple[str, int]] = Counter()  # by first chip: what is given out again may be cut smaller
        self._pace: dict[str, tuple[float, int]] = {}
        self._number = 0
        self.failures: dict[str, str] = {}
        needed = {self._cells[key].model for key in self._left}
        self._train: deque[str] = deque()
        self._identity: dict[str, str] = {}  # what a network is, by what it was to be
        for key in plan.networks:
            if key not in needed:
                continue
            network, content = plan.networks[key], store.model(key)
            if network.job is None:
                self._identity[key] = key
                if content is None:
                    store.put_model(key, network.content)
            elif content is None:
                self._train.append(key)
            else:
                self._identity[key] = identity(content)
        self._forgive()
        self._ready = deque(key for key in self._left if self._cells[key].model not in self._train)

    def go(self) -> dict[str, str]:
        """Compute everything that is missing; what failed, by key, with its traceback."""
        try:
            if self._more():  # nothing is started for a study that is complete
                self._executor.start(self._fetch)
            while self._out or self._more():  # no worker may be free now, and one later
                while self._executor.free > 0 and (job := self._next()) is not None:
                    self._executor.submit(job)
                for outcome in self._executor.wait(PATIENCE):
                    self._take(outcome)
            return self.failures
        finally:
            self._executor.close()

    def _forgive(self) -> None:
        """What failed once may have been computed by another study since."""
        for key, _ in self._store.every_failure():
            trained = key in self._plan.networks and key not in self._train and self._store.has_model(key)
            if trained or (key in self._cells and key not in self._left):
                self._store.forgive(key)

    def _fetch(self, key: str) -> bytes:
        content = self._store.model(key)
        assert content is not None, "a cell is only handed out once its network is there"
        return content

    def _more(self) -> bool:
        """Whether there is work to hand out."""
        return bool(self._train) or any(self._left[key] for key in self._ready)

    def _next(self) -> Job | None:
        """The next job: networks first, then chips, cell by cell."""
        if self._train:
            key = self._train.popleft()
            job = self._plan.networks[key].job
            assert job is not None
            return self._issue(job, key, range(0))
        while self._ready:
            key = self._ready[0]
            left, cell = self._left[key], self._cells[key]
            if not left:
                self._ready.popleft()
                continue
            part = left.pop(0)
            if cell.whole:
                return self._issue({**cell.job, "kind": cell.kind}, key, part)
            size = self._size(cell)
            if len(part) > size:
                left.insert(0, part[size:])
                part = part[:size]
            self._chips -= len(part)
            return self._issue({**cell.job, "kind": cell.kind, "first": part.start, "count": len(part)}, key, part)
        return None

    def _issue(self, job: Job, key: str, part: range) -> Job:
        self._number += 1
        name = f"{self._number}-{key}"
        self._out[name] = (key, part)
        return {**job, "id": name}

    def _size(self, cell: Cell) -> int:
        """Chips of the next shard: a few seconds of work, and at the end of it all a share for every worker."""
        seconds, chips = self._pace.get(cell.work, (0.0, 0))
        pace = seconds / chips if chips else self._index.seconds_per_chip(cell.work)
        wanted = FIRST_SHARD if pace is None else int(min(SHARD_SECONDS / max(pace, 1e-9), MOST))
        return max(1, min(wanted, math.ceil(self._chips / max(1, self._executor.free))))

    def _take(self, outcome: Outcome) -> None:
        if outcome.job not in self._out:
            return  # delivered twice
        key, part = self._out.pop(outcome.job)
        if outcome.lost:
            self._again(key, part, outcome.lost)
        elif outcome.error:
            self._fail(key, outcome.error)
        elif key in self._plan.networks and key not in self._cells:
            self._store.put_model(key, outcome.blob)
            self._identity[key] = identity(outcome.blob)
            self._ready.extend(k for k in self._left if self._cells[k].model == key)
            self._store.forgive(key)
            assert outcome.data is not None
            self._tell("trained", self._plan.networks[key].label, outcome.data["seconds"])
        else:
            assert outcome.data is not None
            self._keep(self._cells[key], part, outcome.data)

    def _keep(self, cell: Cell, part: range, data: dict[str, Any]) -> None:
        about = {"cell": cell.key, "first": part.start, "count": len(part), "work": cell.work}
        about["network"] = self._identity[cell.model]
        shard = self._store.put(cell.key, part.start, len(part), {**data, **about})
        self._index.add(shard, cell.work, data["seconds"])
        seconds, chips = self._pace.get(cell.work, (0.0, 0))
        self._pace[cell.work] = seconds + data["seconds"], chips + len(part)
        self._tell("advanced", cell, len(part), data["seconds"])
        busy = any(k == cell.key for k, _ in self._out.values())
        if not self._left[cell.key] and not busy and cell.key not in self.failures:
            self._store.forgive(cell.key)
            from mho.studies.joining import row

            # Where a file is damaged it is not: that is said, and mended, when all is put together.
            if (found := row(cell, self._plan.study, self._store, self._index)) is not None:
                self._tell("finished", cell, found)

    def _again(self, key: str, part: range, why: str) -> None:
        """Give a job out again whose worker died, unless it kills every worker."""
        if key in self.failures:
            return
        self._tries[key, part.start] += 1
        if self._tries[key, part.start] >= ATTEMPTS:
            self._fail(key, f"{why}\n{ATTEMPTS} workers in a row died of this job")
            return
        self._tell("noticed", f"{self._name(key)}: {why.splitlines()[0]}; its work is done again")
        if key in self._cells:
            self._left[key].insert(0, part)
            self._chips += len(part)
            self._ready.appendleft(key)
        else:
            self._train.appendleft(key)

    def _fail(self, key: str, error: str) -> None:
        """Record what did not work; the rest goes on."""
        if key in self.failures:
            return
        self.failures[key] = error
        self._store.fail(key, self._name(key), error)
        self._tell("failed", self._name(key), error)
        if key in self._cells:
            self._chips -= sum(map(len, self._left[key]))
            self._left[key] = []
            return
        last = error.strip().splitlines()[-1]
        for other in [k for k in self._left if self._cells[k].model == key]:
            self._fail(other, f"its network could not be trained: {last}")

    def _name(self, key: str) -> str:
        return str(self._cells[key]) if key in self._cells else f"training {self._plan.networks[key].label}"
