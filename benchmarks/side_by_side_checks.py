"""Whether two tools do the same, and how it is written down; for `side_by_side.py`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
from scipy import stats

from mho.evaluation import mean_interval

ALPHA = 0.001
"""Chance that a tool which does the same is said to do something else, for each of four tests."""


def turns(names: Sequence[str], rounds: int) -> list[str]:
    """Every name in every round, each round starting with another."""
    return [names[(r + i) % len(names)] for r in range(rounds) for i in range(len(names))]


def errors_agree(layers: dict[str, list[float]]) -> tuple[bool, float, float]:
    """Whether n errors in units of sigma S are standard normals by their moments; their mean and deviation."""
    n = sum(row[0] for row in layers.values())
    mean = sum(row[0] * row[1] for row in layers.values()) / n
    square = sum(row[0] * row[2] for row in layers.values()) / n
    far = float(stats.norm.isf(ALPHA / 2))
    # And layer by layer, all at once: a wrong full scale of a small layer drowns in the sum over large ones.
    each = float(stats.norm.isf(ALPHA / 2 / len(layers)))
    fits = abs(mean) < far / math.sqrt(n) and abs(square - 1) < far * math.sqrt(2 / n)
    fits &= all(abs(row[2] - 1) < each * math.sqrt(2 / row[0]) for row in layers.values())
    return bool(fits), mean, math.sqrt(square)


def accuracies_agree(values: list[float], others: list[float]) -> tuple[bool, float, float]:
    """Whether chips of two tools have the same distribution; p of Welch's and of the two-sample KS test."""
    welch = float(stats.ttest_ind(values, others, equal_var=False).pvalue)
    smirnov = float(stats.ks_2samp(values, others).pvalue)
    return min(welch, smirnov) > ALPHA, welch, smirnov


def spread(values: Sequence[float], unit: float = 1.0) -> str:
    """Median [least, most], to three digits or to the unit."""
    three = [v / unit for v in (statistics.median(values), min(values), max(values))]
    return "{} [{}, {}]".format(*(f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in three))


def interval(values: Sequence[float]) -> str:
    """Mean and its 95 % interval, in %."""
    found = mean_interval(np.array(values))
    return f"{100 * found.value:.2f} [{100 * found.low:.2f}, {100 * found.high:.2f}]"
