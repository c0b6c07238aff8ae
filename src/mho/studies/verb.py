"""From a study to its answers: plan, run, collect, and again for files that turn out to be damaged."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.files import write_json
from mho.studies.coordinator import Run
from mho.studies.executors.base import Executor
from mho.studies.executors.inline import Inline
from mho.studies.index import Index
from mho.studies.lock import writing
from mho.studies.observers import Observer
from mho.studies.plan import Plan, make_plan, recorded_plan
from mho.studies.results import Answers, collect
from mho.studies.store import Store
from mho.studies.study import Study

if TYPE_CHECKING:
    from mho.memory import Chips

STORE = ".mho"
"""The store's folder unless another is named, or ``$MHO_STORE`` is set."""
ROUNDS = 3
"""How often damaged files are computed again before the disk is blamed."""


def run(
    study: Study,
    *,
    store: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    observers: Sequence[Observer] = (),
    folder: str | Path = ".",
    root: str | None = None,
) -> Answers:
    """Compute what is missing of a study, and give all its answers.

    It may be stopped at any moment, also by SIGKILL; run again it goes on where it was. Other studies in the same
    store share every cell and every trained network they have in common.

    Args:
        study: what to ask.
        store: folder of the results; ``$MHO_STORE`` or ``.mho`` if ``None``.
        executor: who computes; this process if ``None``.
        observers: who watches.
        folder: what relative checkpoint paths start from.
        root: folder searched first for data.

    Raises:
        DataError, CheckpointError: a data set or checkpoint that is missing.
        OutputError: another run is writing to the store, or the disk is full; what is written stays valid.
    """
    place = where(store)
    plan = make_plan(study, folder=folder, root=root)
    place.create()
    with writing(place.root):
        index = Index(place, write=True)
        try:
            write_json(place.root / "studies" / f"{study.name}.json", record(plan))
            for _ in range(ROUNDS):
                failures = Run(plan, place, index, executor or Inline(root=root), observers).go()
                found, damaged = collect(plan, place, index, failures)
                if not damaged:
                    break
                for observer in observers:
                    observer.noticed(f"{len(damaged)} damaged file(s) found; their chips are computed again")
        finally:
            index.close()
    return found


def answers(record: dict[str, Any], store: Store) -> Answers:
    """What is in the store of the study that ``record`` is of; reads only."""
    plan = recorded_plan(record)
    index = Index(store)
    try:
        failures = {c.key: text for c in plan.cells if (text := store.failure(c.key))}
        return collect(plan, store, index, failures)[0]
    finally:
        index.close()


def first_chips(record: dict[str, Any], store: str | os.PathLike[str]) -> Chips | None:
    """The chips of a study's first result; ``None`` if their network is not in the store (yet)."""
    from mho.memory import Memory, deploy
    from mho.zoo import unpack

    plan = recorded_plan(record)
    point, (key, _) = plan.cells[0].point, plan.digests[0]
    content = Store(store).model(key)
    if content is None:
        return None
    memory = point.study.memory
    rules = memory if isinstance(memory, Memory) else memory.rules
    return deploy(unpack(content), rules, seed=point.study.seed)


def where(store: str | os.PathLike[str] | None) -> Store:
    """The store that is meant."""
    return Store(store or os.environ.get("MHO_STORE") or STORE)


def record(plan: Plan) -> dict[str, Any]:
    """What is kept of a plan, so that ``mho status`` and reports need neither data nor networks."""
    return {
        "name": plan.study.name,
        "started": time.strftime("%Y-%m-%d %H:%M:%S%z"),
        "study": plan.study.to_dict(),
        "digests": [list(pair) for pair in plan.digests],
        "chips": plan.study.n_chips,
        "cells": [[c.key, c.point.label, str(c), c.adaptive] for c in plan.cells],
        "networks": [[n.key, n.label] for n in plan.networks.values() if n.job is not None],
    }
