"""WHOLE NETWORKS: trained on arrays of several devices by several algorithms, and in floating point."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from mho import data as datasets
from mho import zoo
from mho.analog.algorithm import Algorithm
from mho.analog.conversion import convert
from mho.analog.experiments import asking
from mho.analog.experiments.folder import Folder, Record
from mho.analog.experiments.judging import Point, judged
from mho.analog.experiments.sweep_result import Sweep
from mho.data import Dataset, as_dataset
from mho.errors import ModelError, SpecError
from mho.evaluation.arguments import axis, check_statistics
from mho.progress import progress
from mho.training import Recipe
from mho.training.checkpoint import identity
from mho.training.loop import train

NAN = float("nan")

RECIPE = Recipe(optimizer="sgd", lr=0.05, batch_size=32, epochs=3, schedule="constant")
"""How networks are trained unless asked otherwise."""


def sweep(
    model: str | Callable[[int], nn.Module],
    data: str | tuple[Any, Any],
    algorithms: Algorithm | Sequence[Algorithm] | Mapping[str, Algorithm],
    *,
    n_states: float | Iterable[float] | None = None,
    reference_std: float | Iterable[float] | None = None,
    bounds: float | Iterable[float] = 1.0,
    seeds: int | Iterable[int] = 0,
    recipe: Recipe | None = None,
    rules: Callable[[Algorithm], Any] | None = None,
    floating: bool = True,
    folder: str | Path | None = None,
    confidence: float = 0.95,
    show_progress: bool = True,
    **how: Any,
) -> Sweep:
    """How good is a network that was trained on an array? The experiments of [rasch2024fast Figs. 5, 6].

    At every combination of algorithm, bounds, states, error of the reference and seed one network is trained on arrays
    and tested; in floating point once a seed. The seed decides the starting weights, the order of the samples, devices
    and pulses; the same one gives the same start and order at every point, so that points make pairs.

    Args:
        model: name of a network of the zoo, which takes classes and sizes from the data; or a function that makes one
            from a seed.
        data: name of a data set; or its training and test samples, each anything that :func:`mho.data.as_dataset`
            takes.
        algorithms: one, several, or several by the names that tables shall give them.
        n_states: of all cells, of W and A; ``None`` for those that they have.
        reference_std: standard deviations of the reference around the symmetry points; ``None`` for those that the
            algorithms have. An algorithm without a reference is trained once.
        bounds: how many times as far off the bounds of all cells are, at the same step at 0; makes steps symmetric.
        seeds: one or several.
        recipe: how to train; :data:`RECIPE` if ``None``. Its seed is not used.
        rules: what :func:`mho.analog.convert` is told for an algorithm, such as
            ``lambda a: {"fc3": None, "*": a}``; all layers if ``None``.
        floating: whether the network is trained in floating point, too.
        folder: where every training leaves a small JSON file, made if missing; what lies there is not trained again.
        confidence: two-sided coverage of every interval.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.
        **how: further arguments of :func:`mho.analog.convert`, such as ``peripherals=``.

    Raises:
        SpecError: an argument is out of range.
        ModelError: the model does not take the data, or has nothing to put on arrays.
        DataError: data that is missing or of a wrong type.
        OutputError: the folder cannot be written to.
    """
    listed = asking.labelled(algorithms)
    recipe = RECIPE if recipe is None else recipe
    if not isinstance(recipe, Recipe):
        raise SpecError(f"recipe={recipe!r} is no Recipe; give mho.training.Recipe(optimizer='sgd', lr=0.05)")
    check_statistics((), confidence)
    wanted = _seeds(seeds)
    factors = axis("bounds", bounds, lambda b: 0 < b < 1e6, "above zero: a factor, 1 for the bounds as they are")
    plan = [
        Point(label, asking.varied(a, n, std, float(factor or 1.0)), n, std, float(factor or 1.0))
        for label, a in listed.items()
        for factor in factors
        for n in asking.states(n_states)
        for std in asking.spreads(reference_std)
    ]
    training, test = _data(data)
    kept = Folder(folder)
    started = time.perf_counter()
    ways = [*dict.fromkeys(point.algorithm for point in plan), *([None] if floating else [])]
    found: dict[Algorithm | None, list[Record]] = {way: [] for way in ways}
    with progress("networks", len(ways) * len(wanted), enabled=show_progress) as bar:
        for seed in wanted:
            start = _start(model, training, seed)
            for way in ways:
                job = _Job(start, training, test, way, rules, recipe.replace(seed=seed), seed, how)
                found[way].append(kept.get(job.key(), job.name, job.run))
                bar.advance()
    return Sweep(
        points=tuple(point.trained(found[point.algorithm]) for point in plan),
        floating=Point("floating point", None, None, None, None).trained(found[None]) if floating else None,
        model=model if isinstance(model, str) else getattr(model, "__name__", type(start).__name__),
        data=training.name,
        images=len(test),
        recipe=recipe,
        seeds=wanted,
        confidence=confidence,
        provenance=asking.provenance(time.perf_counter() - started),
    )


@dataclass(frozen=True)
class _Job:
    """One network to train; ``way`` is ``None`` in floating point."""

    start: nn.Module
    training: Dataset
    test: Dataset
    way: Algorithm | None
    rules: Callable[[Algorithm], Any] | None
    recipe: Recipe
    seed: int
    how: dict[str, Any]

    @property
    def said(self) -> Any:
        """What :func:`mho.analog.convert` is told."""
        return self.way if self.rules is None or self.way is None else self.rules(self.way)

    @property
    def name(self) -> str:
        """What the file of this training begins with."""
        return f"{'floating' if self.way is None else type(self.way).__name__}-seed{self.seed}"

    def key(self) -> dict[str, Any]:
        """Everything that decides the numbers, as plain data."""
        rules = self.said if isinstance(self.said, Mapping) else {"*": self.said}
        digests = {pattern: None if way is None else way.digest() for pattern, way in rules.items()}
        told = {name: value.digest() if hasattr(value, "digest") else repr(value) for name, value in self.how.items()}
        who = identity(self.start, self.training, self.test, recipe=self.recipe.digest())
        return who | {"rules": digests, "convert": told if self.way is not None else {}, "seed": self.seed}

    def run(self) -> Record:
        """Train and test."""
        started = time.perf_counter()
        network = self.start if self.way is None else convert(self.start, self.said, seed=self.seed, **self.how)
        try:
            trained = train(network, self.training, recipe=self.recipe, progress=False)
        except ModelError as error:
            # A device on which the loss explodes is a result, too; a network that does not fit is none.
            if not str(error).startswith("training diverged"):
                raise
            return {"errors": NAN, "losses": NAN, "gradient_pulses": NAN, "weight_pulses": NAN, "seconds": NAN}
        return judged(trained, self.recipe, self.test, time.perf_counter() - started)


def _start(model: str | Callable[[int], nn.Module], training: Dataset, seed: int) -> nn.Module:
    made = zoo.build_for(model, training, seed=seed) if isinstance(model, str) else model(seed)
    if not isinstance(made, nn.Module):
        raise ModelError(f"model(seed) returned a {type(made).__name__}; it must make a torch.nn.Module")
    return made


def _data(data: str | tuple[Any, Any]) -> tuple[Dataset, Dataset]:
    if isinstance(data, str):
        return datasets.load(data, split="train"), datasets.load(data, split="test")
    if not isinstance(data, tuple) or len(data) != 2:
        raise SpecError("data must be a name, such as 'mnist', or a pair of training and test samples")
    return as_dataset(data[0]), as_dataset(data[1])


def _seeds(seeds: int | Iterable[int]) -> tuple[int, ...]:
    listed = [seeds] if isinstance(seeds, int) else list(seeds)
    for seed in listed:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SpecError(f"seeds holds {seed!r}; it takes whole numbers, zero or more")
    if not listed or len(set(listed)) < len(listed):
        raise SpecError(f"seeds={seeds!r} must name one or more, each once")
    return tuple(listed)
