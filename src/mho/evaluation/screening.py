"""Intervals over chips that are known only between bounds, whichever chips were looked at more closely and why."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.boundaries import Looks, sequential_ranks
from mho.evaluation.statistics import Interval, Values, proportion_limits


def screened_percentile(values: Values, low: Values, high: Values, k: float, *, error: float, looks: Looks) -> Interval:
    """k-th percentile over chips, each of which is known to lie between ``low`` and ``high``.

    Let G_c say that the bounds of chip c hold at every look it could ever get: the G_c do not depend on who is looked
    at, are independent over chips, and fail with probability ``error`` at most on each side. With A_c the chip's metric
    and q the percentile,

    * lower limit ``L_(l)``, the l-th smallest lower bound: ``#{L_c <= q} >= #{A_c <= q and G_c}``, a binomial count
      with probability ``k - error`` at least. ``L_(l) > q`` means ``#{L_c <= q} < l``, so l is the rank that
      the interval of exactly known chips would have for the percentile ``k - error``, at every look.
    * upper limit ``U_(u)``: ``#{U_c < q} <= #{A_c < q or not G_c}``, probability ``k + error`` at most, and
      ``U_(u) < q`` means ``#{U_c < q} >= u``: the rank for the percentile ``k + error``.

    Neither step asks how it was decided which chips to look at again.

    Args:
        values: ``(chips,)`` best estimates; the percentile's own estimate is theirs, kept within the limits.
        low: ``(chips,)`` lower bounds.
        high: ``(chips,)`` upper bounds.
        k: percentile in (0, 100).
        error: probability that a chip's bound is wrong, a side; 0 for chips that are known exactly.
        looks: this look and those before it, at which the evaluation could have stopped.
    """
    lower, upper = ranks(looks, k, error)
    limits = _at(np.sort(low), lower), _at(np.sort(high), upper)
    value = float(np.percentile(values, k))
    value = max(value, limits[0]) if not math.isnan(limits[0]) else value
    return Interval(min(value, limits[1]) if not math.isnan(limits[1]) else value, *limits)


def screened_yield(
    values: Values, low: Values, high: Values, threshold: float, *, error: float, confidence: float
) -> Interval:
    """Fraction of chips at or above ``threshold``, each of which is known to lie between ``low`` and ``high``.

    ``#{L_c >= t}`` is at most a binomial count of probability ``p + error``, ``#{U_c >= t}`` at least one of
    ``p - error`` (see :func:`screened_percentile`): Clopper-Pearson limits [clopper1934] of the two, moved by
    ``error``.

    Args:
        values: ``(chips,)`` best estimates.
        low: ``(chips,)`` lower bounds.
        high: ``(chips,)`` upper bounds.
        threshold: what a chip must reach.
        error: probability that a chip's bound is wrong, a side.
        confidence: two-sided coverage.
    """
    fewest, most = int((low >= threshold).sum()), int((high >= threshold).sum())
    below, above = proportion_limits(fewest, most, len(values), (1 - confidence) / 2)
    return Interval(float((values >= threshold).mean()), max(0.0, below - error), min(1.0, above + error))


def denoised(values: Values, seen: NDArray[np.int64], look: int, images: int) -> Values:
    """Values spread as the chips' own metrics: estimates drawn to their mean by as much as their noise spreads them.

    For planning and accounts; no interval is made of them.

    Args:
        values: ``(chips,)`` fractions of hits.
        seen: ``(chips,)`` of how many images.
        look: images of the first look.
        images: size of the test set.
    """
    noise = values * (1 - values) * (1 / seen - 1 / images)
    centre, variance = float(values.mean()), float(values.var())
    # Chips that were looked at again belong to the tails: the first look's noise is that of a typical chip.
    first = float(np.median(values * (1 - values))) * (1 / look - 1 / images)
    between = max(variance - first, 0.02 * variance)
    drawn: Values = centre + (values - centre) * np.sqrt(between / (between + noise + 1e-300))
    return drawn


def ranks(looks: Looks, k: float, error: float) -> tuple[int, int]:
    """Ranks of the two limits of the k-th percentile at the last of ``looks``; ``error`` as for a chip's bounds."""
    p = k / 100
    return sequential_ranks(looks, max(0.0, p - error), min(1.0, p + error))


def _at(ordered: Values, rank: int) -> float:
    return float(ordered[rank - 1]) if 1 <= rank <= len(ordered) else math.nan
