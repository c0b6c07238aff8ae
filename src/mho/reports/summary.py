"""The results of one page and their statistics, each computed once for the answer, the tables and the figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mho.errors import SpecError
from mho.reports.labels import axes_of, short_labels
from mho.reports.scale import Scale, Tail, scale_of, tail_of
from mho.reports.wording import age_words, sigma_words
from mho.reports.writing import Written, written
from mho.units import Clock, age_unit

if TYPE_CHECKING:
    from mho.evaluation.population import Population
    from mho.evaluation.result import Result
    from mho.evaluation.statistics import Interval

FEW = 6  # results that have a colour, and a paragraph, of their own


class Numbers(NamedTuple):
    """The statistics of one population, in the units of the result.

    Attributes:
        sigma: ``None`` where the device keeps its own.
        age: in units of the summary's clock.
        chips: how many there are.
        mean: over chips.
        percentiles: percentile to its value.
        extreme: the last chip seen on the unlucky side.
        std: between chips.
        good: threshold to the fraction of chips at or above it.
        ekl: nats, ``None`` for models that are no classifiers.
        written: what programming a chip costs; ``None`` where there is nothing to tell.
    """

    sigma: float | None
    age: float
    chips: int
    mean: Interval
    percentiles: dict[float, Interval]
    extreme: float
    std: float
    good: dict[float, Interval]
    ekl: Interval | None
    written: Written | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One result of the page.

    Attributes:
        index: its place among the results, from zero; ties a row of the table to a line in a figure.
        label: what the page calls it.
        short: the same without what all results have in common.
        axes: axis to value, as text; the same axes for every entry of a page.
        result: where the numbers are from.
        numbers: of every population, sigma outermost.
    """

    index: int
    label: str
    short: str
    axes: Mapping[str, str]
    result: Result
    numbers: tuple[Numbers, ...]

    def at(self, sigma: float | None, age: float) -> Numbers | None:
        """The numbers at one point, ``None`` if this result does not have it."""
        return next((n for n in self.numbers if n.sigma == sigma and n.age == age), None)

    @property
    def harshest(self) -> Numbers:
        """The numbers at the largest sigma and the oldest age."""
        return max(self.numbers, key=lambda n: (n.sigma or 0.0, n.age))

    @property
    def severe(self) -> bool:
        """Its device has a sigma; what ages by inferences has none unless one was given."""
        return self.result.clock != "inferences" or self.result.sigma != (None,)

    def at_point(self, numbers: Numbers) -> str:
        """``"at sigma 0.1 after 1 year"``; without a sigma ``"after 100 inferences"``."""
        if self.severe:
            return f"at {self.where(numbers)}"
        return "before the first inference" if numbers.age == 0 else self.where(numbers)

    def where(self, numbers: Numbers) -> str:
        """``"sigma 0.1 after 1 year"``; without the age where there is none but zero, without a sigma the age."""
        if not self.severe:
            return age_words(numbers.age, self.result.clock)
        place = sigma_words(numbers.sigma)
        return place if self.result.age == (0.0,) else f"{place} {age_words(numbers.age, self.result.clock)}"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that a page says, as numbers.

    Attributes:
        entries: in the order given.
        scale: of the one metric that all results have.
        tail: the percentile that stands for the unlucky chip, where there are chips enough for one.
        percentiles: all that were asked for, ascending; computed for every result, so that they compare.
        thresholds: all that were asked for, ascending.
        common: the largest sigma and oldest age that every result has; ``None`` if they share no point.
        clock: what an age of all results counts: seconds (``"s"``) or inferences.
    """

    entries: tuple[Entry, ...]
    scale: Scale
    tail: Tail
    percentiles: tuple[float, ...]
    thresholds: tuple[float, ...]
    common: tuple[float | None, float] | None
    clock: Clock = "s"

    @classmethod
    def of(cls, results: Mapping[str, Result], axes: Mapping[str, Mapping[str, str]] | None = None) -> Summary:
        """Compute all statistics of ``results``.

        Args:
            results: label to result; all of one metric.
            axes: label to axis to value, as :func:`mho.reports.write` takes them.

        Raises:
            SpecError: there are no results, they measure different things, their ages count different things, or the
                axes do not fit them.
        """
        scale = scale_of(results.values())
        ks = tuple(sorted({k for r in results.values() for k in r.percentiles}))
        thresholds = tuple(sorted({r.threshold for r in results.values() if r.threshold is not None}))
        tail = tail_of(ks, scale.fraction, min(r.chips for r in results.values()))
        placed = axes_of(results, axes)
        short = short_labels(placed)
        entries = tuple(
            Entry(
                index=i,
                label=label,
                short=short.get(label, label),
                axes=placed[label],
                result=result,
                numbers=tuple(
                    _numbers(p, ks, thresholds, tail, written(result, j // len(result.age)))
                    for j, p in enumerate(result.populations())
                ),
            )
            for i, (label, result) in enumerate(results.items())
        )
        return cls(
            entries=entries, scale=scale, tail=tail, percentiles=ks, thresholds=thresholds, common=_common(results),
            clock=clock_of(results),
        )  # fmt: skip

    @property
    def many(self) -> bool:
        """There are more results than colours to tell them apart by."""
        return len(self.entries) > FEW

    @property
    def severe(self) -> bool:
        """Some device has a sigma."""
        return any(e.severe for e in self.entries)

    @property
    def ages(self) -> list[float]:
        """Ascending."""
        return sorted({n.age for e in self.entries for n in e.numbers})

    @property
    def sigmas(self) -> list[float]:
        """Ascending, without devices' own."""
        return sorted({n.sigma for e in self.entries for n in e.numbers if n.sigma is not None})

    @property
    def axes(self) -> dict[str, list[str]]:
        """Axis to its values, in the order of first mention."""
        names = self.entries[0].axes
        return {name: list(dict.fromkeys(e.axes[name] for e in self.entries)) for name in names}

    @property
    def extreme(self) -> str:
        """What the last chip on the unlucky side is called."""
        return "worst" if self.scale.fraction else "lowest" if self.tail.low else "highest"

    def unlucky(self, numbers: Numbers) -> Interval | None:
        """The percentile that stands for the unlucky chip."""
        return None if self.tail.k is None else numbers.percentiles[self.tail.k]

    def compared(self, entry: Entry) -> Numbers:
        """The numbers by which results are compared: at the common point, else at the entry's own harshest."""
        found = None if self.common is None else entry.at(*self.common)
        return found or entry.harshest

    def ranked(self) -> list[Entry]:
        """Best (of a metric that is no fraction: highest) first, by the unlucky chip; results without a value last."""

        def order(entry: Entry) -> float:
            numbers = self.compared(entry)
            value = (self.unlucky(numbers) or numbers.mean).value
            return math.inf if math.isnan(value) else -value

        return sorted(self.entries, key=order)


