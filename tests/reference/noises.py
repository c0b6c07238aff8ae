"""Noises of training, one error at a time, as their names say; and their moments by integration."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import NormalDist

import numpy as np

NORMAL = NormalDist()


def right_censored(z: float, c: float) -> float:
    return c if z > c else z


def left_censored(z: float, c: float) -> float:
    return -c if z < -c else z


def doubly_censored(z: float, c: float) -> float:
    return right_censored(left_censored(z, c), c)


def right_truncated(z: float, c: float) -> float:
    """The number below c that has, among all below c, the rank of z among all numbers."""
    return NORMAL.inv_cdf(NORMAL.cdf(c) * NORMAL.cdf(z))


def uniform(z: float) -> float:
    """The rank of z, stretched to mean 0 and variance 1."""
    return (NORMAL.cdf(z) - 0.5) * math.sqrt(12)


def salt_and_pepper(z: float, rate: float) -> float:
    """The lowest and the highest half of ``rate`` are hit."""
    rank = NORMAL.cdf(z)
    return -1.0 if rank < rate / 2 else 1.0 if rank > 1 - rate / 2 else 0.0


def moments(f: Callable[[float], float], kinks: Sequence[float] = ()) -> tuple[float, float, float]:
    """Mean of f(z), its standard deviation, and ``E[(f - mean)^4]``; f is smooth between ``kinks``."""
    nodes, weights = np.polynomial.legendre.leggauss(100)
    ends = [-8.0, *sorted(k for k in kinks if -8 < k < 8), 8.0]
    values, masses = [], []
    for low, high in pairwise(ends):
        for node, weight in zip(nodes, weights, strict=True):
            z = low + (high - low) * (node + 1) / 2
            values.append(f(z))
            masses.append(weight * (high - low) / 2 * NORMAL.pdf(z))
    mean = math.fsum(m * v for m, v in zip(masses, values, strict=True))
    second = math.fsum(m * (v - mean) ** 2 for m, v in zip(masses, values, strict=True))
    fourth = math.fsum(m * (v - mean) ** 4 for m, v in zip(masses, values, strict=True))
    return mean, math.sqrt(second), fourth


def level_factor(weight: float, scale: float, s: float, normalised: bool) -> float:
    """What a weight's error is multiplied by."""
    factor = s if 0.25 < abs(weight) / scale < 0.75 else 1.0
    return factor / math.sqrt(0.4 * s**2 + 0.6) if normalised else factor
