"""HOW GOOD: Monte Carlo over chips, one draw per chip kept for the whole test set."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mho.errors import SpecError
from mho.evaluation import provenance
from mho.evaluation.arguments import ages_of, axis, check_counts, check_precision, check_statistics
from mho.evaluation.bench import Bench
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.evaluation.prepare import Dtype
from mho.evaluation.result import Result
from mho.evaluation.sequential import MOST_CHIPS, adaptively, chip_error, question
from mho.evaluation.writing import Writing
from mho.memory.deployment import Chips
from mho.progress import progress


def evaluate(
    chips: Chips,
    data: Any,
    *,
    n_chips: int | None = None,
    precision: float | Mapping[str, float] | None = None,
    first_chip: int = 0,
    sigma: float | Iterable[float] | None = None,
    age: float | Iterable[float] = 0.0,
    metric: str | Metric | UserMetric = "accuracy",
    percentiles: Sequence[float] | None = None,
    threshold: float | None = None,
    confidence: float = 0.95,
    images: int | None = None,
    device: torch.device | str | None = None,
    dtype: Dtype = "float32",
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> Result:
    """How good are the chips? Every chip is judged on the whole of ``data``, at every sigma and age.

    With ``precision`` chips and images are added until the intervals are that narrow, and no further: most chips are
    judged on a few images, each on its own, and only those that a percentile or a yield hangs on are judged on more
    (docs/decisions/0010). The same call gives the same numbers; every interval still covers with ``confidence``.

    Chip i has the same random numbers at every sigma and age (common random numbers), so populations can be compared
    pairwise, and chips 200..999 can be added later to chips 0..199.

    Args:
        chips: a deployed model (:func:`mho.deploy`).
        data: a :class:`mho.data.Dataset`, an ``(inputs, targets)`` pair, a torch data set or a DataLoader.
        n_chips: how many chips, 100 unless given; their cost in memory does not grow with it. With ``precision``, the
            most that may be made at a point, 100,000 unless given.
        precision: half-width wanted of every interval that is asked for (the mean's, each percentile's, the yield's),
            or of those named: ``{"mean": 0.002, "p1": 0.02, "yield": 0.01}``. Fractions, as the metric.
        first_chip: number of the first one.
        sigma: severities, fractions of the cell's full range; ``None`` keeps the device's own.
        age: one or several: seconds since programming, inferences where :attr:`mho.memory.Chips.clock` says so.
        metric: a name in :data:`mho.evaluation.METRICS`, a :class:`Metric`, or ``f(outputs, targets) -> number`` on
            the whole set.
        percentiles: k of the k-th percentile performances that tables show; (1, 5) unless given, with ``precision``
            those that it names.
        threshold: metric a chip must reach to count towards the yield.
        confidence: two-sided coverage of every interval, each by itself.
        images: with ``precision``, how many images a chip is judged on first; chosen by a pilot if ``None``.
        device: where to run; where the model is if ``None``.
        dtype: ``"bfloat16"`` runs forward passes under autocast; programming stays float32.
        batching: ``"vmap"`` evaluates chips in one batched call, ``"loop"`` one by one, ``"auto"`` what is faster on
            the device. The chips and their metrics are the same.
        batch_size: images per forward pass; chosen from the size of the activations if ``None``.
        label: what tables call the result; the device's name if ``None``.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Returns:
        A :class:`Result` with axes (sigma, age, chip).

    Raises:
        DataError: no data, or labels outside the model's classes.
        ModelError: the model does not take such inputs.
        SpecError: an argument is out of range.
    """
    sigmas = axis("sigma", sigma, lambda s: 0 <= s < math.inf, "zero or more (a fraction: 0.1, not 10 %)")
    ages = ages_of(age, getattr(chips, "clock", "s"))  # what are no chips the bench refuses
    check_counts(n_chips=n_chips, first_chip=first_chip, batch_size=batch_size, images=images)
    check_statistics(() if percentiles is None else percentiles, confidence)
    if precision is None and images is not None:
        raise SpecError("images= is the first look of an adaptive evaluation; give precision= too")
    started = time.perf_counter()
    bench = Bench(chips, data, metric=metric, device=device, dtype=dtype, batching=batching, batch_size=batch_size)
    if threshold is not None and bench.metric.bounded and not 0 <= threshold <= 1:
        raise SpecError(f"threshold={threshold:g} must lie between 0 and 1; 95 % is written 0.95")
    label, screening = label or chips.label, None
    if precision is not None:
        shown, wanted = check_precision(precision, percentiles, threshold, bench.metric.bounded)
        asked = question(wanted, threshold, confidence, n_chips or MOST_CHIPS, images)
        with progress(f"{label}: populations", len(sigmas) * len(ages), enabled=show_progress) as bar:
            estimates, screening, lot = adaptively(
                bench, sigmas, ages, asked, error=chip_error(shown), first_chip=first_chip, bar=bar
            )
        values = estimates[None]
    else:
        shown = tuple(float(k) for k in ((1, 5) if percentiles is None else percentiles))
        n = n_chips or 100
        values = np.full((len(bench.metrics), len(sigmas), len(ages), n), np.nan)
        with progress(f"{label}: chips", n * len(sigmas) * len(ages), enabled=show_progress) as bar:
            for i, s in enumerate(sigmas):
                for j, a in enumerate(ages):
                    lot = bench.lot(s, a, n)
                    values[:, i, j] = lot.measure(range(first_chip, first_chip + n), bar.advance)
    return Result(
        values=values[0],
        ekl=values[1] if len(values) > 1 else None,
        sigma=tuple(sigmas),
        age=tuple(ages),
        clock=chips.clock,
        metric=bench.metric.name,
        bounded=bench.metric.bounded,
        ideal=bench.ideal,
        digital=bench.digital,
        images=len(bench.data),
        percentiles=shown,
        threshold=threshold,
        confidence=confidence,
        seed=chips.seed,
        first_chip=first_chip,
        label=label,
        data=bench.data.name,
        provenance=provenance.record(lot, seconds=time.perf_counter() - started),
        screening=screening,
        writing=Writing.of([bench.cost(s) for s in sigmas]),
    )
