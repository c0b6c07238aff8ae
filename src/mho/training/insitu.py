"""In-situ training: a chip that nobody verified learns on its own data, every weight rewritten in every iteration."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset, Inputs
from mho.errors import SpecError
from mho.evaluation.arguments import check_counts, check_targets
from mho.evaluation.forward import call
from mho.evaluation.metrics import Metric, UserMetric, get_metric
from mho.memory.deployment import Chips
from mho.progress import progress as progress_bar
from mho.training import setup
from mho.training.batches import shuffled
from mho.training.fit import check_fit
from mho.training.fresh import check_fresh
from mho.training.insitu_result import InSitu
from mho.training.recipe import Recipe
from mho.training.rewriting import Cells
from mho.training.run import Run, derived


def in_situ(
    chips: Chips,
    data: Any,
    test: Any,
    *,
    iterations: int = 1000,
    every: int = 100,
    n_chips: int = 10,
    first_chip: int = 0,
    sigma: float | None = None,
    lr: float = 1e-4,
    momentum: float = 0.9,
    batch_size: int = 128,
    metric: str | Metric | UserMetric = "accuracy",
    device: torch.device | str | None = None,
    progress: bool = True,
) -> InSitu:
    """How good do chips become that are trained where they are, instead of verified?

    A chip starts as it is after programming without verification. In each iteration the gradient of one mini-batch is
    taken on the chip, with its errors, in training mode; SGD moves the targets, which are kept digitally (as are biases
    and norms, which learn too); and every weight is written again, once, to its new target: every write has fresh
    errors, defects of cells stay. Chip i starts as chip i of ``chips``, without verification whatever their memory's
    programming, and all it draws is decided by the seed of ``chips`` and its number.

    Source: the baseline of [yan2022swim]; that the targets are kept digitally is the reading of its code.

    Args:
        chips: a deployed model.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        test: samples on which chips are judged, likewise.
        iterations: mini-batches, each followed by one write of every weight.
        every: chips are judged at iteration 0, then after every so many, and after the last.
        n_chips: how many chips.
        first_chip: number of the first one.
        sigma: severity; the device's own if ``None``.
        lr: learning rate.
        momentum: of SGD.
        batch_size: samples per iteration.
        metric: as for :func:`mho.evaluate`.
        device: where to train; where the model is if ``None``.
        progress: show a bar on stderr, if it is a terminal and the run lasts more than two seconds.

    Raises:
        SpecError: an argument is out of range, no chips, or bits of them slip along tracks.
        ModelError: the model does not take the data.
        DataError: no data, or labels outside the model's classes.
    """
    if not isinstance(chips, Chips):
        raise SpecError(f"in_situ takes chips, not a {type(chips).__name__}; call mho.deploy(model, memory) first")
    check_counts(iterations=iterations, every=every, n_chips=n_chips, first_chip=first_chip)
    check_fresh(chips.rules, "in_situ")
    chips.check_weights("in_situ")
    recipe = Recipe(optimizer="sgd", schedule="constant", lr=lr, momentum=momentum, batch_size=batch_size)
    where = setup.device(chips.model, device)
    samples, held_out = as_dataset(data).to(where), as_dataset(test).to(where)
    model = copy.deepcopy(chips.model).to(where)
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    check_fit(model, samples)
    judged = get_metric(metric, held_out.targets)
    with torch.inference_mode():
        check_targets(call(model, held_out.take(1).inputs)[None], held_out, judged)

    points = sorted({*range(0, iterations, every), iterations})
    values = np.full((n_chips, len(points)), np.nan)
    gpus = [where] if where.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=gpus),
        progress_bar("in-situ training", n_chips * iterations, enabled=progress) as bar,
    ):
        for row in range(n_chips):
            lesson = _lesson(chips, copy.deepcopy(model), first_chip + row, sigma, recipe, samples)
            for iteration, (learner, weights) in enumerate(lesson):
                if iteration in points:
                    values[row, points.index(iteration)] = _judge(learner, weights, held_out, judged)
                if iteration == iterations:
                    break
                bar.advance()
    return InSitu(
        iterations=tuple(points),
        values=values,
        metric=judged.name,
        bounded=judged.bounded,
        images=len(held_out),
        seed=chips.seed,
        first_chip=first_chip,
        sigma=sigma,
        lr=lr,
        momentum=momentum,
        batch_size=batch_size,
        label=chips.label,
        data=samples.name,
    )


def _lesson(
    chips: Chips, model: nn.Module, chip: int, sigma: float | None, recipe: Recipe, samples: Dataset
) -> Iterator[tuple[nn.Module, dict[str, Tensor]]]:
    """After every write of chip ``chip``, from the first on: the model and what its cells hold."""
    seed = derived(chips.seed, f"in-situ training of chip {chip}")
    run = Run(model, recipe, classifies=not samples.targets.is_floating_point())
    optimizer = setup.optimizer(recipe, model)
    setup.seed_dropout(seed, samples.targets.device)
    cells = Cells(replace(chips, model=model), sigma, chip)
    for cycle, (inputs, targets) in enumerate(_for_ever(samples, recipe, seed), start=1):
        weights = cells.write(cycle)
        yield model, weights
        model.train()
        optimizer.zero_grad(set_to_none=True)
        run.loss(run.forward(inputs, weights), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _for_ever(samples: Dataset, recipe: Recipe, seed: int) -> Iterator[tuple[Inputs, Tensor]]:
    draws = torch.Generator().manual_seed(seed)
    while True:
        yield from shuffled(samples, recipe, draws, None)


@torch.inference_mode()
def _judge(model: nn.Module, weights: dict[str, Tensor], test: Dataset, metric: Metric) -> float:
    model.eval()
    parts = [metric.batch(call(model, inputs, weights)[None], targets) for inputs, targets in test.batches(512)]
    return float(metric.finish(parts)[0])
