"""Training: one loop for every method, the data resident on the device, repeatable bit for bit on a CPU."""

from __future__ import annotations

import copy
import time
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import ModelError
from mho.frozen import FrozenDict
from mho.memory.rules import Rules, normalise
from mho.progress import progress as progress_bar
from mho.training import setup
from mho.training.batches import shuffled
from mho.training.fit import check_fit
from mho.training.method import Method, Taught, check_method
from mho.training.recipe import Recipe
from mho.training.record import Epoch, Origin, remember
from mho.training.run import Batch, Run


def train(
    model: nn.Module,
    data: Any,
    *,
    method: Method | None = None,
    memory: Rules | None = None,
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
        method: how the network is made tolerant, such as ``NoiseInjection(sigma=0.1)``; plain training if left out.
        memory: memory (or name rules, as :func:`mho.deploy` takes them) whose errors a method injects that takes one.
        recipe: how to train; :class:`Recipe`'s defaults if left out. Its seed also decides the method's noise.
        validation: samples measured after every epoch, likewise, on the network as it is: without errors.
        device: where to train; the model's own device if left out. The trained copy stays there.
        progress: show a bar on stderr, if it is a terminal and the run lasts more than two seconds.

    Returns:
        The trained copy; :func:`mho.training.history` gives its epochs, :func:`mho.training.origin` how it was made.

    Raises:
        ModelError: the model does not take the data, has nothing to train, cannot be deployed though the method needs
            to know its weights on cells, or its loss was NaN or infinite.
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: the recipe does not suit the data, the method not the memory, or the device does not exist.
    """
    recipe = recipe or Recipe()
    setup.check_types(model, recipe)
    check_method(method, memory)
    place = setup.device(model, device)
    samples = as_dataset(data).to(place)
    held_out = None if validation is None else as_dataset(validation).to(place)
    trained = copy.deepcopy(model).to(place)
    check_fit(trained, samples)
    if held_out is not None:
        check_fit(trained, held_out)
    fill = setup.fill(recipe, samples)
    run = Run(trained, recipe, classifies=not samples.targets.is_floating_point(), memory=memory)

    epochs: list[Epoch] = []
    draws = torch.Generator().manual_seed(recipe.seed)
    steps = -(-len(samples) // recipe.batch_size) * recipe.epochs
    gpus = [place] if place.type == "cuda" else []
    with (
        run.at_end,
        torch.random.fork_rng(devices=gpus),
        progress_bar("training", steps, enabled=progress) as bar,
    ):
        teach = _plain if method is None else method.begin(run)
        learners = [trained, *run.helpers]
        optimizer = setup.optimizer(recipe, *learners)
        if recipe.channels_last:
            for module in learners:
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        setup.seed_dropout(recipe.seed, place)
        step = 0
        for number in range(recipe.epochs):
            start, rate = time.monotonic(), recipe.rate(number)
            for group in optimizer.param_groups:
                group["lr"] = rate
            for module in learners:
                module.train()
            losses, correct, seen = [], [], 0
            for inputs, targets in shuffled(samples, recipe, draws, fill):
                optimizer.zero_grad(set_to_none=True)
                loss, outputs = teach(Batch(run, inputs, targets, step, number))
                if step == 0 and all(p.grad is None for group in optimizer.param_groups for p in group["params"]):
                    raise ModelError(f"{type(method).__name__} left no gradient on any parameter: nothing is trained")
                optimizer.step()
                losses.append(loss.detach())
                correct.append(_correct(outputs.detach(), targets))
                seen += len(targets)
                step += 1
                bar.advance()
            loss_mean = _mean_loss(losses, number + 1, rate)
            after = (None, None) if held_out is None else _measure(run, held_out)
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
    rules = None if memory is None else FrozenDict(normalise(memory))
    remember(trained, Origin(recipe=recipe, method=method, memory=rules, data=samples.name, epochs=tuple(epochs)))
    return trained.eval()


def _plain(batch: Batch) -> Taught:
    """The step of plain training."""
    outputs = batch.forward()
    loss = batch.loss(outputs)
    loss.backward()  # type: ignore[no-untyped-call]
    return Taught(loss, outputs)


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
def _measure(run: Run, data: Dataset) -> tuple[float, float | None]:
    """Loss and accuracy on data held out."""
    run.model.eval()
    total, correct = 0.0, 0
    for inputs, targets in data.batches(max(run.recipe.batch_size, 512)):
        outputs = run.forward(inputs)
        total += float(run.loss(outputs, targets)) * len(targets)
        correct += int(_correct(outputs, targets))
    return total / len(data), None if data.targets.is_floating_point() else correct / len(data)
