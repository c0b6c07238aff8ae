"""A design of what a user has at hand: a module and data in memory, or specs of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mho.codesign.design import CALIBRATION, Design
from mho.codesign.live import data_of, network_of
from mho.codesign.measures import for_training, uses_memory
from mho.codesign.suited import training, usual
from mho.data.adapters import as_dataset
from mho.data.catalog import entry
from mho.errors import SpecError
from mho.frozen import FrozenDict
from mho.memory.spec import Memory, NameRules
from mho.studies.sources import Checkpoint, Data, Trained
from mho.training.method import check_method
from mho.training.recipe import Recipe


def asked_of(
    model: Any,
    data: Any,
    memory: Any,
    *,
    train: Any,
    validation: Any,
    recipe: Recipe | None,
    folder: Path,
    **rest: Any,
) -> Design:
    """The design of a call of :func:`mho.design`.

    Raises:
        SpecError: arguments that are missing, or do not go together.
        ModelError, DataError: a network or data that cannot be taken.
    """
    if isinstance(memory, Mapping) and not isinstance(memory, FrozenDict):
        memory = NameRules(rules=FrozenDict({str(k): v for k, v in memory.items()}))
    if not isinstance(memory, Memory | NameRules):
        raise SpecError(f"memory={memory!r} is no memory; give mho.Memory(device=...), or rules {{'*': memory}}")
    if isinstance(model, Trained | Checkpoint):
        for name, value in (("train", train), ("recipe", recipe)):
            if value is not None:
                raise SpecError(f"{name}= is for a module; a {type(model).__name__} says it itself")
        if not isinstance(validation, Data | None):
            raise SpecError(
                f"validation is a {type(validation).__name__}; beside specs it is mho.studies.Data(name=...)"
            )
        if not isinstance(data, Data):
            raise SpecError(
                f"data is a {type(data).__name__}; beside a spec of the model it is mho.studies.Data(name=...)"
            )
        return Design(model=model, memory=memory, data=data, validation=validation, **rest)
    if train is None:
        raise SpecError("train= is missing: what measures train on, rankings look at, and combinations are chosen on")
    test, learnt = data_of(as_dataset(data, name="test"), as_dataset(train, name="train"))
    chosen_on = learnt.replace(part="held-out")
    if validation is not None:
        chosen_on, learnt = data_of(as_dataset(validation, name="validation"), as_dataset(train, name="train"))
    name, file = network_of(model, folder)
    bought: dict[str, Any] = dict(rest.pop("measures")) or _usual(name, learnt, memory)
    if "model.method" in bought:
        plain = Trained(architecture=name, data=_fit(learnt, chosen_on))
        bought = {"model": _taught(bought.pop("model.method"), plain, file, memory, recipe), **bought}
    return Design(
        model=file,
        memory=memory,
        data=test,
        validation=chosen_on,
        calibration=_fit(learnt, chosen_on).replace(limit=min(CALIBRATION, entry(learnt.name).train)),
        measures=FrozenDict(bought),
        name=re.sub(r"[^\w.-]+", "-", type(model).__name__).strip("-.") or "network",
        **rest,
    )


def _fit(learnt: Data, chosen_on: Data) -> Data:
    """What may be learnt from: all but the samples that are held out of it."""
    return learnt.replace(part="fit") if chosen_on.part == "held-out" else learnt


def _usual(name: str, train: Data, memory: Memory | NameRules) -> dict[str, Any]:
    known = usual(Trained(architecture=name, data=train), memory)
    if "model.method" in known:
        known["model.method"] = {"as it is": None, **{k: v for k, v in training().items() if v is not None}}
    return known


def _taught(
    methods: Any, plain: Trained, file: Checkpoint, memory: Memory | NameRules, recipe: Recipe | None
) -> FrozenDict:
    """Options of ``model.method`` as networks: without a method it is the module as it is."""
    if not isinstance(methods, Mapping):
        raise SpecError(
            "measures of 'model.method' take a mapping of names to methods; None is the module as it is"
        ).at("measures", "model.method")
    out: dict[str, Trained | Checkpoint] = {}
    for label, method in methods.items():
        if method is None:
            out[label] = file
            continue
        check_method(method, None if not uses_memory(method) else memory)
        out[label] = plain.replace(
            recipe=recipe or Recipe(),
            method=method,
            memory=for_training(memory) if uses_memory(method) else None,
        )
    return FrozenDict(out)
