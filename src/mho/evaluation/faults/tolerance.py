"""How many stuck cells a scheme stands: where the mean of a curve has dropped by so much, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mho.rng import stream_key

Values = NDArray[np.float64]

RESAMPLES = 2000
"""Populations drawn with replacement for an interval; always the same ones for the same seed and number of chips."""


@dataclass(frozen=True)
class Tolerance:
    """A rate, or a ratio of two rates, read off curves.

    Attributes:
        value: the rate or the ratio.
        low, high: limits over chips; 0 and infinity where the rates measured set none, ``nan`` of a single chip.
        sign: ``""`` where ``value`` is it, ``"≥"`` where it is more and ``"≤"`` where it is less than the rates
            measured can tell, ``"?"`` where they tell nothing (``value`` is then ``nan``).
    """

    value: float
    low: float
    high: float
    sign: str = ""


def crossing(rates: Values, drops: Values, most: float) -> Values:
    """The largest rate up to which every point has dropped by ``most`` or less.

    Between two points the drop is straight in the logarithm of the rate.

    Args:
        rates: ``(rate,)`` ascending.
        drops: ``(..., rate)``.
        most: drop that is accepted.

    Returns:
        ``(...,)``: 0 where the first point has dropped by more, infinity where no point has.
    """
    n = len(rates)
    # A metric that is no number is no metric that is good enough.
    beyond = ~(drops <= most)
    first = np.where(beyond.any(axis=-1), beyond.argmax(axis=-1), n)
    at = np.clip(first, 1, n - 1) if n > 1 else np.zeros_like(first)
    before = np.take_along_axis(drops, np.maximum(at - 1, 0)[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(drops, at[..., None], axis=-1)[..., 0]
    logs = np.log(rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(np.nan_to_num((most - before) / (after - before), nan=0.0), 0, 1)
    found = np.exp(logs[np.maximum(at - 1, 0)] + share * (logs[at] - logs[np.maximum(at - 1, 0)]))
    return np.where(first == 0, 0.0, np.where(first == n, math.inf, found))


def resampled(values: Values, seed: int) -> Values:
    """Means of populations drawn from the chips with replacement, the same chips for every row.

    Args:
        values: ``(..., chip)``; ``nan`` marks a chip without a value.
        seed: of the chips.

    Returns:
        ``(RESAMPLES, ...)``.
    """
    chips = values.shape[-1]
    draws = np.random.Generator(np.random.Philox(key=list(stream_key(seed, "bootstrap of chips"))))
    counts = draws.multinomial(chips, np.full(chips, 1 / chips), size=RESAMPLES).astype(np.float64)
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        total = np.tensordot(counts, np.where(there, values, 0.0), axes=(1, -1))
        return np.asarray(total / np.tensordot(counts, there.astype(np.float64), axes=(1, -1)))


def tolerance(rates: Values, found: float, drawn: Values, confidence: float) -> Tolerance:
    """The rate that :func:`crossing` ``found``, with an interval of those of the populations ``drawn``."""
    low, high = _bounds(rates, np.asarray(found)), _bounds(rates, drawn)
    sign = "≤" if found == 0 else "≥" if math.isinf(found) else ""
    value = float(low[1]) if sign == "≤" else float(low[0])
    return Tolerance(value, *_limits(high[0], high[1], confidence), sign)


def ratio(rates: Values, found: tuple[float, float], drawn: tuple[Values, Values], confidence: float) -> Tolerance:
    """How many times the rate of the second the first tolerates, population by population.

    Args:
        rates: that were measured.
        found: what :func:`crossing` found of both.
        drawn: ``(RESAMPLES,)`` of both, in the same populations of chips.
        confidence: two-sided coverage.
    """
    low, high = _quotient(rates, *map(np.asarray, found))
    lows, highs = _quotient(rates, *drawn)
    least, most = float(low), float(high)
    if least == most:
        value, sign = least, ""
    elif math.isinf(most) and least > 0:
        value, sign = least, "≥"
    elif least == 0 and not math.isinf(most):
        value, sign = most, "≤"
    else:
        value, sign = math.nan, "?"
    return Tolerance(value, *_limits(lows, highs, confidence), sign)


def _quotient(rates: Values, a: Values, b: Values) -> tuple[Values, Values]:
    """Bounds on ``a / b`` of rates that are known only to lie beyond the ones measured."""
    (a_low, a_high), (b_low, b_high) = _bounds(rates, a), _bounds(rates, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(np.isinf(b_high), 0.0, a_low / b_high)
        high = np.where(b_low == 0, math.inf, a_high / np.where(b_low == 0, 1.0, b_low))
    return low, high


def _bounds(rates: Values, found: Values) -> tuple[Values, Values]:
    """Where a rate may lie: itself, or up to the first or beyond the last one measured."""
    low = np.where(np.isinf(found), rates[-1], found)
    return low, np.where(found == 0, rates[0], found)


def _limits(low: Values, high: Values, confidence: float) -> tuple[float, float]:
    if math.isnan(confidence):
        return math.nan, math.nan
    tail = round((1 - confidence) / 2, 12)  # 0.025 is 50 of 2000, not 51
    # Quantiles that are members: between a rate and infinity nothing can be interpolated.
    found = np.quantile(low, tail, method="inverted_cdf"), np.quantile(high, 1 - tail, method="inverted_cdf")
    return float(found[0]), float(found[1])
