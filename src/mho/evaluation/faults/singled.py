"""WHICH PART MATTERS: stuck cells in one layer, or in one plane, only."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.devices.stack import stuck_of
from mho.errors import SpecError, unknown
from mho.evaluation import provenance
from mho.evaluation.arguments import check_counts, check_statistics
from mho.evaluation.bench import Bench, Lot
from mho.evaluation.faults.question import Digital, named, placed, rates_of
from mho.evaluation.faults.rating import at_rate, rules_at_rate
from mho.evaluation.faults.sensitivity import FaultSensitivity
from mho.evaluation.faults.verb import plain_of
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.memory import Chips, Memory, deploy
from mho.memory.rules import Rules, matches
from mho.progress import progress


def by_layer(
    model: nn.Module,
    data: Any,
    scheme: str | Rules = "none",
    *,
    rates: float | Iterable[float] = 1e-3,
    layers: Sequence[str] | None = None,
    n_chips: int = 20,
    first_chip: int = 0,
    digital: Digital = None,
    metric: str | Metric | UserMetric = "accuracy",
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> FaultSensitivity:
    """Which layers do stuck cells hurt most? All others are as they were written: quantised, without faults.

    Duplicates of a layer stand in its own pruned columns, not in those of a pool.

    Args:
        model: as for :func:`mho.faults`.
        data: the same.
        scheme: name of a scheme, a memory with stuck cells, or name rules.
        rates: stuck cells as a fraction of all.
        layers: layers, or patterns of several that are hit together (``"*.query"``); each layer that is stored by
            itself if ``None``.
        n_chips: chips of every row, the same ones.
        first_chip: number of the first one.
        digital: what stays digital, as for :func:`mho.faults`.
        metric: as for :func:`mho.evaluate`.
        confidence: two-sided coverage of every interval, each by itself.
        seed: decides every chip.
        device: where to run; where the model is if ``None``.
        batching: as for :func:`mho.evaluate`.
        batch_size: the same.
        label: what tables call the model; its class if ``None``.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        UnknownNameError: no scheme, or no stored layer, has this name.
        SpecError: an argument is out of range; the memory has no stuck cells.
    """
    asked = _Asked.of(scheme, rates, n_chips, first_chip, confidence, batch_size, digital, model)
    chips = deploy(model, rules_at_rate(asked.rules, asked.rates[0]), seed=seed)
    groups = _groups(chips, layers)
    dataset = as_dataset(data)

    def alone() -> Iterator[tuple[str, int, list[Chips]]]:
        written = chips.ideal()
        for name, members in groups.items():
            hit = copy.deepcopy(written)
            with torch.no_grad():
                for member in members:  # what is written to cells is made from the weights as they were
                    hit.get_parameter(member).copy_(chips.model.get_parameter(member))
            size = sum(_cells(chips, member) for member in members)
            found = []
            for rate in asked.rates:
                only: dict[str, Memory | None] = {}
                for member in members:
                    only[member] = _unpooled(chips.placements[member].memory, rate)
                found.append(deploy(hit, {**only, "*": None}, seed=seed))
            yield name, size, found

    how = {"metric": metric, "device": device, "batching": batching, "batch_size": batch_size}
    return _measured("layer", len(groups), alone(), asked, model, dataset, how, seed, label, show_progress)


def by_plane(
    model: nn.Module,
    data: Any,
    scheme: str | Rules = "none",
    *,
    rates: float | Iterable[float] = 1e-3,
    planes: Sequence[int] | None = None,
    n_chips: int = 20,
    first_chip: int = 0,
    digital: Digital = None,
    metric: str | Metric | UserMetric = "accuracy",
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> FaultSensitivity:
    """Which bit planes do stuck cells hurt most? All cells of the others read as they were written.

    A stuck cell of plane b is wrong by 2^b steps, so that of n planes the top one has about 3/4 of the squared error.

    Args:
        model: as for :func:`mho.faults`.
        data: the same.
        scheme: name of a scheme, or a memory with stuck cells; weights are on :class:`mho.mapping.BitPlanes`.
        rates: stuck cells as a fraction of all.
        planes: numbers of planes, 0 the least significant; all if ``None``.
        n_chips: as for :func:`by_layer`, as are the rest.
        first_chip: number of the first chip.
        digital: what stays digital.
        metric: what is measured.
        confidence: of intervals.
        seed: of the chips.
        device: where to run.
        batching: how chips are batched.
        batch_size: samples a pass.
        label: of the model.
        show_progress: whether a bar may be drawn.

    Raises:
        SpecError: an argument is out of range; weights are on no planes.
    """
    asked = _Asked.of(scheme, rates, n_chips, first_chip, confidence, batch_size, digital, model)
    chips = deploy(model, rules_at_rate(asked.rules, asked.rates[0]), seed=seed)
    bits = _planes(chips)
    listed = list(range(bits))[::-1] if planes is None else list(dict.fromkeys(planes))
    for plane in listed:
        if isinstance(plane, bool) or not isinstance(plane, int) or not 0 <= plane < bits:
            raise SpecError(f"planes hold {plane!r}; the planes of this memory are numbered 0 to {bits - 1}")
    if not listed:
        raise SpecError("planes is empty; give one or more, or None for all")
    size = sum(_cells(chips, name) for name in chips.placements) // bits

    def alone() -> Iterator[tuple[str, int, list[Chips]]]:
        for plane in listed:
            only = _on_plane(asked.rules, plane)
            yield f"plane {plane}", size, [deploy(model, rules_at_rate(only, r), seed=seed) for r in asked.rates]

    how = {"metric": metric, "device": device, "batching": batching, "batch_size": batch_size}
    dataset = as_dataset(data)
    return _measured("plane", len(listed), alone(), asked, model, dataset, how, seed, label, show_progress)


@dataclass(frozen=True)
class _Asked:
    """A checked question."""

    rules: Rules
    rates: tuple[float, ...]
    numbers: range
    confidence: float

    @classmethod
    def of(
        cls,
        scheme: str | Rules,
        rates: float | Iterable[float],
        n_chips: int,
        first_chip: int,
        confidence: float,
        batch_size: int | None,
        digital: Digital,
        model: nn.Module,
    ) -> _Asked:
        check_counts(n_chips=n_chips, first_chip=first_chip, batch_size=batch_size)
        check_statistics((), confidence)
        memory = named(scheme) if isinstance(scheme, str) else scheme
        numbers = range(first_chip, first_chip + n_chips)
        return cls(placed(memory, digital, model), rates_of(rates), numbers, confidence)


def _measured(
    of: Literal["layer", "plane"],
    rows: int,
    alone: Iterator[tuple[str, int, list[Chips]]],
    asked: _Asked,
    model: nn.Module,
    dataset: Dataset,
    how: dict[str, Any],
    seed: int,
    label: str | None,
    show_progress: bool,
) -> FaultSensitivity:
    started, n = time.perf_counter(), len(asked.numbers)
    names, cells = [], []
    values = np.full((rows, len(asked.rates), n), np.nan)
    together = np.full((len(asked.rates), n), np.nan)
    with progress(f"{of}s: chips", (rows + 1) * len(asked.rates) * n, enabled=show_progress) as bar:

        def judged(chips: Chips) -> tuple[NDArray[np.float64], Lot]:
            lot = Bench(chips, dataset, **how).lot(None, 0.0, n)
            return lot.measure(asked.numbers, bar.advance)[0], lot

        for j, rate in enumerate(asked.rates):
            together[j], lot = judged(deploy(model, rules_at_rate(asked.rules, rate), seed=seed))
        baseline = lot.bench.ideal
        for i, (name, size, found) in enumerate(alone):
            bar.say(f"{name}: chips")
            names.append(name)
            cells.append(size)
            for j, chips in enumerate(found):
                values[i, j], _ = judged(chips)
    return FaultSensitivity(
        names=tuple(names),
        of=of,
        rates=asked.rates,
        values=values,
        together=together,
        baseline=baseline,
        cells=tuple(cells),
        memory=plain_of(asked.rules),
        metric=lot.bench.metric.name,
        images=len(dataset),
        higher_is_better=lot.bench.metric.higher_is_better,
        bounded=lot.bench.metric.bounded,
        confidence=asked.confidence,
        seed=seed,
        first_chip=asked.numbers.start,
        label=label or type(model).__name__,
        data=dataset.name,
        provenance=provenance.record(lot, seconds=time.perf_counter() - started),
    )


def _groups(chips: Chips, layers: Sequence[str] | None) -> dict[str, list[str]]:
    """Stored parameters by the layer, or the pattern, that names them.

    Raises:
        UnknownNameError: a name that no stored layer has.
        SpecError: the list is no list, or empty.
    """
    short = {name.removesuffix(".weight"): name for name in chips.placements}
    if layers is None:
        return {layer: [name] for layer, name in short.items()}
    if isinstance(layers, str) or not layers:
        raise SpecError(f"layers={layers!r} must be a list of layers or patterns, such as ('*.query', '*.fc1')")
    found = {pattern: [name for name in chips.placements if matches(pattern, name)] for pattern in layers}
    for pattern, members in found.items():
        if not members:
            raise unknown("stored layer", pattern, short)
    return found


def _unpooled(memory: Memory, rate: float) -> Memory:
    """``memory`` at ``rate`` for a layer that is stored by itself: there is no other whose columns it could use."""
    memory = at_rate(memory, rate) if stuck_of(memory.device) is not None else memory
    redundancy = memory.redundancy
    if redundancy is None or not redundancy.shared:
        return memory
    return memory.replace(redundancy=redundancy.replace(pools=()))


def _planes(chips: Chips) -> int:
    """How many planes the weights of ``chips`` are on.

    Raises:
        SpecError: none, or not all on as many.
    """
    from mho.mapping import BitPlanes

    found = set()
    for memory in chips.memories:
        if not isinstance(memory.mapping, BitPlanes):
            kind = type(memory.mapping).__name__
            raise SpecError(f"by_plane is of weights on mapping.BitPlanes; these are on {kind}")
        found.add(memory.mapping.bits)
    if len(found) > 1:
        raise SpecError(f"by_plane: layers are on {' and '.join(map(str, sorted(found)))} planes; take them one by one")
    return int(found.pop())


def _on_plane(rules: Rules, plane: int) -> Rules:
    """``rules`` with stuck cells in one plane only."""

    def one(memory: Memory) -> Memory:
        return memory.replace(mapping=memory.mapping.replace(faulty=(plane,)))

    if isinstance(rules, Memory):
        return one(rules)
    return {pattern: None if memory is None else one(memory) for pattern, memory in rules.items()}


def _cells(chips: Chips, name: str) -> int:
    return chips.model.get_parameter(name).numel() * chips.placements[name].memory.mapping.cells_per_weight
