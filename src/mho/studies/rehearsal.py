"""A study tried out before any work: every combination is made, and one weight of every population is programmed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch

from mho.errors import CheckpointError, MhoError, ModelError, SpecError
from mho.frozen import FrozenDict
from mho.memory.spec import Memory, NameRules
from mho.studies import calibration
from mho.studies.points import Point
from mho.studies.sources import Checkpoint, Trained
from mho.studies.study import Study
from mho.units import Clock

MOST = 10_000
"""Combinations that are tried one by one; the axes of larger studies are checked each by itself."""


_SOME_SIGMA = 0.1
"""Strength of errors that a search has yet to find."""


@dataclass(frozen=True)
class Rehearsal:
    """What was found.

    Attributes:
        combinations: how many the axes have.
        tried: whether every one was made.
        trained: networks that the study trains.
        files: checkpoints that it reads.
        calibrated: whether any of them looks at the calibration data.
        clock: what ages count.
    """

    combinations: int
    tried: bool
    trained: tuple[Trained, ...]
    files: tuple[Checkpoint, ...]
    calibrated: bool
    clock: Clock


def rehearse(study: Study, folder: str | Path = ".") -> Rehearsal:
    """Find what would stop a study later: loads no data and no network, trains nothing, writes nothing.

    Args:
        study: the study.
        folder: what relative paths of checkpoints start from.

    Raises:
        MhoError: the first thing that is wrong, with its place in the study.
    """
    combinations = math.prod(len(values) for values in study.axes.values())
    tried = combinations <= MOST
    points = study.points if tried else (Point(study.replace(axes={}), FrozenDict(), study.memory.clock or "s"),)
    models: dict[Any, None] = {}
    calibrated = False
    populations: set[tuple[Memory, float | None, float]] = set()
    for point in points:
        try:
            calibration.check(point.study)
            calibrated |= calibration.wanted(point.study)
            if point.study.model not in models:
                _teach(point.study.model)
            models[point.study.model] = None
            for memory, sigma, age in product(_memories(point.study.memory), point.study.sigma or [None], study.age):
                if (memory, sigma, age) not in populations:
                    populations.add((memory, sigma, age))
                    _program(memory, sigma, age)
        except MhoError as error:
            raise _named(error, point) from None
    for path in study.axes if tried and not calibrated else ():
        if path.split(".")[0] == "calibration":
            said = f"no result looks at calibration data, so axis '{path}' would change nothing; leave it out"
            raise SpecError(said).at("axes", path)
    files = tuple(model for model in models if isinstance(model, Checkpoint))
    for model in files:
        _look_for(model, Path(folder))
    trained = tuple(m for m in models if isinstance(m, Trained))
    return Rehearsal(combinations, tried, trained, files, calibrated, points[0].clock)


def _memories(memory: Memory | NameRules) -> list[Memory]:
    return [memory] if isinstance(memory, Memory) else [m for m in memory.rules.values() if m is not None]


def _program(memory: Memory, sigma: float | None, age: float) -> None:
    """Write one weight: devices without a sigma, tables that end before ``age`` and their like refuse here."""
    from mho.mapping import program

    try:
        memory = memory if sigma is None else memory.with_sigma(sigma)
    except MhoError as error:
        raise error.at("sigma") from None
    try:
        program(memory.mapping, memory.device, torch.ones(1, 1), layer="one", age=age)
    except MhoError as error:
        error.place = ("age",) if age else ("memory",)
        raise


def _teach(model: Trained | Checkpoint) -> None:
    """Begin to train the network as it is without its data: what a method lacks, it says here."""
    from mho import zoo
    from mho.training.run import Run
    from mho.training.searching import check_severity, upper_end

    if isinstance(model, Checkpoint) or model.method is None:
        return
    try:
        memory = model.rules if model.method.injects_memory else None
        network = zoo.build(model.architecture, **model.options)
        run = Run(network, model.recipe, classifies=True, memory=memory, sigma=_SOME_SIGMA)
    except Exception:  # a network that only its data can tell how to build
        return
    try:
        with run.at_end:
            if model.method.sigma_search is not None and model.rules is not None:
                upper_end(model.method.sigma_search, model.rules)
                if model.method.injects_memory:
                    check_severity(type(model.method).__name__, model.rules)
            model.method.begin(run)
    except MhoError as error:
        if isinstance(error, ModelError) and not error.place:
            return  # a method that looks at the network at work needs its data
        error.place = ()
        raise error.at("model", "method") from None


def _look_for(model: Checkpoint, folder: Path) -> None:
    from mho.zoo.checkpoint import existing

    if model.path.startswith("hf:"):
        return  # whether it is on the hub only the network knows
    try:
        existing(folder / Path(model.path).expanduser())
    except MhoError as error:
        raise error.at("model", "path") from None
    except (OSError, RuntimeError) as error:  # a name that is too long; the home of a user who is not there
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"no file {model.path}: {reason}").at("model", "path") from None


def _named(error: MhoError, point: Point) -> MhoError:
    """``error``, saying for which combination."""
    said = ", ".join(f"{path} {label}" for path, label in point.axes.items())
    return type(error)(f"{error} (at {said})").at(*error.place) if said else error
