"""What some images say about all of them: exact bounds on a chip's hits in the whole test set."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**21
"""Probabilities that are held at once."""


@lru_cache(maxsize=64)
def hypergeometric_bounds(m: int, images: int, error: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bounds on the hits among all images, for every number of hits among ``m`` that were drawn without replacement.

    The hits H among m of ``images`` images, K of which are hits, are hypergeometric. The lower bound of h is the
    smallest K with ``P(H >= h | K) > error``, the upper one the largest with ``P(H <= h | K) > error``; each is wrong
    with probability at most ``error``, whatever K (the inversion of an exact test [clopper1934]).

    Args:
        m: images drawn, 1 to ``images``.
        images: size of the test set.
        error: probability that a bound is wrong, a side; below 1/2.

    Returns:
        ``low, high``, both ``(m + 1,)``: entry h bounds K when h of the m were hits. Shared; do not write to them.
    """
    if m == images:
        exact = np.arange(m + 1)
        return exact, exact
    # critical[K] is the smallest h with P(H >= h | K) <= error; it does not fall with K, so h >= critical[K] just
    # for the K up to some K0, and K0 + 1 is the bound.
    critical = _critical(m, images, error)
    low = np.searchsorted(critical, np.arange(m + 1), side="right").astype(np.int64)
    high = images - low[::-1]  # misses are hits of the other kind
    for bound in (low, high):
        bound.setflags(write=False)
    return low, high


def _critical(m: int, images: int, error: float) -> NDArray[np.int64]:
    """``(images + 1,)``: for every K the smallest h with ``P(H >= h | K) <= error``."""
    from scipy.special import gammaln

    log_factorial = gammaln(np.arange(images + 1) + 1.0)

    def log_choose(n: NDArray[np.int64], k: NDArray[np.int64]) -> NDArray[np.float64]:
        out: NDArray[np.float64] = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
        return out

    spread = math.sqrt(m / 4 * (images - m) / max(1, images - 1))
    # By Bernstein's inequality less than 1e-19 lies further above the mean than this; every critical value is nearer.
    width = min(m, math.ceil(12 * spread) + 30)
    out = np.empty(images + 1, np.int64)
    rows = max(1, BLOCK // (width + 1))
    for start in range(0, images + 1, rows):
        k = np.arange(start, min(start + rows, images + 1))[:, None]
        # The window starts at the mean, and so that it ends at m at the latest.
        first = np.minimum(m * k // images, m - width)
        h = first + np.arange(width + 1)
        possible = (h <= k) & (m - h <= images - k)
        safe = np.where(possible, h, np.maximum(0, m - (images - k)))
        log_p = log_choose(k, safe) + log_choose(images - k, m - safe) - log_choose(np.array(images), np.array(m))
        p = np.where(possible, np.exp(log_p), 0.0)
        tail = np.cumsum(p[:, ::-1], axis=1)[:, ::-1]  # P(H >= h), smallest terms first
        found = (tail > error).sum(axis=1)
        out[start : start + len(k)] = first[:, 0] + found
    return out
