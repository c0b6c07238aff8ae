"""WHICH LAYERS MATTER: one layer ages at a time, over the expected faults of its nanowires."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mho.evaluation import provenance
from mho.evaluation.arguments import check_counts, check_statistics
from mho.evaluation.bench import Bench
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.memory import Chips, deploy
from mho.memory.rules import Rules
from mho.progress import progress
from mho.racetrack.curves import Curves
from mho.racetrack.exposure import ages, check_exposures, check_shared, exposure_of
from mho.racetrack.selections import check_layers
from mho.racetrack.selections import layers as on_nanowires
from mho.racetrack.splitting import tail, traced


def sensitivity(
    model: nn.Module,
    data: Any,
    memory: Rules,
    *,
    exposures: Sequence[float] | None = None,
    layers: Sequence[str] | None = None,
    n_chips: int = 5,
    first_chip: int = 0,
    metric: str | Metric | UserMetric = "accuracy",
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    batching: Batching = "auto",
    batch_size: int | None = None,
    show_progress: bool = True,
) -> Curves:
    """Which layers matter? The metric of every chip when one layer alone ages, at several exposures.

    All other layers read what was written. The model is cut in front of the layer where its forward pass can be
    followed: what comes before is computed once. Where it cannot, the whole is run again for every chip; the numbers
    are the same to rounding.

    Args:
        model: any module that :func:`mho.deploy` can put on tracks.
        data: as for :func:`mho.evaluate`.
        memory: a racetrack memory, or name rules; all layers on tracks share one.
        exposures: expected faults of a nanowire, ``passes x shifts x rate``. Each layer is read at the whole number of
            inferences that comes closest; its true exposure is returned.
        layers: those to vary; all that are on tracks if ``None``.
        n_chips: chips at every point, the same ones.
        first_chip: number of the first one.
        metric: as for :func:`mho.evaluate`.
        confidence: two-sided coverage of every interval.
        seed: decides every chip, as in :func:`mho.deploy`.
        device: where to run; where the model is if ``None``.
        batching: as for :func:`mho.evaluate`.
        batch_size: the same.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        UnknownNameError, ModelError: a layer that is not in the model, or not on tracks.
        SpecError: an argument is out of range; the memory is no racetrack.
    """
    wanted = check_exposures(exposures)
    check_counts(n_chips=n_chips, first_chip=first_chip, batch_size=batch_size)
    check_statistics((), confidence)
    started = time.perf_counter()
    chips = deploy(model, memory, seed=seed)
    known = on_nanowires(chips)
    shared = check_shared(chips, known)
    names = tuple(known) if layers is None else check_layers(layers, chips)
    how: dict[str, Any] = {"metric": metric, "device": device, "batching": batching, "batch_size": batch_size}
    bench = Bench(chips, data, **how)
    written = bench.chips.ideal()
    graph = traced(written)
    batch = batch_size or bench.lot(None, 0.0, 1).plan.images
    shape = (len(names), len(wanted))
    exposure, inferences = np.zeros(shape), np.zeros(shape, np.int64)
    values, shapes, cut = np.empty((*shape, n_chips)), [], 0
    numbers = range(first_chip, first_chip + n_chips)
    with progress("layers: chips", len(names) * len(wanted) * n_chips, enabled=show_progress) as bar:
        for i, layer in enumerate(names):
            name = known[layer]
            placement = chips.placements[name]
            shapes.append(_channels_first(chips, name))
            each = exposure_of(shared, shapes[-1])
            inferences[i] = ages(wanted, each)
            exposure[i] = inferences[i] * each
            rest = tail(written, graph, name, bench.data, batch)
            cut += rest.cut
            only = replace(bench.chips, model=rest.model, placements={name: placement}, sensitivity=None)
            with _restored(rest.model, bench.chips.model, name):
                values[i] = _measured(Bench(only, rest.data, **how), inferences[i], numbers, bench.ideal)
            bar.advance(len(wanted) * n_chips)
    return Curves(
        layers=names,
        exposure=exposure,
        inferences=inferences,
        values=values,
        baseline=bench.ideal,
        shapes=tuple(shapes),
        memory=shared,
        metric=bench.metric.name,
        images=len(bench.data),
        higher_is_better=bench.metric.higher_is_better,
        bounded=bench.metric.bounded,
        confidence=confidence,
        seed=seed,
        first_chip=first_chip,
        label=shared.label,
        data=bench.data.name,
        provenance=provenance.record(bench.lot(None, 0.0, 1), seconds=time.perf_counter() - started)
        | {"layers_cut": cut},
    )


def _measured(bench: Bench, inferences: NDArray[np.int64], chips: range, baseline: float) -> NDArray[np.float64]:
    """``(points, chips)``; a point that comes twice is measured once, and nothing has happened at age 0."""
    found = {0: np.full(len(chips), baseline)}
    for age in inferences.tolist():
        if age not in found:
            found[age] = bench.lot(None, float(age), len(chips)).measure(chips)[0]
    return np.stack([found[age] for age in inferences.tolist()])


def _channels_first(chips: Chips, name: str) -> tuple[int, ...]:
    weight = chips.model.get_parameter(name)
    return tuple(weight.movedim(chips.placements[name].layer.channel_dim, 0).shape)


@contextmanager
def _restored(model: nn.Module, original: nn.Module, name: str) -> Iterator[None]:
    """``model`` with one weight as it was before it was quantised: what is written to cells is made from that."""
    parameter = model.get_parameter(name)
    quantised = parameter.detach().clone()
    with torch.no_grad():
        parameter.copy_(original.get_parameter(name))
    try:
        yield
    finally:
        with torch.no_grad():
            parameter.copy_(quantised)
