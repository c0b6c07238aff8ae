"""Intervals of errors: within what errors can be, and none where chips or seeds are too few."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.statistics import Interval, mean_interval

FEWEST = 3
"""Chips or seeds without which no interval is given: that of two is 12.7 standard errors wide on either side."""


def bounded(values: NDArray[np.float64], confidence: float, most: float = math.inf) -> Interval:
    """Mean with its Student-t interval, which is cut at 0 and at ``most``.

    Args:
        values: ``(n,)`` errors of chips or seeds; ``nan`` marks one without a value and is left out.
        confidence: two-sided coverage.
        most: the largest that an error can be.

    Returns:
        Limits are ``nan`` where fewer than :data:`FEWEST` values are known.
    """
    found = mean_interval(values, confidence)
    if np.count_nonzero(~np.isnan(values)) < FEWEST:
        return Interval(found.value, math.nan, math.nan)
    return Interval(found.value, max(found.low, 0.0), min(found.high, most))


def shown(error: Interval, text: str, low: str, high: str) -> str:
    """``"0.0450 [0.0441, 0.0459]"``, or ``"0.0450 [–]"`` where there is no interval."""
    if math.isnan(error.value):
        return text
    return f"{text} [–]" if math.isnan(error.low) else f"{text} [{low}, {high}]"


def heading(count: int, confidence: float, what: str) -> str:
    """``"[95 % intervals over chips]"``, or why there are none."""
    if count < FEWEST:
        return f"[–] no intervals of fewer than {FEWEST} {what}"
    return f"[{100 * confidence:g} % intervals over {what}]"
