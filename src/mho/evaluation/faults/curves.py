"""One curve a scheme: the metric of every chip over the rate of stuck cells."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.errors import CheckpointError, SpecError, unknown
from mho.evaluation.arguments import check_statistics
from mho.evaluation.faults import choice, wording
from mho.evaluation.faults.published import published
from mho.evaluation.faults.tolerance import Tolerance, crossing, ratio, resampled, tolerance
from mho.evaluation.metrics import Metric
from mho.evaluation.population import Population, nulls
from mho.evaluation.statistics import Interval, mean_interval

LISTS = ("schemes", "rates", "cells", "extra", "known_map", "digital_read", "memories", "kept", "percentiles")
"""Fields that are tuples here and lists in JSON."""


@dataclass(frozen=True, kw_only=True)
class FaultCurves:
    """Metric of every chip of every scheme at every rate of stuck cells.

    Chip i has the same stuck cells under every scheme, and those of a lower rate at every higher one, so that schemes
    are compared chip by chip.

    Attributes:
        values: ``(scheme, rate, chip)`` float64.
        schemes: names of the first axis.
        rates: of the second: stuck cells (SA0 and SA1) as a fraction of all, ascending.
        ideal: ``(scheme,)`` metric without faults: quantised, clipped or whatever else the scheme does to weights.
            Where cells do more than being stuck, it is the mean over the same chips without a stuck cell.
        digital: the metric of the model as it was passed in.
        cells: ``(scheme,)`` cells of the weights.
        extra: ``(scheme,)`` cells besides: copies without room among pruned columns, check bits.
        known_map: ``(scheme,)`` whether the faults of every chip must be found first.
        digital_read: ``(scheme,)`` whether cells are read one by one, not added up on a bit line.
        memories: ``(scheme,)`` the memory of a scheme, or its name rules, as plain data.
        kept: patterns of what stays digital, where it is the same for all schemes.
        metric: name of the metric; its values are fractions for accuracies.
        images: samples that every chip was judged on.
        higher_is_better: as of accuracy.
        bounded: the metric is a fraction and is shown in percent.
        percentiles: percentiles that tables print.
        accepted: loss of the mean that counts as tolerated, in units of the metric; 10 points (of a metric that is no
            fraction, a tenth of its digital value) if ``None``.
        confidence: two-sided coverage of every interval, each by itself.
        seed: of the chips.
        first_chip: number of the first one.
        label, data: what tables call the model and the test set.
        provenance: versions, device, and wall time.
    """

    values: NDArray[np.float64]
    schemes: tuple[str, ...]
    rates: tuple[float, ...]
    ideal: tuple[float, ...]
    digital: float
    cells: tuple[int, ...]
    extra: tuple[int, ...]
    known_map: tuple[bool, ...]
    digital_read: tuple[bool, ...]
    memories: tuple[dict[str, Any], ...]
    metric: str
    images: int
    kept: tuple[str, ...] = ()
    higher_is_better: bool = True
    bounded: bool = True
    percentiles: tuple[float, ...] = (1.0, 5.0)
    accepted: float | None = None
    confidence: float = 0.95
    seed: int = 0
    first_chip: int = 0
    label: str = ""
    data: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def chips(self) -> int:
        """Chips of every scheme at every rate."""
        return int(self.values.shape[2])

    @property
    def overhead(self) -> tuple[float, ...]:
        """``(scheme,)`` cells besides those of the weights, as a share of them."""
        return tuple(e / c if c else 0.0 for e, c in zip(self.extra, self.cells, strict=True))

    def at(self, scheme: str, rate: float) -> Population:
        """The chips of a scheme at a rate: mean, percentiles and yield with their intervals."""
        values = self.values[self._scheme(scheme), self._rate(rate)]
        return Population(values=values, ekl_values=None, sigma=None, age=0.0, confidence=self.confidence)

    def mean(self, scheme: str) -> list[Interval]:
        """Mean over chips at every rate, Student-t intervals."""
        return [self.at(scheme, rate).mean for rate in self.rates]

    def std(self, scheme: str) -> list[float]:
        """Standard deviation between chips at every rate (ddof = 1)."""
        return [self.at(scheme, rate).std for rate in self.rates]

    def variance(self, scheme: str) -> list[float]:
        """Variance between chips at every rate; of fractions, 1e-4 is one squared point."""
        return [std**2 for std in self.std(scheme)]

    def percentile(self, scheme: str, k: float) -> list[Interval]:
        """k-th percentile performance at every rate, with order-statistic intervals."""
        check_statistics((k,), self.confidence)
        return [self.at(scheme, rate).percentile(k) for rate in self.rates]

    def drop(self, scheme: str) -> list[Interval]:
        """How much worse than the digital model the mean is at every rate; positive is worse."""
        drops = self._drops(self.values[self._scheme(scheme)])
        return [mean_interval(row, self.confidence) for row in drops]

    def difference(self, scheme: str, other: str) -> list[Interval]:
        """Metric of ``scheme`` less that of ``other`` at every rate, chip by chip; its interval is the paired one."""
        differences = self.values[self._scheme(scheme)] - self.values[self._scheme(other)]
        return [mean_interval(row, self.confidence) for row in differences]

    def tolerated(self, scheme: str, drop: float | None = None) -> Tolerance:
        """The highest rate up to which the mean is at most ``drop`` worse than the digital model.

        Between two rates the mean is straight in the logarithm of the rate. The interval is that of populations drawn
        from the chips with replacement (percentile bootstrap); it knows nothing of rates between those measured.

        Args:
            scheme: its name.
            drop: in units of the metric: 0.1 of an accuracy are 10 points; :attr:`accepted` if ``None``.
        """
        i, most = self._scheme(scheme), self._most(drop)
        found, drawn = self._crossings(i, most)
        return tolerance(np.asarray(self.rates), found, drawn, self._coverage)

    def gain(self, scheme: str, over: str, drop: float | None = None) -> Tolerance:
        """How many times the rate of ``over`` that ``scheme`` tolerates; both in the same populations of chips.

        Args:
            scheme: the better one.
            over: the one it is compared with.
            drop: as for :meth:`tolerated`.
        """
        most = self._most(drop)
        (found_a, drawn_a), (found_b, drawn_b) = (self._crossings(self._scheme(s), most) for s in (scheme, over))
        return ratio(np.asarray(self.rates), (found_a, found_b), (drawn_a, drawn_b), self._coverage)

    def price(self, scheme: str) -> tuple[bool, bool, int]:
        """What a scheme takes, the dearest first: a map of faults, cells read one by one, cells besides."""
        i = self._scheme(scheme)
        return self.known_map[i], self.digital_read[i], self.extra[i]

    def standing(self, scheme: str, drop: float | None = None) -> tuple[float, float]:
        """What schemes are ranked by: the rate tolerated, then what the last rate measured leaves; more is better.

        A rate below all measured is 0, one beyond them infinity.
        """
        return choice.standing(self, scheme, self._most(drop))

    def ranked(self, drop: float | None = None) -> list[str]:
        """Schemes, the one that stands most first."""
        return choice.ranked(self, self._most(drop))

    def level(self, drop: float | None = None, among: Iterable[str] | None = None) -> list[str]:
        """The scheme that stands most, and those that these chips do not tell from it, ranked.

        Two are told apart where the whole interval of their :meth:`gain` is above 1, or where the better one stands
        every rate measured and the whole interval of their :meth:`difference` at the last one is above 0.

        Args:
            drop: as for :meth:`tolerated`.
            among: schemes to choose from; all if ``None``.
        """
        return choice.level(self, self._most(drop), self._among(among))

    def recommended(self, drop: float | None = None, among: Iterable[str] | None = None) -> str:
        """The scheme to take: of :meth:`level` the one of the lowest :meth:`price`.

        Cheaper is: needs no map of faults, then does not read cells one by one, then fewer cells besides. Of several at
        one price it is the one that stands most.

        Args:
            drop: as for :meth:`tolerated`.
            among: schemes to choose from; all if ``None``.
        """
        return choice.cheapest(self, self._most(drop), self._among(among))

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a scheme and rate (fractions)."""
        out = []
        for i, scheme in enumerate(self.schemes):
            for rate, drop in zip(self.rates, self.drop(scheme), strict=True):
                population = self.at(scheme, rate)
                named = {"mean": population.mean, "drop": drop}
                named |= {f"p{k:g}": population.percentile(k) for k in self.percentiles}
                row: dict[str, Any] = {"scheme": scheme, "rate": rate, "chips": self.chips}
                for name, interval in named.items():
                    row |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
                row |= {"std": population.std, "min": population.minimum, "ideal": self.ideal[i]}
                printed = published(scheme, rate) if "mrpc" in self.data.lower() else None
                out.append(row | {"overhead": self.overhead[i], "published": printed["mean"] if printed else None})
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out |= {name: list(out[name]) for name in LISTS} | {"values": nulls(self.values)}
        finite = [v if math.isfinite(v) else None for v in (self.digital, *self.ideal)]
        return out | {"digital": finite[0], "ideal": finite[1:]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FaultCurves:
        """The curves that :meth:`to_dict` wrote."""
        lists: dict[str, Any] = {name: tuple(data[name]) for name in LISTS if name in data}
        ideal = tuple(math.nan if v is None else float(v) for v in data["ideal"])
        digital = math.nan if data["digital"] is None else float(data["digital"])
        values = np.asarray(data["values"], dtype=np.float64)
        return cls(**(data | lists | {"ideal": ideal, "digital": digital, "values": values}))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything as JSON; :meth:`load` reads it back.

        Raises:
            OutputError: the file could not be written; nothing half-written is left behind.
        """
        from mho.files import write_json

        return write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FaultCurves:
        """What :meth:`save` wrote, or ``mho faults --json``.

        Raises:
            CheckpointError: the file is missing, or holds something else.
        """
        return cls.from_dict(read_json(path, "fault curves", cls, within="curves"))

    def __str__(self) -> str:
        return wording.curves(self)

    @cached_property
    def _coverage(self) -> float:
        """Coverage of intervals of populations; ``nan`` where there is but one chip to draw from."""
        return self.confidence if self.chips > 1 else math.nan

    @cached_property
    def _drawn(self) -> NDArray[np.float64]:
        return resampled(self._drops(self.values), self.seed)

    def _crossings(self, scheme: int, drop: float) -> tuple[float, NDArray[np.float64]]:
        rates = np.asarray(self.rates)
        mean = np.asarray([mean_interval(row).value for row in self._drops(self.values[scheme])])
        return float(crossing(rates, mean, drop)), crossing(rates, self._drawn[:, scheme], drop)

    def _drops(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.digital - values if self.higher_is_better else values - self.digital

    def _most(self, drop: float | None) -> float:
        return wording.drop_of(self) if drop is None else checked(drop)

    def _among(self, wanted: Iterable[str] | None) -> tuple[str, ...] | None:
        names = None if wanted is None else tuple(wanted)
        if names == ():
            raise SpecError("among= names no scheme")
        return names

    def _scheme(self, name: str) -> int:
        if name not in self.schemes:
            raise unknown("scheme", name, self.schemes)
        return self.schemes.index(name)

    def _rate(self, wanted: float) -> int:
        return position(wanted, self.rates)


def position(wanted: float, rates: tuple[float, ...]) -> int:
    """Which of ``rates`` is meant.

    Raises:
        SpecError: none.
    """
    for i, rate in enumerate(rates):
        if abs(rate - wanted) <= 1e-9 * rate:
            return i
    raise SpecError(f"no rate {wanted:g} in this result; it has {', '.join(f'{r:g}' for r in rates)}")


def unlucky(metric: Metric, percentiles: tuple[float, ...] = (1, 5)) -> tuple[float, ...]:
    """Where the unlucky chips are: the ``percentiles`` of accuracy, those as far from the top of what shall be low."""
    return percentiles if metric.higher_is_better else tuple(100 - k for k in percentiles)


def read_json(path: str | os.PathLike[str], what: str, kind: type[Any], within: str = "") -> dict[str, Any]:
    """The mapping in a JSON file, or ``within`` it, that has every field that ``kind`` cannot do without.

    Raises:
        CheckpointError: the file is missing, or holds something else.
    """
    import dataclasses

    try:
        data = json.loads(Path(path).read_text())
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError:
        raise CheckpointError(f"{path} is no JSON; .save(path) writes {what}") from None
    data = data.get(within, data) if isinstance(data, dict) else data
    known = {f.name: f for f in dataclasses.fields(kind)}
    needed = {n for n, f in known.items() if f.default is f.default_factory is dataclasses.MISSING}
    if not isinstance(data, dict) or not needed <= set(data) <= set(known):
        raise CheckpointError(f"{path} holds no {what}; .save(path) writes them")
    return data


def checked(drop: float, name: str = "drop") -> float:
    """``drop``, if a metric can drop by so much.

    Raises:
        SpecError: it is no number above zero.
    """
    if isinstance(drop, bool) or not isinstance(drop, int | float) or not 0 < drop < math.inf:
        raise SpecError(f"{name}={drop!r} must be a number above zero, in units of the metric: 10 points are 0.1")
    return float(drop)
