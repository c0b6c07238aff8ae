"""The adaptive evaluation of one population: a pilot, a plan, a look when it is complete, more if needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mho.evaluation.betting import chips_needed
from mho.evaluation.boundaries import Looks
from mho.evaluation.cohort import Cohort
from mho.evaluation.quantities import Quantity
from mho.evaluation.spending import Spending

PILOT_CHIPS = 64
PILOT_IMAGES = 64
"""The pilot only says how far chips and images spread; 64 chips tell a variance to about 18 %."""
FEWEST_IMAGES = 16
GROWTH = 1.3
TYPICAL = 0.04
"""Error of an interval by which the cheapest number of images is reckoned; it hardly depends on it."""


@dataclass(frozen=True)
class Asked:
    """What is wanted of a population.

    Attributes:
        quantities: those that decide when to stop, by name.
        precision: the half-width wanted of each.
        confidence: two-sided coverage of every interval, each by itself.
        cap: most chips.
        images: images of a chip's first look; ``None`` decides by the pilot.
        fewest_images: never fewer, where the pilot decides.
    """

    quantities: Mapping[str, Quantity]
    precision: Mapping[str, float]
    confidence: float
    cap: int
    images: int | None = None
    fewest_images: int = FEWEST_IMAGES


def explore(cohort: Cohort, asked: Asked, chip_cost: float) -> Looks:
    """Judge chips and images until every precision is reached, or there are no more chips to make.

    A plan is made from what a pilot shows of the variances, revised half-way, and looked at when complete; beyond it
    chips grow by a third or more a look. The errors of all looks sum to ``1 - confidence``
    (:class:`mho.evaluation.spending.Spending`).

    Args:
        cohort: an empty one.
        asked: what for.
        chip_cost: what making a chip costs, in images.

    Returns:
        The looks, of which the last decided.
    """
    spending, looks = Spending(1 - asked.confidence), Looks()

    def settled(looks: Looks, *, last: bool) -> bool:
        enough = True
        for name, quantity in asked.quantities.items():
            wanted = asked.precision[name]
            if enough or last:
                quantity.settle(cohort, looks, wanted, last=last)
                enough = quantity.interval(cohort, looks).half_width <= wanted and enough
        return enough

    def plan(share: float) -> int:
        foreseen = looks.then(len(cohort), share)
        most = max(q.needed(cohort, foreseen, asked.precision[name]) for name, q in asked.quantities.items())
        return math.ceil(min(most, asked.cap))

    begin(cohort, asked, chip_cost)
    share, spending = spending.planned()
    complete = plan(share)
    # A percentile far out needs chips before anything can be foreseen of it, and plans from few chips are revised.
    while len(cohort) < complete / 2:
        cohort.grow(math.ceil(complete / 2))
        complete = plan(share)
    cohort.grow(complete)
    while True:
        capped = len(cohort) >= asked.cap
        if capped:
            rest, spending = spending.rest()
            share += rest
        looks = looks.then(len(cohort), share)
        if settled(looks, last=capped) or capped:
            return looks
        share, spending = spending.extension()
        cohort.grow(min(asked.cap, max(math.ceil(GROWTH * len(cohort)), plan(share))))


def begin(cohort: Cohort, asked: Asked, chip_cost: float) -> None:
    """The pilot, and with it the number of images of every chip's first look."""
    chips = min(PILOT_CHIPS, asked.cap)
    if not cohort.counted:
        cohort.grow(chips, cohort.images)
    elif asked.images is not None:
        cohort.grow(chips, min(asked.images, cohort.images))
    else:
        cohort.grow(chips, min(PILOT_IMAGES, cohort.images))
        cohort.grow(chips, best_images(cohort, chip_cost, asked.fewest_images, asked.precision.get("mean")))


def best_images(cohort: Cohort, chip_cost: float, fewest: int = FEWEST_IMAGES, precision: float | None = None) -> int:
    """Images a chip, a power of two or all, with which the mean is known at the least cost.

    n chips cost ``n (c + m)`` images and leave the variance ``sigma_b^2 + S^2 (1/m - 1/N)`` each [cochran1977] section
    10.6; n is what that variance and the precision take. Where few chips do not show that they differ, they are taken
    to differ by half the standard error of that.

    Args:
        cohort: the pilot.
        chip_cost: c.
        fewest: never fewer.
        precision: half-width wanted of the mean; the limit of a fine one if ``None``.
    """
    within, total = float(cohort.within.mean()), cohort.images
    resolved = float(cohort.y.var()) * math.sqrt(2 / max(1, len(cohort) - 1)) / 2
    between = max(cohort.between, resolved)

    def cost(m: int) -> float:
        variance = max(0.0, between + within * (1 / m - 1 / total))
        if precision is None or cohort.span is None:
            return variance * (chip_cost + m)
        return chips_needed(math.sqrt(variance), TYPICAL, precision, cohort.span) * (chip_cost + m)

    looks = [1 << i for i in range(total.bit_length()) if fewest <= 1 << i < total]
    return min([*looks, total], key=cost)
