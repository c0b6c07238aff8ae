"""A measured curve as a function that only falls: pooled where chance made it rise, interpolated in between."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.statistics import Interval, mean_interval

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Monotone:
    """A curve over the exposure whose mean over chips never rises (never falls, where lower is better).

    Attributes:
        exposure: ``(knots,)`` ascending, more than zero.
        values: ``(knots, chips)``; the mean of a row is the curve there.
        baseline: the curve at exposure 0, known without error.
        falling: whether more exposure means lower values.
        confidence: two-sided coverage of intervals.
    """

    exposure: Values
    values: Values
    baseline: float
    falling: bool = True
    confidence: float = 0.95

    @classmethod
    def fit(
        cls, exposure: Values, values: Values, baseline: float, *, falling: bool = True, confidence: float = 0.95
    ) -> Monotone:
        """The closest such curve, in mean squares, to the measured means.

        Points that rise are pooled with their neighbours chip by chip, so that the spread between chips, which decides
        the intervals, stays that of averages. Means better than the baseline are moved onto it: the least squares
        solution under an upper limit is the unlimited one, cut off there.

        Args:
            exposure: ``(points,)`` ascending; equal ones are one measurement repeated, zeros are left out.
            values: ``(points, chips)``.
            baseline: value at exposure 0.
            falling: whether more exposure can only lower the mean.
            confidence: of the intervals.
        """
        first = np.r_[True, np.diff(exposure) > 0] & (exposure > 0) if len(exposure) else np.zeros(0, bool)
        exposure, pooled = exposure[first], values[first].astype(np.float64)
        sign = 1.0 if falling else -1.0
        for block in _blocks(sign * pooled.mean(axis=1)):
            pooled[block] = pooled[block].mean(axis=0)
        above = sign * (pooled.mean(axis=1) - baseline)
        pooled -= sign * np.maximum(above, 0.0)[:, None]
        return cls(exposure, pooled, float(baseline), falling, confidence)

    def at(self, exposure: float) -> Values:
        """``(chips,)`` values at ``exposure``, whose mean is the curve.

        Straight in the logarithm of the exposure between knots, in the exposure below the first one, level beyond the
        last.
        """
        start: Values = np.full(self.values.shape[1], self.baseline)
        if exposure <= 0 or not len(self.exposure):
            return start
        i = bisect_left(self.exposure.tolist(), exposure)
        if i == len(self.exposure):
            last: Values = self.values[-1]
            return last
        right = float(self.exposure[i])
        if i == 0:
            part = exposure / right
            first: Values = self.values[0]
            return (1 - part) * start + part * first
        left = float(self.exposure[i - 1])
        part = log(exposure / left) / log(right / left)
        before, after = self.values[i - 1], self.values[i]
        between: Values = (1 - part) * before + part * after
        return between

    def drop(self, exposure: float) -> Interval:
        """How much worse than the baseline the mean is at ``exposure``, positive is worse; its Student-t interval."""
        values = self.at(exposure)
        drop = mean_interval(self.baseline - values if self.falling else values - self.baseline, self.confidence)
        # Less than zero by rounding alone.
        return drop._replace(value=max(0.0, drop.value))

    def bound(self, exposure: float) -> tuple[Interval, bool]:
        """What is known of the drop at ``exposure``, and whether that is only more than it can be.

        Below the first knot nothing was measured: the drop there is a bound. Where the interval there contains 0, the
        drop below is 0 as far as chips can tell, and is given as that.
        """
        if not len(self.exposure) or not 0 < exposure < self.exposure[0] * (1 - 1e-9):
            return self.drop(exposure), False
        first = self.drop(float(self.exposure[0]))
        if first.value == 0 or first.low <= 0:
            return first._replace(value=0.0), False
        return first, True


def _blocks(means: Values) -> list[slice]:
    """Neighbours that have to share one value so that ``means`` never rises (pool adjacent violators)."""
    blocks: list[tuple[int, int, float]] = []
    for i, mean in enumerate(means):
        start, size, level = i, 1, float(mean)
        while blocks and blocks[-1][2] < level:
            start, before, other = blocks.pop()
            level = (before * other + size * level) / (before + size)
            size += before
        blocks.append((start, size, level))
    return [slice(start, start + size) for start, size, _ in blocks]
