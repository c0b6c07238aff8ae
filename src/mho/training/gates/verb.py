"""Pruning: gates learn which columns a network can do without, the weights learn to do without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import ModelError
from mho.training import setup
from mho.training.checkpoint import check_path
from mho.training.gates.groups import pooled
from mho.training.gates.layers import attach, choose, gated, refusals, without_gates
from mho.training.gates.method import Gates
from mho.training.gates.pools import called
from mho.training.gates.result import Pruned
from mho.training.gates.sparse import LayerSparsity, measured
from mho.training.loop import train
from mho.training.monitor import Monitor
from mho.training.observers import Observer
from mho.training.plain import measure
from mho.training.recipe import Recipe
from mho.training.record import history, origin, remember
from mho.training.run import Run


def prune(
    model: nn.Module,
    data: Any,
    *,
    columns: float | None = None,
    rows: float | None = None,
    layers: Iterable[str] | None = None,
    pools: Iterable[Iterable[str]] | None = None,
    method: Gates | None = None,
    recipe: Recipe | None = None,
    tuning: Recipe | None = None,
    validation: Any = None,
    monitor: Monitor | None = None,
    observers: Sequence[Observer] = (),
    checkpoint: str | Path | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Pruned:
    """A copy of a trained ``model`` with columns (outputs) of its linear layers pruned, to a target for each layer.

    First gates and weights learn together (:class:`mho.training.Gates`), then the gates stay as they are and the
    weights learn on, then the gates are taken off: the network is a plain one, whose pruned columns are exactly zero.
    Duplicates of the highest bits fit into them (``redundancy.Voting``); :func:`mho.training.shrink` leaves them out.
    Training on (:class:`mho.training.NoiseInjection` and :func:`mho.training.in_situ` as well) moves the zeros again,
    and on mappings other than ``BitPlanes`` their cells have errors like all others: prune last.

    The same model, data and recipes give the same weights, bit for bit on a CPU with the same number of threads. Under
    ``torchrun`` all processes prune one network.

    Source: [li2024zerospace], section 3.1.

    Args:
        model: a trained network, which does not change.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        columns: fraction of the columns of every layer to prune; the method's if left out.
        rows: fraction of the rows; the method's if left out.
        layers: patterns of names; all linear layers but the one that the network calls last, the classifier, if left
            out.
        pools: layers with one target together, such as ``training.pools(model, data)``; the method's if left out.
        method: all else about the gates.
        recipe: how gates and weights learn; five epochs of :class:`Recipe` if left out.
        tuning: how the weights learn on; as ``recipe`` if left out.
        validation: samples measured before, after, and after every epoch; or the fraction of the training samples to
            hold out for it.
        monitor: which epoch of the tuning is kept, by ``validation``.
        observers: told of every epoch of both runs.
        checkpoint: file (.safetensors) for the run: beside it, ``NAME.gates.safetensors`` holds the first part.
        device: where to train; the model's own device if left out.
        progress: show bars on stderr, if it is a terminal and the work lasts more than two seconds.

    Raises:
        ModelError: the model does not take the data, a layer cannot have gates, or the gates did not reach the target
            (the line names layers and what was reached).
        UnknownNameError: a pattern names no layer.
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: an argument is out of range, or a monitor judges chips without a memory of its own.
        CheckpointError: ``checkpoint`` is of another run.
    """
    recipe = recipe or Recipe(epochs=5)
    tuning = tuning or recipe
    setup.check_types(model, recipe, monitor, observers)
    setup.check_types(model, tuning)
    wanted = {"columns": columns, "rows": rows, "pools": None if pools is None else tuple(map(tuple, pools))}
    method = (method or Gates()).replace(**{key: value for key, value in wanted.items() if value is not None})
    files = _files(checkpoint)
    where = setup.device(model, device)
    samples = as_dataset(data).to(where)
    held: Dataset | None = None
    if isinstance(validation, float):
        samples, held = setup.split(samples, validation, recipe.seed)
    elif validation is not None:
        held = as_dataset(validation).to(where)
    names = choose(model, layers, called(model, samples))
    groups = pooled(names, method.pools)
    start = attach(model, names, columns=method.columns is not None, rows=method.rows is not None).to(where)
    before = _measured(start, held, recipe)
    common: dict[str, Any] = {"validation": held, "observers": observers, "device": where, "progress": progress}
    learnt = train(start, samples, method=method, recipe=recipe, checkpoint=files[0], **common)
    _check_reached(learnt, method, groups)
    tuned = train(learnt, samples, recipe=tuning, monitor=monitor, checkpoint=files[1], **common)
    plain = without_gates(tuned)
    made = origin(tuned)
    remember(plain, None if made is None else replace(made, method=method))
    return Pruned(
        model=plain.eval(),
        layers=_rows(plain, names),
        pools=tuple(group for group in groups if len(group) > 1),
        method=method,
        recipe=recipe,
        tuning=tuning,
        data=samples.name,
        before=before,
        after=_measured(plain, held, recipe),
        epochs=(*history(learnt), *history(tuned)),
        left_out={} if layers is not None else refusals(model),
    )


def _files(checkpoint: str | Path | None) -> tuple[Path | None, Path | None]:
    """The files of the two runs, looked at before the long work."""
    if checkpoint is None:
        return None, None
    path = check_path(checkpoint)
    return check_path(path.with_suffix(".gates.safetensors")), path


def _measured(model: nn.Module, held: Dataset | None, recipe: Recipe) -> tuple[float, float | None] | None:
    if held is None:
        return None
    run = Run(model, recipe.replace(precision="float32"), classifies=not held.targets.is_floating_point())
    return measure(run, held)


def _rows(model: nn.Module, names: Iterable[str]) -> tuple[LayerSparsity, ...]:
    found = [measured(name, model.get_submodule(name)) for name in names]
    return tuple(row for row in found if row is not None)


def _check_reached(model: nn.Module, method: Gates, groups: Sequence[Sequence[str]]) -> None:
    """Raise unless every layer, or pool, has as many closed gates as it shall have."""
    gates = {name: layer.get_submodule("gates") for name, layer in gated(model).items()}
    missed = []
    for along in ("columns", "rows"):
        if getattr(method, along) is None:
            continue
        for names in groups if along == "columns" else [(name,) for name in gates]:
            values = [gates[name].get_parameter(along) for name in names]
            whole, closed = sum(len(z) for z in values), sum(int((z <= 0).sum()) for z in values)
            goal = method.goal(along, [len(z) for z in values])
            if closed < goal:
                missed.append(f"{' + '.join(names)} {closed} of {whole} {along}, not {goal}")
    if missed:
        more = f" and {len(missed) - 3} more" if len(missed) > 3 else ""
        raise ModelError(
            f"the gates did not close: {'; '.join(missed[:3])}{more}; give a larger penalty or boost, other epochs, or "
            f"a smaller target"
        )
