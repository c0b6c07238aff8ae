"""A 20x20 ARRAY: how exactly algorithms program given weights, over states and errors of the reference."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.analog.algorithm import Algorithm
from mho.analog.experiments import asking
from mho.analog.experiments.programming_result import Level, Programming
from mho.analog.experiments.samples import stream, targets
from mho.analog.experiments.settings import Inputs, Loss, setting
from mho.analog.tile import Tile
from mho.errors import SpecError
from mho.evaluation.arguments import check_choice, check_counts, check_statistics
from mho.progress import Bar, progress

POINTS = 101
"""Points of a course: a prime number, since errors go up and down with the choppers, whose period is round."""


def program(
    algorithms: str | Algorithm | Sequence[Algorithm] | Mapping[str, Algorithm] = "uniform",
    *,
    n_states: float | Iterable[float] | None = (20, 100),
    reference_std: float | Iterable[float] | None = (0.0, 0.1, 0.25, 0.5),
    size: int = 20,
    samples: int = 40_000,
    rate: float = 0.1,
    chips: int = 10,
    first_chip: int = 0,
    seed: int = 0,
    inputs: Inputs | None = None,
    loss: Loss | None = None,
    target_std: float = 0.3,
    average_last: float = 0.25,
    confidence: float = 0.95,
    show_progress: bool = True,
) -> Programming:
    """How exactly is an array programmed by learning? The experiment of [rasch2024fast Fig. 4].

    Targets w^ are normal with ``target_std`` and fixed, inputs x are random, and W learns to give y^ = W^ x from
    gradients alone: d = y - y^, over the number of outputs where the loss is a mean. W starts at 0. What is reported
    is the standard deviation of w - w^ over the array, in units of weights whose nominal range is -1 to 1. Targets
    beyond what a device of W reaches count as errors: 1 in 1,000 at 0.3 where all devices reach 1.

    Chip i has the same targets, inputs and devices (but for the size of their steps) at every level, whatever the
    number of chips, so that levels make pairs.

    Args:
        algorithms: one, several, or several by the names that tables shall give them; or the name of one of
            :data:`SETTINGS`, with all algorithms in it.
        n_states: of all cells, of W and A; ``None`` for those that they have.
        reference_std: standard deviations of the reference around the symmetry points; ``None`` for those that the
            algorithms have. An algorithm without a reference is measured once.
        size: rows and columns.
        samples: how many are seen, one by one.
        rate: learning rate.
        chips: arrays side by side.
        first_chip: number of the first one.
        seed: decides everything that is drawn.
        inputs: standard "normal", or "uniform" on [-1, 1]; as the setting says, or "normal".
        loss: half the "sum" of squares over outputs, or their "mean"; as the setting says, or "mean". It scales d,
            which in-memory SGD and mixed precision feel; the others follow its size.
        target_std: standard deviation of the targets.
        average_last: part of the samples, the last ones, over which errors are averaged.
        confidence: two-sided coverage of every interval.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        SpecError: an argument is out of range.
        UnknownNameError: no setting has this name.
    """
    named = setting(algorithms) if isinstance(algorithms, str) else None
    listed = asking.labelled(named.algorithms() if named is not None else algorithms)  # type: ignore[arg-type]
    law: Inputs = inputs or (named.inputs if named is not None else "normal")
    kind: Loss = loss or (named.loss if named is not None else "mean")
    check_choice("inputs", law, Inputs)
    check_choice("loss", kind, Loss)
    check_counts(size=size, samples=samples)
    check_statistics((), confidence)
    asking.positive(rate=rate, target_std=target_std, average_last=average_last)
    if average_last > 1:
        raise SpecError(f"average_last={average_last:g} is a fraction of the samples, at most 1")
    numbers = asking.numbers(chips, first_chip)
    asked = _Asked(
        chips=numbers,
        size=size,
        samples=samples,
        rate=float(rate),
        seed=seed,
        inputs=law,
        loss=kind,
        target=targets(seed, numbers, size, target_std),
        at=np.unique(np.linspace(0, samples, min(POINTS, samples) + 1).round().astype(np.int64)),
        average_last=float(average_last),
    )
    started = time.perf_counter()
    plan = [
        (label, [(n, std, asking.varied(a, n, std)) for std in sorted(asking.spreads(reference_std), key=_first)])
        for label, a in listed.items()
        for n in (asking.states(n_states) if a.cells else (None,))
    ]
    runs = sum(len({a for _, _, a in points}) for _, points in plan)
    levels: list[Level] = []
    with progress("programming: samples", runs * samples, enabled=show_progress) as bar:
        for label, points in plan:
            done: dict[Algorithm, Level] = {}
            for _, std, algorithm in points:
                bar.say(label if std is None else f"{label}, reference error {std:g}")
                if algorithm not in done:
                    done[algorithm] = _level(label, algorithm, asked, bar)
                own = getattr(algorithm, "reference_std", 0.0) if std is None else std
                levels.append(replace(done[algorithm], reference_std=float(own)))
    return Programming(
        levels=tuple(levels),
        at=asked.at,
        size=size,
        samples=samples,
        rate=float(rate),
        inputs=law,
        loss=kind,
        target_std=float(target_std),
        average_last=float(average_last),
        seed=seed,
        first_chip=first_chip,
        confidence=confidence,
        setting=algorithms if isinstance(algorithms, str) else "",
        provenance=asking.provenance(time.perf_counter() - started),
    )


def _first(std: float | None) -> float:
    return -1.0 if std is None else std


@dataclass(frozen=True)
class _Asked:
    """The checked question."""

    chips: Tensor
    size: int
    samples: int
    rate: float
    seed: int
    inputs: Inputs
    loss: Loss
    target: Tensor
    at: NDArray[np.int64]
    average_last: float


def _level(label: str, algorithm: Algorithm, asked: _Asked, bar: Bar) -> Level:
    """Program all chips at once, sample by sample."""
    started = time.perf_counter()
    shape = (asked.size, asked.size)
    tile = Tile(algorithm, shape, name="programming", seed=asked.seed, chips=tuple(asked.chips.tolist()))
    course = np.empty((len(asked.at), len(asked.chips)))
    course[0] = _spread(tile.weight, asked.target)
    scale = 1 / asked.size if asked.loss == "mean" else 1.0
    seen, point, off = 0, 1, torch.empty_like(asked.target)
    for block in stream(asked.seed, "inputs", asked.chips, asked.size, asked.samples, asked.inputs):
        # Samples first: one sample of all chips then lies together.
        inputs = block.transpose(0, 1).contiguous()
        for x in inputs.unsqueeze(2).unbind():
            torch.sub(tile.weight, asked.target, out=off)
            d = torch.mul(off, x).sum(-1).mul_(scale)
            tile.update(x, d.unsqueeze(1), asked.rate)
            seen += 1
            if seen == asked.at[point]:
                course[point] = _spread(tile.weight, asked.target)
                point += 1
        bar.advance(len(inputs))
    last = asked.at > asked.samples * (1 - asked.average_last)
    last[-1] = True
    a, w = pulses(tile, "gradient"), pulses(tile, "weight")
    return Level(
        label=label,
        algorithm=algorithm,
        n_states=states_of(algorithm),
        reference_std=0.0,
        has_reference=algorithm.has_reference,
        errors=course[last].mean(axis=0),
        course=course,
        gradient_mean=a.mean,
        gradient_max=a.most,
        weight_mean=w.mean,
        weight_max=w.most,
        seconds=time.perf_counter() - started,
    )


def _spread(weight: Tensor, target: Tensor) -> NDArray[np.float64]:
    """Standard deviation of w - w^ over the array of every chip, ``(chips,)``."""
    return (weight - target).double().flatten(1).std(dim=1, correction=0).numpy()


def states_of(algorithm: Algorithm) -> float | None:
    """States of the cells of W; ``None`` where weights are numbers."""
    cell = algorithm.cells.get("weight")
    return None if cell is None else float(cell.n_states)


class Pulses(NamedTuple):
    """Pulses of a device per sample, over devices and chips; ``nan`` where there is no such array."""

    mean: float
    most: float


def pulses(tile: Tile, array: str) -> Pulses:
    """What the devices of ``array`` ("gradient" or "weight") of a tile have taken per sample."""
    counts = tile.pulses.get(array)
    if counts is None or not tile.samples:
        return Pulses(float("nan"), float("nan"))
    return Pulses(float(counts.double().mean()) / int(tile.samples), int(counts.max()) / int(tile.samples))
