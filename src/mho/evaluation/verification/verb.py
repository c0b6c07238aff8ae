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

from mho.data.adapters import as_dataset
from mho.errors import SpecError, unknown
from mho.evaluation import provenance
from mho.evaluation.arguments import axis, check_counts, check_statistics, single
from mho.evaluation.bench import Bench, Lot
from mho.evaluation.metrics import Metric, UserMetric, better
from mho.evaluation.plan import Batching
from mho.evaluation.prepare import Dtype
from mho.evaluation.verification.curvatures import Curvatures, cited
from mho.evaluation.verification.layers import Halves
from mho.evaluation.verification.loop import Loop
from mho.evaluation.verification.points import Curve, Mask
from mho.evaluation.verification.result import Verification
from mho.memory import Memory, deploy
from mho.memory.rules import Rules, normalise
from mho.memory.selection import Curvature
from mho.programming import RANKINGS, Selective, WriteVerify
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
    by chip: verify the next ``increment`` of the weights until the loss on the calibration data is small enough. Test
    data decide nothing.

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
        age: seconds since programming.
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
    wanted = _fractions(fractions)
    (severity,) = single("sigma", sigma, lambda s: 0 <= s < math.inf, "zero or more (a fraction: 0.1, not 10 %)")
    (oldness,) = single("age", age, lambda a: 0 <= a < math.inf, "zero or more seconds, and finite")
    if calibration is not None and calibration is data:
        raise SpecError("calibration is the test data, on which nothing may be chosen; give training data")
    rules, asked = _verified(normalise(memory))
    names = _names(rankings, asked)
    drop = asked.target_drop if target_drop is None else target_drop
    schemes = [asked.replace(ranking=name, fraction=1.0, target_drop=None) for name in names]
    samples = None if calibration is None else as_dataset(calibration)
    if drop is not None:
        asked.replace(fraction=None, target_drop=drop)  # refuses what is out of range
        if samples is None:
            raise SpecError("target_drop is judged on calibration data, never on test data; give calibration=")
    chips = deploy(model, rules, seed=seed)
    given = Curvatures.sorted(sensitivity)
    for scheme in schemes:
        given.check(scheme, samples)
    bench = Bench(
        chips, data, metric=metric, device=device, dtype=dtype, batching=batching, batch_size=batch_size, by_cell=True
    )
    if drop is not None and not bench.metric.bounded:
        raise SpecError(f"target_drop is a drop of a fraction such as accuracy; {bench.metric.name} is none")
    lot = bench.lot(severity, oldness or 0.0, 1)
    with torch.inference_mode():
        programmed = bench.chips.programmed(sigma=severity, age=oldness or 0.0, by_cell=True)
    found = [given.of(s, bench.chips, samples) for s in schemes]
    curves = [Curve.of(s, bench.chips, programmed, h) for s, h in zip(schemes, found, strict=True)]
    masks = [curve.masks(wanted) for curve in curves]
    loop = None
    if drop is not None:
        held_out = Bench(
            chips, samples, metric=metric, device=device, dtype=dtype, batching=batching, batch_size=batch_size,
            by_cell=True,
        )  # fmt: skip
        loop = Loop.of(curves, held_out.lot(severity, oldness or 0.0, 1), increment=asked.increment, drop=drop)
    values = np.full((len(names), len(wanted), n_chips), np.nan)
    stopped = np.full((n_chips, len(names), 3), np.nan)
    with progress(f"{label or chips.label}: chips", n_chips, enabled=show_progress) as bar:
        for c in range(n_chips):
            with torch.inference_mode():
                halves = Halves.of(lot, first_chip + c, by_cell=asked.unit == "cell")
                values[:, :, c] = _judged(masks, wanted, halves, lot)
                if loop is not None:
                    stopped[c] = loop.run(halves, lot)
            bar.advance(1)
    return Verification(
        rankings=tuple(names),
        fractions=tuple(wanted),
        values=values,
        **_costs(curves, masks),
        target_drop=drop,
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
        higher_is_better=better(metric, bench.metric, None),
        unit=asked.unit,
        sigma=severity,
        age=oldness or 0.0,
        memory=chips.to_yaml(),
        seed=seed,
        first_chip=first_chip,
        references=tuple(dict.fromkeys([*chips.references, *Selective.references, *cited(found)])),
        provenance=provenance.record(lot, seconds=time.perf_counter() - started),
    )


def _fractions(fractions: float | Iterable[float]) -> list[float]:
    listed = axis("fractions", fractions, lambda f: 0 <= f <= 1, "a number from 0 to 1; 10 % is 0.1")
    wanted = [f for f in listed if f is not None]
    if sorted(wanted) != wanted:
        raise SpecError(f"fractions={tuple(wanted)!r} must rise")
    return wanted


def _names(rankings: str | Sequence[str] | None, asked: Selective) -> list[str]:
    if rankings is None:
        others = ("random",) if asked.unit == "cell" else ("magnitude", "random")
        return list(dict.fromkeys((asked.ranking, *others)))
    names = [rankings] if isinstance(rankings, str) else list(rankings)
    for name in names:
        if name not in RANKINGS:
            raise unknown("ranking", name, RANKINGS)
        asked.replace(ranking=name)  # refuses what cannot tell cells apart
    if not names or len(set(names)) < len(names):
        raise SpecError(f"rankings={tuple(names)!r} must be one or more different names")
    return names


def _verified(rules: dict[str, Memory | None]) -> tuple[dict[str, Memory | None], Selective]:
    """The rules with everything verified, and the selection that one of them asks for."""
    asked, out = None, {}
    for pattern, memory in rules.items():
        scheme = None if memory is None else memory.programming
        if isinstance(scheme, Selective):
            if asked is not None and asked != scheme:
                raise SpecError("verify takes one Selective for the whole model; these rules hold two")
            asked, scheme = scheme, scheme.verify
        elif scheme is not None and not isinstance(scheme, WriteVerify):
            raise SpecError(
                f"rule '{pattern}' writes with {type(scheme).__name__}, which does not verify; give the memory "
                "programming=WriteVerify(tolerance=0.06), or keep the layer digital with None"
            )
        out[pattern] = None if memory is None or scheme is None else memory.replace(programming=scheme)
    return out, asked or Selective(fraction=1.0)


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
