"""How a metric is shown: fractions in percent, anything else as it is; and which of its tails is the unlucky one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mho.errors import SpecError
from mho.reports.wording import NBSP
from mho.units import percent

if TYPE_CHECKING:
    from mho.evaluation.population import Population
    from mho.evaluation.result import Result
    from mho.evaluation.statistics import Interval


class Scale(NamedTuple):
    """A metric on the page.

    Attributes:
        metric: its name.
        fraction: it is a fraction, shown in percent; more is better. Of other metrics nobody says what is better.
    """

    metric: str
    fraction: bool

    @property
    def factor(self) -> float:
        """From values to what axes show."""
        return 100.0 if self.fraction else 1.0

    @property
    def name(self) -> str:
        """Name and unit, for axes."""
        return f"{self.metric}, %" if self.fraction else self.metric

    def text(self, value: float, digits: int = 2) -> str:
        """The bare number; an en dash where there is none."""
        if self.fraction or math.isnan(value):
            return percent(value, digits)
        return f"{value:#.{digits + 2}g}".rstrip(".")

    def said(self, value: float, digits: int = 1) -> str:
        """The number with its unit, for sentences."""
        return self.text(value, digits) + (f"{NBSP}%" if self.fraction else "")

    def measured(self, interval: Interval) -> str:
        """``"97.1 % [96.8, 97.4]"``; one more decimal where the limits would read the same."""
        width = interval.high - interval.low
        digits = 2 if not self.fraction or width < 0.002 else 1
        # An interval broken over two lines is hard to read.
        limits = self.limits(interval, digits).replace(" ", NBSP)
        return f"{self.said(interval.value, digits)} {limits}"

    def limits(self, interval: Interval, digits: int = 2) -> str:
        """``"[96.8, 97.4]"``."""
        return f"[{self.text(interval.low, digits)}, {self.text(interval.high, digits)}]"

    def axis(self, interval: Interval) -> Interval:
        """The interval in what axes show."""
        return type(interval)(*(self.factor * v for v in interval))


class Tail(NamedTuple):
    """The percentile that stands for the unlucky chip, and the side it is on.

    Attributes:
        k: the percentile; ``None`` where none was asked for, or chips are too few for it.
        low: the unlucky chips score low.
    """

    k: float | None
    low: bool

    def extreme(self, population: Population) -> float:
        """The last chip seen on this side."""
        return population.minimum if self.low else float(population.values.max())

    def share(self) -> tuple[float, str]:
        """Percent of chips on the better side of the percentile, and which side that is."""
        assert self.k is not None
        return (100 - self.k, "above") if self.low else (self.k, "below")


def scale_of(results: Iterable[Result]) -> Scale:
    """The one scale of all results.

    Raises:
        SpecError: there are no results, or they measure different things.
    """
    scales = sorted({Scale(r.metric, r.bounded) for r in results})
    if not scales:
        raise SpecError("there are no results to show")
    if len(scales) > 1:
        names = ", ".join(dict.fromkeys(s.metric for s in scales))
        raise SpecError(f"results measure different things ({names}); show each metric by itself")
    return scales[0]


def tail_of(percentiles: Iterable[float], bounded: bool, chips: int) -> Tail:
    """Of a fraction the lowest percentile asked for; else the one farthest from the median, on its own side.

    Percentiles of which no one of ``chips`` lies beyond are no number to remember: they would be the worst chip.
    """
    ks = sorted(percentiles)
    if not ks:
        return Tail(None, True)
    low = bounded or max(ks, key=lambda k: abs(k - 50)) <= 50
    known = [k for k in ks if chips >= enough(k)]
    if not known:
        return Tail(None, low)
    if bounded:
        return Tail(known[0], True)
    k = max(known, key=lambda k: abs(k - 50))
    return Tail(k, k <= 50)


def enough(k: float) -> int:
    """The fewest chips of which one is expected beyond the k-th percentile."""
    return math.ceil(100 / min(k, 100 - k) - 1e-9)
