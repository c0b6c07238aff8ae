"""From a study to its answers: plan, run, collect, and again for files that turn out to be damaged."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.errors import OutputError, SpecError
from mho.files import write_json
from mho.studies.coordinator import Run
from mho.studies.executors.base import Executor
from mho.studies.executors.inline import Inline
from mho.studies.index import Index
from mho.studies.lock import writing
from mho.studies.mending import mend
from mho.studies.observers import Audience, Observer
from mho.studies.plan import Plan, make_plan, recorded_plan
from mho.studies.records import check_file, spelled
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
    file: str | os.PathLike[str] | None = None,
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
        file: the YAML that the study is from. Its name is then refused to another file in the same store.

    Raises:
        SpecError: the store has a study of this name from another file.
        DataError, CheckpointError: a data set or checkpoint that is missing.
        OutputError: another run is writing to the store, the disk is full, or does not keep what is written; what is
            written stays valid.
    """
    if not isinstance(study, Study):
        raise SpecError(f"run takes a Study, not a {type(study).__name__}; mho.studies.read(path) reads one")
    if executor is not None and not isinstance(executor, Executor):
        raise SpecError(f"executor={executor!r} is no executor; try mho.studies.Processes(workers=2)")
    place = where(store)
    check_file(study.name, file, place.root)
    plan = make_plan(study, folder=folder, root=root)
    note = place.root / "studies" / f"{study.name}.json", record(plan, spelled(file, place.root))
    return compute(plan, place, executor or Inline(root=root), observers, note=note)


def compute(
    plan: Plan,
    store: Store,
    executor: Executor,
    observers: Sequence[Observer] = (),
    *,
    note: tuple[Path, dict[str, Any]] | None = None,
) -> Answers:
    """Compute what is missing of ``plan``, and give all its answers; ``note`` is a record to leave: file and content.

    Raises:
        OutputError: as :func:`run`.
    """
    store.create()
    with writing(store.root):
        index = Index(store, write=True)
        try:
            if note is not None:
                write_json(*note)
            return _rounds(plan, store, index, executor, Audience(observers))
        finally:
            index.close()


def _rounds(plan: Plan, store: Store, index: Index, executor: Executor, audience: Audience) -> Answers:
    going = Run(plan, store, index, executor, audience)
    try:
        audience.tell("started", plan, going.chips)
        for left in reversed(range(ROUNDS)):
            failures = going.go()
            found = collect(plan, store, index, failures)
            mended = mend(plan, found, store, index)
            if not mended:
                return found.answers
            for notice in mended:
                audience.tell("noticed", notice)
            if left:
                going = Run(plan, store, index, executor, audience)
    finally:
        audience.tell("ended")
    which = f", such as {store.root / found.damaged[0].path.with_suffix('.damaged')}" if found.damaged else ""
    raise OutputError(
        f"files were damaged {ROUNDS} times after they were written{which}; does the disk of {store.root} keep what "
        "it is given?"
    )


def answers(record: dict[str, Any], store: Store) -> Answers:
    """What is in the store of the study that ``record`` is of; reads only."""
    plan = recorded_plan(record)
    index = Index(store)
    try:
        incomplete = (c.key for c in plan.cells if plan.left(c, index))
        failures = {key: text for key in incomplete if (text := store.failure(key))}
        return collect(plan, store, index, failures).answers
    finally:
        index.close()


def first_chips(record: dict[str, Any], store: str | os.PathLike[str]) -> Chips | None:
    """The chips of a study's first result, for tables of what sits where and not for sampling.

    ``None`` if their network is not in the store (yet).
    """
    from mho.memory import Memory, deploy
    from mho.zoo import unpack

    plan = recorded_plan(record)
    point, key = plan.cells[0].point, plan.digests[0][0]
    content = Store(store).model(key)
    if content is None:
        return None
    memory, model = point.study.memory, unpack(content)
    rules = memory if isinstance(memory, Memory) else memory.rules
    # Which weights are verified is not what sits where, so any curvature does.
    curvature = {name: parameter.detach() for name, parameter in model.named_parameters()}
    return deploy(model, rules, seed=point.study.seed, sensitivity=curvature)


def where(store: str | os.PathLike[str] | None) -> Store:
    """The store that is meant."""
    return Store(store or os.environ.get("MHO_STORE") or STORE)


def record(plan: Plan, file: str | None = None) -> dict[str, Any]:
    """What is kept of a plan, so that ``mho status`` and reports need neither data nor networks."""
    return {
        "name": plan.study.name,
        "file": file,
        "started": time.strftime("%Y-%m-%d %H:%M:%S%z"),
        "study": plan.study.to_dict(),
        "digests": [list(pair) for pair in plan.digests],
        "chips": plan.study.n_chips,
        "cells": [[c.key, c.point.label, str(c), c.whole] for c in plan.cells],
        "networks": [[n.key, n.label] for n in plan.networks.values() if n.job is not None],
    }