def clock_of(results: Mapping[str, Result]) -> Clock:
    """What the ages of all results count; results that are not older than their programming stand beside any.

    Raises:
        SpecError: two count differently.
    """
    known: dict[Clock, str] = {}
    for label, result in results.items():
        if any(result.age):
            known.setdefault(result.clock, label)
    if len(known) > 1:
        said = " and ".join(f"'{label}' in {age_unit(clock)}" for clock, label in known.items())
        raise SpecError(f"ages count {said}; give results of one kind to a page")
    fresh: set[Clock] = {result.clock for result in results.values()}
    return next(iter(known), "inferences" if "inferences" in fresh else "s")


def _numbers(
    p: Population, ks: tuple[float, ...], thresholds: tuple[float, ...], tail: Tail, cost: Written | None
) -> Numbers:
    return Numbers(
        p.sigma, p.age, len(p.values), p.mean, {k: p.percentile(k) for k in ks}, tail.extreme(p), p.std,
        {t: p.yield_above(t) for t in thresholds}, p.ekl, cost,
    )  # fmt: skip


def _common(results: Mapping[str, Result]) -> tuple[float | None, float] | None:
    sigmas = set.intersection(*(set(r.sigma) for r in results.values()))
    ages = set.intersection(*(set(r.age) for r in results.values()))
    return (max(sigmas, key=lambda s: s or 0.0), max(ages)) if sigmas and ages else None
