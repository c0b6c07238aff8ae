"""What a design must reach, in the user's words: ``"p1 >= 0.95"``, ``"worst(0.03) >= 0.8"``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mho.errors import SpecError
from mho.evaluation.metrics import Metric
from mho.evaluation.population import Population
from mho.evaluation.statistics import Interval
from mho.spec import Spec
from mho.units import Clock, format_age, parse_age

_TEXT = re.compile(
    r"\s*(?P<statistic>mean|yield|worst|p\d+(?:\.\d+)?)\s*(?:\((?P<level>[^)]*)\))?\s*(?P<side>>=|<=|≥|≤)\s*"
    r"(?P<value>[^\s%]+)\s*(?P<percent>%?)\s*(?:at\s+(?P<age>.+?))?\s*",
    re.IGNORECASE,
)
EXAMPLES = "'p1 >= 0.95', 'mean >= 0.9 at 1y', 'yield(0.95) >= 0.99', 'worst(0.03) >= 0.8'"


@dataclass(frozen=True, kw_only=True)
class Target(Spec):
    """One thing that chips must reach.

    As text: a statistic, ``>=`` (or ``<=`` of metrics that shall be low), a number, and ``at`` an age such as ``1y`` or
    ``1e6 inferences`` where chips age. The statistic is ``mean``, a percentile such as ``p1``, ``yield(t)``: the share
    of chips that reach t, or ``worst(b)``: the worst chip within errors of b of the full scale of a weight, searched,
    or ``worst(b of cells)`` within b of the range of a cell, such as write-verify guarantees.

    Attributes:
        statistic: "mean", "worst", "yield", or "p1" and other percentiles.
        at_least: what it must reach, a fraction for accuracies; this or ``at_most``.
        at_most: what it must not exceed.
        level: of "yield" the metric that a chip must reach; of "worst" the bound.
        cells: whether the bound of "worst" is one of cells, not of weights.
        age: since programming: seconds, or inferences where the memory counts these.
        inferences: whether the age was said to be one in inferences.
    """

    statistic: str
    at_least: float | None = None
    at_most: float | None = None
    level: float | None = None
    cells: bool = False
    age: float = 0.0
    inferences: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        named = self.statistic in ("mean", "worst", "yield") or re.fullmatch(r"p\d+(\.\d+)?", self.statistic)
        self.check(bool(named), "statistic", "must be mean, yield, worst, or a percentile such as p1")
        if (self.at_least is None) == (self.at_most is None):
            raise SpecError("Target: give at_least, or at_most for metrics that shall be low; one of the two")
        if self.k is not None:
            self.check(0 < self.k < 100, "statistic", "must be a percentile between 0 and 100, such as p1")
        wants = {"yield": "the metric a chip must reach, yield(0.95)", "worst": "its bound, worst(0.03)"}
        if (self.level is None) != (self.statistic not in wants):
            said = f"needs {wants[self.statistic]}" if self.level is None else "takes no number in brackets"
            raise SpecError(f"Target: {self.statistic} {said}").at("level")
        if self.statistic == "worst":
            assert self.level is not None
            self.check(0 < self.level <= 1, "level", "must be a bound: a fraction of the full scale, 3 % is 0.03")
            self.check(self.age == 0, "age", "means nothing to a worst case; leave it out")
        self.check(self.statistic == "worst" or not self.cells, "cells", "is for worst cases")
        self.check(0 <= self.age < math.inf, "age", "must be zero or more")

    @classmethod
    def of(cls, said: Target | str) -> Target:
        """The target that ``said`` is or says.

        Raises:
            SpecError: it says none.
        """
        if isinstance(said, Target):
            return said
        found = _TEXT.fullmatch(said) if isinstance(said, str) else None
        if found is None:
            raise SpecError(f"target {said!r} is none; write one such as {EXAMPLES}")
        value = _number(found["value"], said) / (100 if found["percent"] else 1)
        statistic, inside = found["statistic"].lower(), (found["level"] or "").strip()
        cells = inside.endswith("of cells")
        level = _fraction(inside.removesuffix("of cells"), said) if inside else None
        age, counted = _age(found["age"], said)
        side = "at_least" if found["side"] in (">=", "≥") else "at_most"
        return cls(statistic=statistic, level=level, cells=cells, age=age, inferences=counted, **{side: value})

    @property
    def k(self) -> float | None:
        """The percentile it is about; ``None`` if it is about none."""
        return float(self.statistic[1:]) if re.fullmatch(r"p\d+(\.\d+)?", self.statistic) else None

    @property
    def limit(self) -> float:
        """The number to reach, or not to exceed."""
        limit = self.at_most if self.at_least is None else self.at_least
        assert limit is not None
        return limit

    @property
    def name(self) -> str:
        """What is measured, without the limit and the age: ``"worst(0.03)"``."""
        inside = "" if self.level is None else f"({self.level:.12g}{' of cells' if self.cells else ''})"
        return f"{self.statistic}{inside}"

    def label(self, clock: Clock = "s") -> str:
        """The text of this target."""
        sign = ">=" if self.at_most is None else "<="
        age = f" at {format_age(self.age, 'inferences' if self.inferences else clock, unit=True)}" if self.age else ""
        return f"{self.name} {sign} {self.limit:.12g}{age}"

    def statistic_of(self, population: Population) -> Interval:
        """The statistic of some chips, with its interval."""
        if self.k is not None:
            return population.percentile(self.k)
        if self.statistic == "mean":
            return population.mean
        assert self.level is not None
        return population.yield_above(self.level)

    def margin(self, value: float) -> float:
        """How far ``value`` is on the right side; negative on the wrong one."""
        return value - self.limit if self.at_most is None else self.limit - value

    def proven(self, found: Interval) -> bool:
        """Whether the interval's end on the wrong side is still on the right one."""
        return self.margin(found.low if self.at_most is None else found.high) >= 0

    def check_metric(self, metric: Metric) -> None:
        """Raise where the limit is on the side that nobody wants, or an accuracy is no fraction.

        Raises:
            SpecError: naming the target and what it should be.
        """
        if self.statistic == "yield" and not metric.higher_is_better:
            raise SpecError(
                f"target '{self.label()}': a yield counts chips at or above, and {metric.name} shall be low; take a "
                "percentile, such as 'p95 <= 4.1'"
            )
        wanted = ">=" if metric.higher_is_better else "<="
        if (self.at_most is None) != (wanted == ">="):
            raise SpecError(f"target '{self.label()}': {metric.name} is better the other way; write {wanted}")
        fraction = metric.bounded or self.statistic == "yield"
        if fraction and not 0 <= self.limit <= 1:
            raise SpecError(f"target '{self.label()}': {self.limit:g} is no fraction; 95 % is written 0.95 or 95%")


def _number(text: str, said: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SpecError(f"target '{said}': '{text.strip()}' is no number; write one such as {EXAMPLES}") from None


def _fraction(text: str, said: str) -> float:
    """A number, or one in percent."""
    bare = text.strip()
    return _number(bare[:-1], said) / 100 if bare.endswith("%") else _number(bare, said)


def _age(text: str | None, said: str) -> tuple[float, bool]:
    """The age, and whether it is said to count inferences."""
    if text is None:
        return 0.0, False
    counted = re.fullmatch(r"(.+?)\s*inferences?", text.strip())
    try:
        return parse_age(counted[1] if counted else text.strip()), counted is not None
    except SpecError as error:
        raise SpecError(f"target '{said}': {error}") from None
