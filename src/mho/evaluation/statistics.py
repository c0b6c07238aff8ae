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
    from scipy.stats import binom

    ordered = np.sort(values)
    n, p, tail = len(ordered), k / 100, (1 - confidence) / 2
    value = float(np.percentile(ordered, k))
    # P(x_(r) > q) = P(B <= r-1) and P(x_(r) < q) <= P(B >= r): ranks with at most `tail` of error on each side.
    low_rank = int(binom.ppf(tail, n, p))
    while low_rank > 0 and binom.cdf(low_rank - 1, n, p) > tail:
        low_rank -= 1
    high_rank = int(binom.ppf(1 - tail, n, p)) + 1
    while high_rank <= n and binom.sf(high_rank - 1, n, p) > tail:
        high_rank += 1
    low = float(ordered[low_rank - 1]) if low_rank >= 1 else math.nan
    high = float(ordered[high_rank - 1]) if high_rank <= n else math.nan
    return Interval(value, low, high)


def yield_interval(values: Values, threshold: float, confidence: float = 0.95) -> Interval:
    """Fraction of chips at or above ``threshold`` with its Clopper-Pearson interval."""
    from scipy.stats import beta

    n, good, tail = len(values), int((values >= threshold).sum()), (1 - confidence) / 2
    low = float(beta.ppf(tail, good, n - good + 1)) if good else 0.0
    high = float(beta.ppf(1 - tail, good + 1, n - good)) if good < n else 1.0
    return Interval(good / n, low, high)
