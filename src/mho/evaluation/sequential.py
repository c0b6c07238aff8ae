"""An adaptive evaluation of deployed chips, population by population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.adaptive import FEWEST_IMAGES, PILOT_IMAGES, Asked, explore
from mho.evaluation.bench import Bench, Lot
from mho.evaluation.cohort import Cohort
from mho.evaluation.cost import chip_cost
from mho.evaluation.quantities import Mean, Percentile, Quantity, Yield
from mho.evaluation.sampled import Screening
from mho.progress import Bar

MOST_CHIPS = 100_000
CHIP_ERROR = 2e-4
"""Of a chip's bounds where no percentile says less; at 3.5 sigma they are wide enough never to matter in the ranks."""
SHARE = 50
"""A k-th percentile's chips are misjudged less than k/50 of the time: two ranks in a hundred."""


def chip_error(percentiles: Sequence[float]) -> float:
    """How often a chip's bound may be wrong, a side, for these percentiles."""
    return min([CHIP_ERROR, *(min(k, 100 - k) / 100 / SHARE for k in percentiles)])


def question(
    precision: Mapping[str, float], threshold: float | None, confidence: float, cap: int, images: int | None
) -> Asked:
    """What the names in ``precision`` ask of a population."""
    quantities: dict[str, Quantity] = {}
    for name in precision:
        if name == "mean":
            quantities[name] = Mean()
        elif name == "yield":
            assert threshold is not None
            quantities[name] = Yield(threshold)
        else:
            quantities[name] = Percentile(float(name[1:]))
    # Bounds from fewer images than this say next to nothing about a chip.
    fewest = FEWEST_IMAGES if set(precision) == {"mean"} else PILOT_IMAGES
    return Asked(quantities, precision, confidence, cap, images, fewest)


def adaptively(
    bench: Bench,
    sigmas: Sequence[float | None],
    ages: Sequence[float],
    asked: Asked,
    *,
    error: float,
    first_chip: int,
    bar: Bar,
) -> tuple[NDArray[np.float64], Screening, Lot]:
    """``(sigma, age, chip)`` best estimates, how far they are known, and the last lot."""
    counted, total = bench.counts_hits, len(bench.data)
    cohorts: list[Cohort] = []
    looks = []
    for s in sigmas:
        for a in ages:
            lot = bench.lot(s, a, min(asked.cap, 4096))
            cohort = Cohort(
                [lot],
                seed=bench.chips.seed,
                images=total,
                error=error if counted else 0.0,
                first_chip=first_chip,
                counted=counted,
                span=(-1.0, 1.0) if bench.metric.bounded else None,
            )
            looks.append(explore(cohort, asked, chip_cost(lot) if counted else 0.0))
            cohorts.append(cohort)
            bar.advance()
    chips, shape = max(map(len, cohorts)), (len(sigmas), len(ages))

    def padded(rows: list[NDArray[Any]], fill: float, dtype: type) -> NDArray[Any]:
        out: NDArray[Any] = np.full((len(rows), chips), fill, dtype)
        for line, row in zip(out, rows, strict=True):
            line[: len(row)] = row
        return out.reshape(*shape, chips)

    screening = Screening(
        first=padded([c.y for c in cohorts], np.nan, np.float64),
        low=padded([c.low[0] for c in cohorts], np.nan, np.float64),
        high=padded([c.high[0] for c in cohorts], np.nan, np.float64),
        images=padded([c.seen[0] for c in cohorts], 0, np.int64),
        look=np.array([c.m for c in cohorts]).reshape(shape),
        looks=tuple(tuple(looks[i * len(ages) : (i + 1) * len(ages)]) for i in range(len(sigmas))),
        chip_error=cohorts[0].error,
        counted=counted,
        span=cohorts[0].span,
        precision=dict(asked.precision),
        cap=asked.cap,
        look_asked=asked.images,
        spent=sum(c.spent for c in cohorts),
    )
    return padded([c.values[0] for c in cohorts], np.nan, np.float64), screening, lot
