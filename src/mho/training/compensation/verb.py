"""Error compensation: digital corrections after a few layers, trained on noisy chips; which layers, found greedily."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import SpecError
from mho.evaluation import evaluate
from mho.evaluation.arguments import check_counts
from mho.evaluation.statistics import mean_interval
from mho.memory.deployment import deploy
from mho.memory.layers import matrices
from mho.memory.rules import Rules, normalise
from mho.progress import progress as progress_bar
from mho.training import setup
from mho.training.compensation.layers import (
    check_layers,
    compensable,
    compensation_parameters,
    extra_weights,
    maps_of,
    with_compensation,
)
from mho.training.compensation.result import CompensatedLayer, Compensation
from mho.training.fresh import check_fresh
from mho.training.on_chips import train_added
from mho.training.recipe import Recipe
from mho.training.run import derived


def compensate(
    model: nn.Module,
    data: Any,
    memory: Rules,
    *,
    layers: Iterable[str] | None = None,
    ratio: float = 0.25,
    budget: float = 0.05,
    recipe: Recipe | None = None,
    trial_epochs: int = 1,
    validation: Any = None,
    held_out: float = 0.1,
    chips: int = 50,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Compensation:
    """A copy of a trained ``model`` whose layers correct, digitally, part of what the errors of a memory do to them.

    After a chosen layer with input x and output y, a generator G makes a few maps g from (x, y), and a compensator Q
    makes the new y from (y, g); both are 1x1 convolutions, start from doing nothing
    (:func:`mho.training.with_compensation`) and stay digital when the network is deployed. They alone are trained, on
    a fresh chip in every mini-batch; the network itself does not change, and runs as on a chip: batch norms use and
    keep their running statistics, and nothing is dropped.

    Unless ``layers`` names them, the layers are chosen one by one among those on the memory. For every layer that
    still fits into the budget, the layers chosen so far and that one are trained for ``trial_epochs`` from the start,
    and judged by the mean accuracy of the same ``chips`` chips on samples that nothing is trained on. The one that
    gains most per added weight is kept, until none has a gain whose 95 % interval is above zero. The same call chooses
    the same layers. This takes up to (layers + 1) trials for each one chosen.

    Source: [eldebiky2023correctnet], as far as its abstract tells; there reinforcement learning finds the places.

    Args:
        model: a trained network, which does not change.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        memory: memory (or name rules, as :func:`mho.deploy` takes them) whose errors are to be compensated.
        layers: names of the convolutions and linear layers to compensate; chosen if left out.
        ratio: maps of a generator, as a fraction of its layer's outputs.
        budget: most weights that may be added, as a fraction of the network's; for choosing alone.
        recipe: how to train; five epochs of :class:`Recipe` if left out. Its seed decides all that is random.
        trial_epochs: of every trial.
        validation: samples that trials are judged on, such as ``data``; never the test set.
        held_out: fraction of the training samples that trials are judged on instead, where there is no ``validation``;
            the final training uses all samples.
        chips: that trials are judged by.
        device: where to train; the model's own device if left out.
        progress: show bars on stderr, if it is a terminal and the work lasts more than two seconds.

    Returns:
        The network, and what each layer costs and gains; ``print`` shows it as a table.

    Raises:
        ModelError: the model does not take the data, cannot be deployed, or has a layer that cannot be compensated.
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: an argument is out of range.
        UnknownNameError: no layer of such a name.
    """
    recipe = recipe or Recipe(epochs=5)
    setup.check_types(model, recipe)
    if memory is None:
        raise SpecError("compensate needs a memory: its errors are what is to be compensated")
    check_fresh(memory, "compensate")
    check_counts(trial_epochs=trial_epochs, chips=chips)
    named = None if layers is None else check_layers(model, layers, ratio)
    where = setup.device(model, device)
    samples = as_dataset(data).to(where)
    source = copy.deepcopy(model).to(where).eval()
    stored = deploy(source, memory).placements  # refuses here what it would refuse later

    def trained(names: Sequence[str], on: Dataset, how: Recipe, shown: bool) -> nn.Module:
        made = with_compensation(source, names, ratio=ratio, seed=recipe.seed)
        return train_added(made, compensation_parameters(made), on, memory, how, progress=shown)

    if named is None:
        if not budget > 0:
            raise SpecError(f"budget={budget!r} must be more than zero: a fraction of the network's weights")
        learnt, judged = _apart(samples, validation, held_out, recipe.seed)
        trial = recipe.replace(epochs=trial_epochs, schedule="constant", milestones=())

        def score(names: Sequence[str]) -> NDArray[np.float64]:
            tried = trained(names, learnt, trial, False) if names else source
            deployed = deploy(tried, memory, seed=derived(recipe.seed, "placement"))
            found = evaluate(deployed, judged.to(where), n_chips=chips, show_progress=False)
            return found.at().values

        open_to = [name for name in check_layers(source, compensable(source), ratio) if f"{name}.weight" in stored]
        chosen = place(source, open_to, score, ratio=ratio, most=budget * weights_of(source), progress=progress)
    else:
        chosen = tuple(_row(source, name, ratio) for name in named)
    names = [layer.name for layer in chosen]
    return Compensation(
        model=trained(names, samples, recipe, progress) if names else source,
        layers=chosen,
        weights=weights_of(source),
        memories=tuple(dict.fromkeys(m for m in normalise(memory).values() if m is not None)),
        data=samples.name,
    )


def place(
    model: nn.Module,
    candidates: list[str],
    score: Callable[[Sequence[str]], NDArray[np.float64]],
    *,
    ratio: float,
    most: float,
    progress: bool,
) -> tuple[CompensatedLayer, ...]:
    """Greedy forward selection of layers to compensate.

    Args:
        model: the network as it is.
        candidates: names of layers, in an order that decides between equals.
        score: ``score(names)`` is the accuracy of every chip, ``(chips,)`` float64, with these layers compensated.
        ratio: maps of a generator, as a fraction of its layer's outputs.
        most: weights that may be added.
        progress: show a bar for every round.
    """
    chosen: list[CompensatedLayer] = []
    base = score([])
    while True:
        left = most - sum(layer.weights for layer in chosen)
        taken = [layer.name for layer in chosen]
        rows = [_row(model, name, ratio) for name in candidates if name not in taken]
        rows = [row for row in rows if row.weights <= left]
        tried = []
        with progress_bar("placing compensation", len(rows), enabled=progress) as bar:
            for row in rows:
                scores = score([*taken, row.name])
                tried.append((replace(row, gain=mean_interval(scores - base)), scores))
                bar.advance()
        gaining = [(row, scores) for row, scores in tried if row.gain is not None and row.gain.low > 0]
        if not gaining:
            return tuple(chosen)
        best, base = max(gaining, key=lambda pair: _per_weight(pair[0]))
        chosen.append(best)


def _per_weight(row: CompensatedLayer) -> float:
    assert row.gain is not None
    return row.gain.value / row.weights


def _row(model: nn.Module, name: str, ratio: float) -> CompensatedLayer:
    layer = model.get_submodule(name)
    return CompensatedLayer(name=name, maps=maps_of(layer, ratio), weights=extra_weights(layer, ratio))


def weights_of(model: nn.Module) -> int:
    """Weights of all matrices in ``model``, biases and norms not counted."""
    return sum(module.get_parameter(name).numel() for module in model.modules() for name, _ in matrices(module))


def _apart(samples: Dataset, validation: Any, held_out: float, seed: int) -> tuple[Dataset, Dataset]:
    """Samples that trials learn from, and others that they are judged on."""
    if samples.targets.is_floating_point():
        raise SpecError("layers are chosen by accuracy, and these targets are no classes; name them: layers=[...]")
    if validation is not None:
        return samples, as_dataset(validation)
    return setup.split(samples, held_out, seed, name="held_out")
