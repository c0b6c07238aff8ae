"""HOW GOOD: Monte Carlo over chips, one draw per chip kept for the whole test set."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from mho.errors import SpecError
from mho.evaluation import provenance
from mho.evaluation.arguments import axis, check_counts, check_statistics
from mho.evaluation.bench import Bench
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.evaluation.prepare import Dtype
from mho.evaluation.result import Result
from mho.memory.deployment import Chips
from mho.progress import progress


def evaluate(
    chips: Chips,
    data: Any,
    *,
    n_chips: int = 100,
    first_chip: int = 0,
    sigma: float | Iterable[float] | None = None,
    age: float | Iterable[float] = 0.0,
    metric: str | Metric | UserMetric = "accuracy",
    percentiles: Sequence[float] = (1, 5),
    threshold: float | None = None,
    confidence: float = 0.95,
    device: torch.device | str | None = None,
    dtype: Dtype = "float32",
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> Result:
    """How good are the chips? Every chip is judged on the whole of ``data``, at every sigma and age.

    Chip i has the same random numbers at every sigma and age (common random numbers), so populations can be compared
    pairwise, and chips 200..999 can be added later to chips 0..199.

    Args:
        chips: a deployed model (:func:`mho.deploy`).
        data: a :class:`mho.data.Dataset`, an ``(inputs, targets)`` pair, a torch data set or a DataLoader.
        n_chips: how many chips; their cost in memory does not grow with it.
        first_chip: number of the first one.
        sigma: severities, fractions of the cell's full range; ``None`` keeps the device's own.
        age: seconds since programming, one or several.
        metric: a name in :data:`mho.evaluation.METRICS`, a :class:`Metric`, or ``f(outputs, targets) -> number`` on
            the whole set.
        percentiles: k of the k-th percentile performances that tables show.
        threshold: metric a chip must reach to count towards the yield.
        confidence: two-sided coverage of every interval.
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
    ages = [a or 0.0 for a in axis("age", age, lambda a: 0 <= a < math.inf, "zero or more seconds, and finite")]
    check_counts(n_chips, first_chip, batch_size)
    check_statistics(percentiles, confidence)
    started = time.perf_counter()
    bench = Bench(chips, data, metric=metric, device=device, dtype=dtype, batching=batching, batch_size=batch_size)
    if threshold is not None and bench.metric.bounded and not 0 <= threshold <= 1:
        raise SpecError(f"threshold={threshold:g} must lie between 0 and 1; 95 % is written 0.95")
    label = label or chips.label
    values = np.full((len(bench.metrics), len(sigmas), len(ages), n_chips), np.nan)
    with progress(f"{label}: chips", n_chips * len(sigmas) * len(ages), enabled=show_progress) as bar:
        for i, s in enumerate(sigmas):
            for j, a in enumerate(ages):
                lot = bench.lot(s, a, n_chips)
                values[:, i, j] = lot.measure(range(first_chip, first_chip + n_chips), bar.advance)
    return Result(
        values=values[0],
        ekl=values[1] if len(bench.metrics) > 1 else None,
        sigma=tuple(sigmas),
        age=tuple(ages),
        metric=bench.metric.name,
        bounded=bench.metric.bounded,
        ideal=bench.ideal,
        digital=bench.digital,
        images=len(bench.data),
        percentiles=tuple(float(k) for k in percentiles),
        threshold=threshold,
        confidence=confidence,
        seed=chips.seed,
        first_chip=first_chip,
        label=label,
        data=bench.data.name,
        provenance=provenance.record(lot, seconds=time.perf_counter() - started),
    )
