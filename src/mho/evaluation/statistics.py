"""Intervals that say what n chips can and cannot tell. All are over chips, for the given test set."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its confidence limits; a limit is ``nan`` where the sample cannot give one."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width, ``nan`` where a limit is missing."""
        return (self.high - self.low) / 2


def mean_interval(values: Values, confidence: float = 0.95) -> Interval:
    """Mean over chips with its Student-t interval.

    Args:
        values: ``(chips,)`` metric of each chip; ``nan`` marks a chip without a value and is left out.
        confidence: two-sided coverage.
    """
    from scipy.stats import t

    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(values.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan)
    half = float(t.ppf((1 + confidence) / 2, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def percentile_interval(values: Values, k: float, confidence: float = 0.95) -> Interval:
    """k-th percentile over chips (KPP) with its distribution-free order-statistic interval.

    The number of chips below the true percentile is Binomial(n, k/100), so the limits are two order statistics,
    whatever the distribution. Each side is given half the error; where n is too small for a side (n = 300 and k = 1
    have no lower limit) that limit is ``nan`` rather than the smallest chip seen.

    Args:
        values: ``(chips,)``.
        k: percentile in (0, 100); ``1`` is the papers' unlucky chip.
        confidence: two-sided coverage.
    """
    ordered = np.sort(values)
    n, p = len(ordered), k / 100
    low_rank, high_rank = percentile_ranks(n, p, p, (1 - confidence) / 2)
    low = float(ordered[low_rank - 1]) if low_rank >= 1 else math.nan
    high = float(ordered[high_rank - 1]) if high_rank <= n else math.nan
    return Interval(float(np.percentile(ordered, k)), low, high)


def percentile_ranks(n: int, p_low: float, p_high: float, tail: float) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics that are confidence limits: 0 or n + 1 where no chip can be one.

    Args:
        n: chips.
        p_low: probability, at least, that a chip lies at or below the percentile.
        p_high: probability, at most, that it lies below. Both are k/100 for chips that are known exactly.
        tail: error of each side.
    """
    from scipy.stats import binom

    # P(x_(r) > q) = P(B <= r-1) and P(x_(r) < q) <= P(B >= r): ranks with at most `tail` of error on each side.
    low_rank = int(binom.ppf(tail, n, p_low))
    while low_rank > 0 and binom.cdf(low_rank - 1, n, p_low) > tail:
        low_rank -= 1
    high_rank = int(binom.ppf(1 - tail, n, p_high)) + 1
    while high_rank <= n and binom.sf(high_rank - 1, n, p_high) > tail:
        high_rank += 1
    return low_rank, high_rank


def yield_interval(values: Values, threshold: float, confidence: float = 0.95) -> Interval:
    """Fraction of chips at or above ``threshold`` with its Clopper-Pearson interval."""
    n, good = len(values), int((values >= threshold).sum())
    low, high = proportion_limits(good, good, n, (1 - confidence) / 2)
    return Interval(good / n, low, high)


def proportion_limits(fewest: int, most: int, n: int, tail: float) -> tuple[float, float]:
    """Clopper-Pearson limits of a proportion of which between ``fewest`` and ``most`` of ``n`` were counted."""
    from scipy.special import betaincinv

    low = float(betaincinv(fewest, n - fewest + 1, tail)) if fewest else 0.0
    high = float(betaincinv(most + 1, n - most, 1 - tail)) if most < n else 1.0
    return low, high
