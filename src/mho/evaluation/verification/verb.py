"""``mho.verify``: accuracy against write cycles, for several orders in which weights are verified."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mho.errors import SpecError
from mho.evaluation import provenance
from mho.evaluation.arguments import age_of, check_counts, check_statistics, single
from mho.evaluation.bench import Bench, Lot
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.evaluation.prepare import Dtype
from mho.evaluation.verification.curvatures import Curvatures, cited
from mho.evaluation.verification.layers import Halves
from mho.evaluation.verification.loop import Loop
from mho.evaluation.verification.points import Curve, Mask
from mho.evaluation.verification.question import question
from mho.evaluation.verification.result import Verification
from mho.memory import deploy
from mho.memory.rules import Rules
from mho.memory.selection import Curvature
from mho.programming import Selective
from mho.progress import progress

FRACTIONS = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Of the weights that are verified, unless others are asked for."""


def verify(
    model: nn.Module,
    memory: Rules,
    data: Any,
    *,
    calibration: Any = None,
    rankings: str | Sequence[str] | None = None,
    fractions: float | Iterable[float] = FRACTIONS,
    target_drop: float | None = None,
    sensitivity: Curvature | Mapping[str, Curvature] | None = None,
    n_chips: int = 100,
    first_chip: int = 0,
    seed: int = 0,
    sigma: float | None = None,
    age: float = 0.0,
    metric: str | Metric | UserMetric = "accuracy",
    confidence: float = 0.95,
    device: torch.device | str | None = None,
    dtype: Dtype = "float32",
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> Verification:
    """How few weights need to be verified? The metric of chips against write cycles, for every ranking.

    Every chip is written once without and once with verification; each selection takes its cells from the two, so
    that all rankings and fractions see the same chips. With ``target_drop`` the loop of [yan2022swim] also runs, chip
    by chip: verify the next ``increment`` of the weights until the metric on the calibration data is within the drop of
    the digital network's. Test data decide nothing.

    Args:
        model: as :func:`mho.deploy`.
        memory: one memory, or name patterns to memories, with ``programming=WriteVerify(...)`` or
            ``Selective(...)``: how weights are verified, and what is selected (weights or cells).
        data: test data.
        calibration: data that sensitivities and the loop take: training data, or some held out; never ``data``.
        rankings: names of :data:`mho.programming.RANKINGS`; that of a ``Selective`` and chance, unless given, and
            magnitude where whole weights are selected.
        fractions: of the weights (or cells) that are verified, each between 0 and 1; a ``Selective``'s own does not
            count.
        target_drop: see above; that of a ``Selective`` unless given. Only for metrics that are fractions.
        sensitivity: what :func:`mho.sensitivity` found, or one of each method by its name; computed on ``calibration``
            if ``None``.
        n_chips: how many chips.
        first_chip: number of the first one.
        seed: decides every chip.
        sigma: severity; the device's own if ``None``.
        age: seconds since programming, or inferences; see :func:`mho.evaluate`.
        metric: as :func:`mho.evaluate`.
        confidence: two-sided coverage of every interval.
        device: as :func:`mho.evaluate`.
        dtype: likewise.
        batching: likewise.
        batch_size: likewise.
        label: what tables call the result; the device's name if ``None``.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        SpecError: an argument is out of range, the memory does not verify, or data are missing that a ranking needs.
        DataError, ModelError: as :func:`mho.evaluate`.
    """
    started = time.perf_counter()
    if not isinstance(model, nn.Module):
        raise SpecError(f"verify takes a model and a memory, not a {type(model).__name__}; it makes the chips itself")
    check_counts(n_chips=n_chips, first_chip=first_chip, batch_size=batch_size)
    check_statistics((), confidence)
    (severity,) = single("sigma", sigma, lambda s: 0 <= s < math.inf, "zero or more (a fraction: 0.1, not 10 %)")
    asked = question(memory, rankings, fractions, target_drop, calibration, data)
    chips = deploy(model, asked.rules, seed=seed)
    if chips.slips:
        raise SpecError(
            "verify writes cells until they are right; bits of racetracks slip when they are read: "
            "mho.racetrack.protect says which layers to guard"
        )
    guarded = next((m.redundancy for m in chips.memories if m.redundancy is not None), None)
    if guarded is not None:
        raise SpecError(
            f"verify: memory= has redundancy={type(guarded).__name__}, which decides what cells are read as, so that "
            "there is no weight to verify cell by cell; leave redundancy= out of it"
        )
    oldness = age_of(age, chips.clock)
    given = Curvatures.sorted(sensitivity)
    for scheme in asked.schemes:
        given.check(scheme, asked.samples)
    bench = Bench(
        chips, data, metric=metric, device=device, dtype=dtype, batching=batching, batch_size=batch_size, by_cell=True
    )
    if asked.drop is not None and not bench.metric.bounded:
        raise SpecError(f"target_drop is a drop of a fraction such as accuracy; {bench.metric.name} is none")
    lot = bench.lot(severity, oldness, 1)
    with torch.inference_mode():
        programmed = bench.chips.programmed(sigma=severity, age=oldness, by_cell=True)
    found = [given.of(s, bench.chips, asked.samples) for s in asked.schemes]
    curves = [Curve.of(s, bench.chips, programmed, h) for s, h in zip(asked.schemes, found, strict=True)]
    masks = [curve.masks(asked.fractions) for curve in curves]
    loop = None
    if asked.drop is not None:
        held_out = Bench(
            chips, asked.samples, metric=metric, device=device, dtype=dtype, batching=batching, batch_size=batch_size,
            by_cell=True,
        )  # fmt: skip
        on_samples = held_out.lot(severity, oldness, 1)
        loop = Loop.of(curves, on_samples, increment=asked.increment, drop=asked.drop)
    values = np.full((len(curves), len(asked.fractions), n_chips), np.nan)
    stopped = np.full((n_chips, len(curves), 3), np.nan)
    with progress(f"{label or chips.label}: chips", n_chips, enabled=show_progress) as bar:
        for c in range(n_chips):
            with torch.inference_mode():
                halves = Halves.of(lot, first_chip + c, by_cell=asked.unit == "cell")
                values[:, :, c] = _judged(masks, asked.fractions, halves, lot)
                if loop is not None:
                    stopped[c] = loop.run(halves, lot)
            bar.advance(1)
    return Verification(
        rankings=asked.rankings,
        fractions=asked.fractions,
        values=values,
        **_costs(curves, masks),
        target_drop=asked.drop,
        needed=None if loop is None else stopped[:, :, 0].T,
        needed_nwc=None if loop is None else stopped[:, :, 1].T,
        reached=None if loop is None else stopped[:, :, 2].T,
        digital=bench.digital,
        ideal=bench.ideal,
        metric=bench.metric.name,
        bounded=bench.metric.bounded,
        confidence=confidence,
        label=label or chips.label,
        data=bench.data.name,
        images=len(bench.data),
        calibration="" if loop is None else loop.lot.bench.data.name,
        calibration_images=0 if loop is None else len(loop.lot.bench.data),
        sensitivity=given.source,
        higher_is_better=bench.metric.higher_is_better,
        unit=asked.unit,
        sigma=severity,
        age=oldness,
        clock=chips.clock,
        memory=chips.to_yaml(),
        seed=seed,
        first_chip=first_chip,
        references=tuple(dict.fromkeys([*chips.references, *Selective.references, *cited(found)])),
        provenance=provenance.record(lot, seconds=time.perf_counter() - started),
    )


def _judged(
    masks: Sequence[Sequence[Mask]], fractions: Sequence[float], halves: Halves, lot: Lot
) -> NDArray[np.float64]:
    """``(ranking, fraction)`` metric of one chip; nothing and everything verified are the same for all rankings."""
    out = np.empty((len(masks), len(fractions)))
    for j, fraction in enumerate(fractions):
        for i, row in enumerate(masks):
            same = i > 0 and fraction in (0, 1)
            out[i, j] = out[0, j] if same else lot.judge(halves.weights(row[j]))[0, 0]
    return out


def _costs(curves: Sequence[Curve], masks: Sequence[Sequence[Mask]]) -> dict[str, Any]:
    found = [[curve.cost(mask) for mask in row] for curve, row in zip(curves, masks, strict=True)]
    named = {"nwc": "nwc", "nwc_with_first_write": "nwc_with_first_write", "cycles": "cycles", "failures": "failed"}
    out: dict[str, Any] = {to: np.array([[getattr(c, of) for c in row] for row in found]) for to, of in named.items()}
    for name in ("seconds", "joules"):
        known = [[getattr(c, name) for c in row] for row in found]
        out[name] = None if known[0][0] is None else np.array(known)
    return out | {"cells": found[0][0].cells}
