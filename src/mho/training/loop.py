"""Ordinary training: one loop, the data resident on the device, repeatable bit for bit on a CPU."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset, Inputs
from mho.errors import ModelError
from mho.progress import progress as progress_bar
from mho.training import setup
from mho.training.augment import crop_flip
from mho.training.fit import apply, check_fit
from mho.training.recipe import Recipe
from mho.training.record import Epoch, remember


def train(
    model: nn.Module,
    data: Any,
    *,
    recipe: Recipe | None = None,
    validation: Any = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> nn.Module:
    """A trained copy of ``model``, in eval mode, after the last epoch; ``model`` itself does not change.

    Nothing is selected on the validation data: it is only reported. The loss is cross-entropy for class
    indices and mean squared error for float targets. The same model, data and recipe give the same weights,
    bit for bit on a CPU with the same number of threads; global random generators are left as they were.

    Args:
        model: any network of one output tensor; its weights are where training starts.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        recipe: how to train; :class:`Recipe`'s defaults if left out.
        validation: samples measured after every epoch, likewise.
        device: where to train; the model's own device if left out. The trained copy stays there.
        progress: show a bar on stderr, if it is a terminal and the run lasts more than two seconds.

    Returns:
        The trained copy; :func:`mho.training.history` gives its epochs.

    Raises:
        ModelError: the model does not take the data, has nothing to train, or its loss was NaN or infinite.
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: the recipe does not suit the data, or the device does not exist.
    """
    recipe = recipe or Recipe()
    setup.check_types(model, recipe)
    place = setup.device(model, device)
    samples = as_dataset(data).to(place)
    held_out = None if validation is None else as_dataset(validation).to(place)
    trained = copy.deepcopy(model).to(place)
    check_fit(trained, samples)
    if held_out is not None:
        check_fit(trained, held_out)
    fill = setup.fill(recipe, samples)
    optimizer = setup.optimizer(recipe, trained)
    if recipe.channels_last:
        trained.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    epochs: list[Epoch] = []
    draws = torch.Generator().manual_seed(recipe.seed)
    steps = -(-len(samples) // recipe.batch_size) * recipe.epochs
    gpus = [place] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus), progress_bar("training", steps, enabled=progress) as bar:
        setup.seed_dropout(recipe.seed, place)
        for number in range(recipe.epochs):
            start, rate = time.monotonic(), recipe.rate(number)
            for group in optimizer.param_groups:
                group["lr"] = rate
            trained.train()
            losses, correct, seen = [], [], 0
            for inputs, targets in _batches(samples, recipe, draws, fill):
                optimizer.zero_grad(set_to_none=True)
                loss, outputs = _loss(trained, inputs, targets, recipe)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses.append(loss.detach())
                correct.append(_correct(outputs.detach(), targets))
                seen += len(targets)
                bar.advance()
            loss_mean = _mean_loss(losses, number + 1, rate)
            after = (None, None) if held_out is None else _measure(trained, held_out, recipe)
            epochs.append(
                Epoch(
                    number=number + 1,
                    lr=rate,
                    loss=loss_mean,
                    accuracy=None if targets.is_floating_point() else int(sum(correct)) / seen,
                    validation_loss=after[0],
                    validation_accuracy=after[1],
                    seconds=time.monotonic() - start,
                )
            )
    if recipe.channels_last:
        trained.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    remember(trained, tuple(epochs))
    return trained.eval()


def _batches(
    data: Dataset, recipe: Recipe, draws: torch.Generator, fill: Tensor | None
) -> Iterator[tuple[Inputs, Tensor]]:
    """One epoch of shuffled, augmented batches."""
    order = torch.randperm(len(data), generator=draws).to(data.targets.device)
    for index in order.split(recipe.batch_size):  # type: ignore[no-untyped-call]
        if len(index) == 1 and len(data) > 1 and recipe.batch_size > 1:
            continue  # batch norm cannot train on a last batch of one sample
        batch = data.subset(index)
        inputs = batch.inputs
        if fill is not None and isinstance(inputs, Tensor):
            inputs = crop_flip(inputs, fill, draws)
        if recipe.channels_last and isinstance(inputs, Tensor) and inputs.dim() == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        yield inputs, batch.targets


def _loss(model: nn.Module, inputs: Inputs, targets: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """The mean loss of a batch, and the outputs that it was computed from."""
    mixed = recipe.precision == "bfloat16"
    with torch.autocast(targets.device.type, dtype=torch.bfloat16, enabled=mixed):
        outputs = apply(model, inputs)
    outputs = outputs.float()
    if targets.is_floating_point():
        return mse_loss(outputs, targets), outputs
    return cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing), outputs


def _correct(outputs: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point():
        return torch.zeros((), dtype=torch.int64, device=targets.device)
    return (outputs.argmax(dim=1) == targets).sum()


def _mean_loss(losses: list[Tensor], epoch: int, rate: float) -> float:
    """The mean over batches; looked at once an epoch, as each look makes a GPU wait."""
    values = torch.stack(losses)
    bad = (~torch.isfinite(values)).nonzero()
    if len(bad):
        first = int(bad[0])
        raise ModelError(
            f"training diverged: the loss became {float(values[first])} in epoch {epoch}, "
            f"batch {first + 1} of {len(values)} (lr={rate:g}): try a smaller lr"
        )
    return float(values.mean())


@torch.no_grad()
def _measure(model: nn.Module, data: Dataset, recipe: Recipe) -> tuple[float, float | None]:
    """Loss and accuracy on data held out."""
    model.eval()
    total, correct = 0.0, 0
    for inputs, targets in data.batches(max(recipe.batch_size, 512)):
        loss, outputs = _loss(model, inputs, targets, recipe)
        total += float(loss) * len(targets)
        correct += int(_correct(outputs, targets))
    return total / len(data), None if data.targets.is_floating_point() else correct / len(data)
