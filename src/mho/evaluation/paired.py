"""Which of two deployments is better, and by how much: common chips, common images, paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from mho.devices.base import common_clock
from mho.errors import SpecError
from mho.evaluation.adaptive import FEWEST_IMAGES, PILOT_IMAGES, Asked, explore
from mho.evaluation.arguments import ages_of, axis, check_counts, check_precision, check_statistics
from mho.evaluation.bench import Bench
from mho.evaluation.boundaries import single
from mho.evaluation.cohort import Cohort
from mho.evaluation.comparison import Comparison
from mho.evaluation.cost import chip_cost
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.evaluation.prepare import Dtype
from mho.evaluation.quantities import Mean, PercentileDifference, Quantity
from mho.evaluation.sequential import MOST_CHIPS, chip_error
from mho.memory.deployment import Chips
from mho.units import Clock


def compare(
    a: Chips,
    b: Chips,
    data: Any,
    *,
    n_chips: int | None = None,
    precision: float | Mapping[str, float] | None = None,
    first_chip: int = 0,
    sigma: float | None = None,
    age: float = 0.0,
    metric: str | Metric | UserMetric = "accuracy",
    percentiles: Sequence[float] | None = None,
    confidence: float = 0.95,
    images: int | None = None,
    device: torch.device | str | None = None,
    dtype: Dtype = "float32",
    batching: Batching = "auto",
    batch_size: int | None = None,
) -> Comparison:
    """How much better is ``b`` than ``a``? Chip i of both has the same luck, and both see the same images.

    What the two have in common cancels in the difference of a chip, so its mean is known from far fewer chips than the
    two means are. Where one of the two can only be sampled cell by cell, both are: only then are their chips the same,
    number by number.

    Args:
        a: what ``b`` is compared with.
        b: a deployment of the same seed; the model, the mapping, the device or the rules may differ.
        data: as :func:`mho.evaluate`, for both.
        n_chips: how many chips, 100 unless given; with ``precision`` the most, 100,000 unless given.
        precision: half-width wanted of the mean difference and of the difference of every percentile asked for, or of
            those named, ``{"mean": 0.002}``; ``None`` judges all chips on all images.
        first_chip: number of the first chip.
        sigma: severity of both; their own if ``None``.
        age: of both, seconds since programming, or inferences; see :func:`mho.evaluate`.
        metric: as :func:`mho.evaluate`.
        percentiles: differences of percentiles to print; none unless given.
        confidence: two-sided coverage of every interval, each by itself.
        images: with ``precision``, images of a chip's first look; chosen by a pilot if ``None``.
        device: as :func:`mho.evaluate`, as are the rest.
        dtype: of forward passes.
        batching: how chips are batched.
        batch_size: images per forward pass.

    Raises:
        SpecError: two seeds, or an argument out of range.
    """
    for name, chips in (("a", a), ("b", b)):
        if not isinstance(chips, Chips):
            raise SpecError(f"compare takes chips; {name} is a {type(chips).__name__}: call mho.deploy first")
    if a.seed != b.seed:
        raise SpecError(f"a has seed {a.seed} and b seed {b.seed}; deploy both with one seed, so that chips pair")
    sigmas = axis("sigma", sigma, lambda x: 0 <= x < math.inf, "zero or more (a fraction: 0.1, not 10 %)")
    clock = _clock(a, b, age)
    aged = ages_of(age, clock)
    if len(sigmas) > 1 or len(aged) > 1:
        raise SpecError("compare takes one sigma and one age; call it for each")
    s, t = sigmas[0], aged[0]
    check_counts(n_chips=n_chips, first_chip=first_chip, images=images, batch_size=batch_size)
    check_statistics(() if percentiles is None else percentiles, confidence)
    if precision is None and images is not None:
        raise SpecError("images= is the first look of an adaptive comparison; give precision= too")

    def benches(by_cell: bool) -> list[Bench]:
        return [
            Bench(
                chips,
                data,
                metric=metric,
                device=device,
                dtype=dtype,
                batching=batching,
                batch_size=batch_size,
                by_cell=by_cell,
            )
            for chips in (a, b)
        ]

    most = n_chips or (100 if precision is None else MOST_CHIPS)
    pair = benches(False)
    lots = [bench.lot(s, t, min(most, 4096)) for bench in pair]
    if lots[0].by_cell != lots[1].by_cell:
        pair = benches(True)
        lots = [bench.lot(s, t, min(most, 4096)) for bench in pair]
    counted, total = pair[0].counts_hits, len(pair[0].data)
    shown = () if percentiles is None else tuple(float(k) for k in percentiles)
    wanted: dict[str, float] = {}
    if precision is not None:
        shown, wanted = check_precision(precision, percentiles, None, pair[0].metric.bounded)
    cohort = Cohort(
        lots,
        seed=a.seed,
        images=total,
        error=chip_error(shown) if wanted and counted else 0.0,
        first_chip=first_chip,
        counted=counted,
        span=(-2.0, 2.0) if pair[0].metric.bounded else None,
    )
    if wanted:
        quantities: dict[str, Quantity] = {
            name: Mean() if name == "mean" else PercentileDifference(float(name[1:])) for name in wanted
        }
        fewest = FEWEST_IMAGES if set(wanted) == {"mean"} else PILOT_IMAGES
        cost = sum(map(chip_cost, lots)) / 2 if counted else 0.0
        looks = explore(cohort, Asked(quantities, wanted, confidence, most, images, fewest), cost)
    else:
        cohort.grow(most, total)
        looks = single(most, 1 - confidence)
    return Comparison(
        differences=cohort.y,
        low=cohort.low,
        high=cohort.high,
        values=cohort.values,
        images=cohort.seen,
        look=cohort.m,
        total=total,
        looks=looks,
        # A fixed number of chips has Student's interval, as evaluate gives.
        span=cohort.span if wanted else None,
        chip_error=cohort.error,
        spent=cohort.spent,
        labels=_labels(a, b),
        metric=pair[0].metric.name,
        bounded=pair[0].metric.bounded,
        percentiles=shown,
        confidence=confidence,
        seed=a.seed,
        first_chip=first_chip,
        precision=wanted,
        age=t,
        clock=clock,
    )


def _clock(a: Chips, b: Chips, age: float) -> Clock:
    """What ``age`` counts of both. Just programmed, they need not agree on that."""
    devices = [memory.device for chips in (a, b) for memory in chips.memories]
    if age == 0 and a.clock != b.clock:
        return "s"
    return common_clock(devices, "a and b", "compare them just programmed (age=0)") or "s"


def _labels(a: Chips, b: Chips) -> tuple[str, str]:
    return (a.label, b.label) if a.label != b.label else (f"{a.label} (a)", f"{b.label} (b)")
