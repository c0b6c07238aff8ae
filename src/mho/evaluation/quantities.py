"""What an adaptive evaluation can be asked to a given width, and how each question is settled with few images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.betting import chips_needed, mean_of
from mho.evaluation.boundaries import Looks
from mho.evaluation.cohort import Cohort
from mho.evaluation.screening import denoised, ranks, screened_percentile, screened_yield
from mho.evaluation.statistics import Interval, mean_interval, proportion_limits

SLACK = 0.04
"""Images are not worth their time once all of them would narrow an interval by less than this part of its width."""
HOPELESS = 1.3
"""Chips are not looked at again where so many times the chips are foreseen to be needed."""

MARGIN = 1.15
"""More chips than are foreseen, for yields: a look beyond the plan has little error left."""


class Quantity(Protocol):
    """One number of a population."""

    def interval(self, cohort: Cohort, looks: Looks) -> Interval:
        """Its interval at the last of ``looks``."""
        ...

    def settle(self, cohort: Cohort, looks: Looks, precision: float, *, last: bool) -> None:
        """Look at chips again until more images cannot change whether ``precision`` (a half-width) is reached.

        Where these are the ``last`` chips there will be, until more images would hardly narrow the interval.
        """
        ...

    def needed(self, cohort: Cohort, looks: Looks, precision: float) -> float:
        """How many chips to make for the half-width ``precision``, as far as these can tell."""
        ...


@dataclass(frozen=True)
class Mean:
    """The mean over chips, or of the difference between two."""

    def interval(self, cohort: Cohort, looks: Looks) -> Interval:
        return mean_of(cohort.y, looks, cohort.span)

    def settle(self, cohort: Cohort, looks: Looks, precision: float, *, last: bool) -> None:
        return

    def needed(self, cohort: Cohort, looks: Looks, precision: float) -> float:
        n, spread = len(cohort), math.sqrt(float(cohort.y.var(ddof=1))) if len(cohort) > 1 else 1.0
        if cohort.span is not None:
            return chips_needed(spread, looks.share, precision, cohort.span)
        width = mean_interval(cohort.y, 1 - looks.share).half_width
        return MARGIN * n * (2.0 if math.isnan(width) else (width / precision) ** 2)


@dataclass(frozen=True)
class Percentile:
    """The k-th percentile over the chips of one source."""

    k: float
    source: int = 0

    def interval(self, cohort: Cohort, looks: Looks) -> Interval:
        s = self.source
        return screened_percentile(
            cohort.values[s], cohort.low[s], cohort.high[s], self.k, error=cohort.error, looks=looks
        )

    def needed(self, cohort: Cohort, looks: Looks, precision: float) -> float:
        n = len(cohort)
        fewest = math.log(looks.share / 2) / math.log1p(-(min(self.k, 100 - self.k) / 100 - cohort.error))
        lower, upper = ranks(looks, self.k, cohort.error)
        if lower < 1 or upper > n:
            return max(2.5 * fewest, 2.5 * n)  # half of it, where plans are revised, can tell
        ordered = np.sort(foreseen(cohort, self.source))
        width = float(ordered[upper - 1] - ordered[lower - 1]) / 2
        return max(fewest, n * (width / precision) ** 2)

    def settle(self, cohort: Cohort, looks: Looks, precision: float, *, last: bool) -> None:
        n, s = len(cohort), self.source
        lower, upper = ranks(looks, self.k, cohort.error)
        if not last and (lower < 1 or upper > n or self.needed(cohort, looks, precision) > HOPELESS * n):
            return
        wanted = [rank for rank in (lower, upper) if 1 <= rank <= n]
        while wanted:
            low, high = np.sort(cohort.low[s]), np.sort(cohort.high[s])
            # Where each limit would be if all chips were known: between the bounds of the same rank.
            brackets = [(low[rank - 1], high[rank - 1]) for rank in wanted]
            width = brackets[-1][1] - brackets[0][0]
            if not last and (width <= 2 * precision or brackets[-1][0] - brackets[0][1] > 2 * precision):
                return
            loose = [i for i, (a, b) in enumerate(brackets) if b - a > SLACK / 2 * width]
            if not loose:
                return
            # The chips that may lie on either side of where a limit will come to be; those left that may lie between
            # its bounds, which are many as long as the bounds are wide, only when there is none of the former.
            places = np.sort(foreseen(cohort, s))[[wanted[i] - 1 for i in loose]]
            spans = [*zip(places, places, strict=True)], [brackets[i] for i in loose]
            if not any(look_again(cohort, s, crossing(cohort, s, span)) for span in spans):
                return


@dataclass(frozen=True)
class Yield:
    """The fraction of chips at or above a threshold."""

    threshold: float

    def interval(self, cohort: Cohort, looks: Looks) -> Interval:
        return screened_yield(
            cohort.values[0],
            cohort.low[0],
            cohort.high[0],
            self.threshold,
            error=cohort.error,
            confidence=1 - looks.share,
        )

    def needed(self, cohort: Cohort, looks: Looks, precision: float) -> float:
        n, good = len(cohort), int((foreseen(cohort, 0) >= self.threshold).sum())
        return MARGIN * n * (self._width(good, good, cohort, looks) / precision) ** 2

    def _width(self, fewest: int, most: int, cohort: Cohort, looks: Looks) -> float:
        low, high = proportion_limits(fewest, most, len(cohort), looks.share / 2)
        return (min(1.0, high + cohort.error) - max(0.0, low - cohort.error)) / 2

    def settle(self, cohort: Cohort, looks: Looks, precision: float, *, last: bool) -> None:
        if not last and self.needed(cohort, looks, precision) > HOPELESS * len(cohort):
            return
        while True:
            low, high = cohort.low[0], cohort.high[0]
            fewest, most = int((low >= self.threshold).sum()), int((high >= self.threshold).sum())
            width = self._width(fewest, most, cohort, looks)
            # The width as a function of the count has one maximum, so it is least at one of the two ends.
            least = min(self._width(fewest, fewest, cohort, looks), self._width(most, most, cohort, looks))
            if not last and (width <= precision or least > precision):
                return
            if width - least <= SLACK * width:
                return
            if not look_again(cohort, 0, (low < self.threshold) & (high >= self.threshold)):
                return


@dataclass(frozen=True)
class PercentileDifference:
    """The k-th percentile of the second source less that of the first: not that of the differences.

    Each of the two is given half the error, so the interval is wide; what the two share by being judged on common chips
    and images is not used.
    """

    k: float

    @property
    def _sides(self) -> tuple[Percentile, Percentile]:
        return Percentile(self.k, 0), Percentile(self.k, 1)

    def interval(self, cohort: Cohort, looks: Looks) -> Interval:
        a, b = (side.interval(cohort, looks.part(0.5)) for side in self._sides)
        return Interval(b.value - a.value, b.low - a.high, b.high - a.low)

    def settle(self, cohort: Cohort, looks: Looks, precision: float, *, last: bool) -> None:
        if not last and self.needed(cohort, looks, precision) > HOPELESS * len(cohort):
            return
        for side in self._sides:
            side.settle(cohort, looks.part(0.5), precision / 2, last=True)

    def needed(self, cohort: Cohort, looks: Looks, precision: float) -> float:
        # Half-widths add up, and each falls with the root of the chips.
        roots = [math.sqrt(side.needed(cohort, looks.part(0.5), precision)) for side in self._sides]
        return sum(roots) ** 2


def foreseen(cohort: Cohort, source: int) -> NDArray[np.float64]:
    """The chips of one source as :func:`mho.evaluation.screening.denoised` foresees them; for planning only."""
    values: NDArray[np.float64] = cohort.values[source]
    return denoised(values, cohort.seen[source], cohort.m, cohort.images) if cohort.counted else values


def crossing(cohort: Cohort, source: int, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """``(chips,)``: whose bounds leave open on which side of one of ``spans`` they lie."""
    low, high = cohort.low[source], cohort.high[source]
    out: NDArray[np.bool_] = np.any([(low < b) & (high > a) for a, b in spans], axis=0)
    return out


def look_again(cohort: Cohort, source: int, chips: NDArray[np.bool_]) -> bool:
    """Give those of ``chips`` that have seen the fewest images their next look; ``False`` where all have seen all."""
    seen = np.where(chips, cohort.seen[source], cohort.images)
    least = int(seen.min(initial=cohort.images))
    if least >= cohort.images:
        return False
    cohort.refine(source, np.flatnonzero(seen == least))
    return True
