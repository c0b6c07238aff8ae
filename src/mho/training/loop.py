"""Training: one loop for every method, the data resident on the device, repeatable bit for bit on a CPU."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.frozen import FrozenDict
from mho.memory.rules import Rules, normalise
from mho.progress import progress as progress_bar
from mho.spec import plain
from mho.training import checkpoint as disk
from mho.training import setup
from mho.training.course import Course
from mho.training.fit import check_fit
from mho.training.fresh import check_fresh
from mho.training.keeping import Keeper
from mho.training.method import Method, check_method
from mho.training.monitor import Monitor, judge
from mho.training.observers import Audience, Observer
from mho.training.own_updates import check_own_updates, update_specs
from mho.training.plain import measure
from mho.training.ranks import ranks
from mho.training.recipe import Recipe
from mho.training.record import Epoch, Origin, remember
from mho.training.searching import Searching, check_severity, searching


def train(
    model: nn.Module,
    data: Any,
    *,
    method: Method | None = None,
    memory: Rules | None = None,
    recipe: Recipe | None = None,
    validation: Any = None,
    monitor: Monitor | None = None,
    observers: Sequence[Observer] = (),
    checkpoint: str | Path | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> nn.Module:
    """A trained copy of ``model``, in eval mode, after the last epoch; ``model`` itself does not change.

    Nothing is selected on the validation data unless ``monitor`` or a ``SigmaSearch`` says so. The loss is
    cross-entropy for class indices (its mean over all positions, where a sample has one a position, such as the next
    character of a text) and mean squared error for float targets. The same model, data and recipe give the
    same weights, bit for bit on a CPU with the same number of threads; global random generators are left as they were.

    Under ``torchrun`` (a ``torch.distributed`` default group) all processes train one network: each takes its part of
    every mini-batch, starting from the weights of process 0, and all return the same. Errors need no exchange, as every
    process draws the same ones. Processes that were not asked the same refuse.

    Args:
        model: any network of one output tensor; its weights are where training starts.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        method: how the network is made tolerant, such as ``NoiseInjection(sigma=0.1)``; plain training if left out.
        memory: memory (or name rules, as :func:`mho.deploy` takes them) whose errors a method injects that takes one,
            and on whose chips a ``SigmaSearch`` or a ``Monitor`` judges.
        recipe: how to train; :class:`Recipe`'s defaults if left out. Its seed also decides the method's noise.
        validation: samples measured after every epoch, likewise, on the network as it is, without errors; or the
            fraction of the training samples to hold out for it.
        monitor: how chips of the network are judged while it trains, and which epoch is kept.
        observers: told of every epoch and of the end, such as ``TensorBoard(folder)``.
        checkpoint: file (.safetensors) that holds the run after its last whole epoch. Where it exists, training goes on
            from it: the weights are those of an uninterrupted run, bit for bit on a CPU.
        device: where to train; the model's own device if left out. The trained copy stays there.
        progress: show a bar on stderr, if it is a terminal and the run lasts more than two seconds.

    Returns:
        The trained copy; :func:`mho.training.history` gives its epochs, :func:`mho.training.origin` how it was made.

    Raises:
        ModelError: the model does not take the data, has nothing to train, cannot be deployed though the method needs
            to know its weights on cells, or its loss or weights became NaN or infinite (``checkpoint`` then holds the
            last good epoch; see :func:`mho.training.load_checkpoint`).
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: the recipe does not suit the data or the model, the method not the memory, or the device does not
            exist.
        CheckpointError: ``checkpoint`` is of another run.
        OutputError: ``checkpoint`` cannot be written.
    """
    recipe = recipe or Recipe()
    setup.check_types(model, recipe, monitor, observers)
    check_method(method, memory, monitored=monitor is not None and monitor.memory is None)
    if memory is not None:
        check_fresh(memory, "train", "leave out memory= and give the method a number, such as sigma=0.1")
    searches = method is not None and method.sigma_search is not None
    if searches and monitor is not None:
        raise SpecError("a SigmaSearch judges chips itself and keeps the best epoch; leave out monitor=")
    if searches and method is not None and memory is not None and method.injects_memory:
        check_severity(type(method).__name__, memory)
    file = None if checkpoint is None else disk.check_path(checkpoint)
    place = setup.device(model, device)
    samples, held_out = _samples(data, validation, method, recipe, place)
    start = copy.deepcopy(model).to(place)
    for part in (samples, held_out):
        if part is not None:
            check_fit(start, part)
    looking = None if monitor is None else judge(monitor, memory, held_out, recipe.seed, start)
    keeper = Keeper("last" if monitor is None else monitor.keep)
    sharing = ranks()
    check_own_updates(start, recipe, method, sharing)
    updates = update_specs(start)
    sharing.check(samples, recipe.batch_size, start)
    rules = None if memory is None else FrozenDict(normalise(memory))
    injects = method is not None and method.injects_memory
    who: dict[str, Any] = {}
    if file is not None or sharing.world > 1:
        specs = {"recipe": recipe, "method": method, "memory": rules, "monitor": monitor}
        told = {key: plain(spec) for key, spec in specs.items()}
        if updates:
            told["updates"] = plain(updates)
        who = disk.identity(start, samples, held_out, **told, processes=sharing.world)
        sharing.agree({key: value for key, value in who.items() if key != disk.START})
        sharing.share(start)

    def course(sigma: float | None = None) -> Course:
        network = start if sigma is None else copy.deepcopy(start)
        injected = memory if injects else None
        return Course(network, samples, recipe, method=method, memory=injected, ranks=sharing, sigma=sigma)

    with setup.generators_kept(place), ExitStack() as at_end:
        learner: Course | Searching
        if method is None or method.sigma_search is None:
            learner = course()
        else:
            assert memory is not None
            assert held_out is not None
            learner = searching(method.sigma_search, memory, held_out, recipe, course)
            keeper = Keeper("percentile")
        at_end.callback(learner.close)
        shown = progress and sharing.rank == 0
        bar = at_end.enter_context(progress_bar("training", recipe.epochs * learner.steps, enabled=shown))
        epochs: list[Epoch] = []
        if file is not None:
            epochs = _go_on(sharing.first(lambda: disk.load(file, who) if file.exists() else None), learner, keeper)
            bar.advance(len(epochs) * learner.steps)
        audience = Audience(observers if sharing.rank == 0 else ())
        for number in range(len(epochs), recipe.epochs):
            begun = time.monotonic()
            try:
                loss, accuracy = learner.epoch(number, bar)
            except ModelError as error:
                raise _with_refuge(error, file, number) from None
            run = learner.leader.run
            after = (None, None) if held_out is None else sharing.first(partial(measure, run, held_out))
            judged = learner.judgement
            if looking is not None and monitor is not None and monitor.due(number, recipe.epochs):
                judged = sharing.first(partial(looking, run.model))
            epoch = Epoch(
                number=number + 1,
                lr=recipe.rate(number),
                loss=loss,
                accuracy=accuracy,
                validation_loss=after[0],
                validation_accuracy=after[1],
                seconds=time.monotonic() - begun,
                chips_mean=None if judged is None else judged.mean,
                chips_percentile=None if judged is None else judged.percentile,
                chips_ekl=None if judged is None else judged.ekl,
                sigma=learner.sigma,
            )
            epochs.append(epoch)
            bar.say(str(epoch))
            keeper.look(epoch, run.model)
            if file is not None:
                state = {"learner": learner.state(), "epochs": [asdict(e) for e in epochs], "best": keeper.state()}
                sharing.first(partial(disk.save, file, {"identity": who, **state}))
            audience.tell("epoch", epoch)
    trained = learner.leader.model
    keeper.restore(trained)
    judges = looking.rules if looking is not None else memory if searches else None
    origin = Origin(
        recipe=recipe,
        method=method,
        memory=rules if injects else None,
        data=samples.name,
        epochs=tuple(epochs),
        kept=keeper.number,
        judged_on=None if judges is None or (injects and judges is memory) else FrozenDict(normalise(judges)),
        updates=updates,
    )
    remember(trained, origin)
    audience.tell("end", origin)
    return trained.eval()


def _samples(
    data: Any, validation: Any, method: Method | None, recipe: Recipe, place: torch.device
) -> tuple[Dataset, Dataset | None]:
    """What to learn from and what is held out, if anything."""
    samples = as_dataset(data).to(place)
    if validation is None and method is not None and method.sigma_search is not None:
        validation = method.sigma_search.held_out
    if isinstance(validation, float):
        return setup.split(samples, validation, recipe.seed)
    return samples, None if validation is None else as_dataset(validation).to(place)


def _go_on(state: dict[str, Any] | None, learner: Course | Searching, keeper: Keeper) -> list[Epoch]:
    """Bring everybody to where the checkpoint was written, if there is one; the epochs so far."""
    if state is None:
        return []
    learner.load(state["learner"])
    keeper.load(state["best"])
    return [Epoch(**epoch) for epoch in state["epochs"]]


def _with_refuge(error: ModelError, file: Path | None, epochs: int) -> ModelError:
    """``error``, which also says where the last good network is."""
    if file is None or epochs == 0:
        return error
    return ModelError(f"{error}; {file} holds the network after epoch {epochs}")
