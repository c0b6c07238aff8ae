"""What an evaluation returns: arrays with named axes (sigma, age, chip) and the statistics of every population."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.errors import SpecError
from mho.evaluation.statistics import Interval, mean_interval, percentile_interval, yield_interval
from mho.text import table
from mho.units import format_duration, percent, significant


@dataclass(frozen=True, kw_only=True)
class Population:
    """The chips at one sigma and one age.

    Attributes:
        values: ``(chips,)`` metric of each chip (accuracy is a fraction).
        ekl: ``(chips,)`` mean ``-log p_y`` (nats) over the samples each chip classifies correctly, or ``None``.
        sigma: the device's sigma, ``None`` where the device keeps its own.
        age: seconds since programming.
        confidence: two-sided coverage of every interval.
    """

    values: NDArray[np.float64]
    ekl_values: NDArray[np.float64] | None
    sigma: float | None
    age: float
    confidence: float = 0.95

    @property
    def mean(self) -> Interval:
        """Mean over chips, Student-t interval."""
        return mean_interval(self.values, self.confidence)

    @property
    def std(self) -> float:
        """Standard deviation between chips (ddof = 1)."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else float("nan")

    @property
    def minimum(self) -> float:
        """Worst chip seen; no bound on the worst chip possible."""
        return float(self.values.min())

    @property
    def ekl(self) -> Interval | None:
        """Expected KL divergence from the label, over correctly classified samples (nats) [qin2025neft]."""
        return None if self.ekl_values is None else mean_interval(self.ekl_values, self.confidence)

    def percentile(self, k: float) -> Interval:
        """k-th percentile performance (KPP) with its order-statistic interval [yan2023trice]."""
        return percentile_interval(self.values, k, self.confidence)

    def yield_above(self, threshold: float) -> Interval:
        """Fraction of chips at or above ``threshold``, Clopper-Pearson interval."""
        return yield_interval(self.values, threshold, self.confidence)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Metric of every chip at every sigma and age.

    Attributes:
        values: ``(sigma, age, chip)`` float64.
        ekl: the same shape (nats), ``None`` for models that are no classifiers.
        sigma: values of the first axis; ``(None,)`` where the device keeps its own sigma.
        age: values of the second axis, seconds.
        metric: name of the metric; its values are fractions for accuracies.
        ideal: the metric of the quantised model on noiseless cells.
        digital: the metric of the model as it was passed in.
        images: number of test samples every chip was judged on.
        percentiles: percentiles that tables print.
        seed: seed of the deployment; chip i of this seed is always the same chip.
        label: what tables call this result (usually the device).
        data: name of the test set.
        first_chip: number of the first chip.
        bounded: the metric is a fraction and is shown in percent.
        provenance: versions, device, batching and wall time.
    """

    values: NDArray[np.float64]
    ekl: NDArray[np.float64] | None
    sigma: tuple[float | None, ...]
    age: tuple[float, ...]
    metric: str
    ideal: float
    digital: float
    images: int
    percentiles: tuple[float, ...] = (1.0, 5.0)
    threshold: float | None = None
    confidence: float = 0.95
    seed: int = 0
    label: str = ""
    data: str = ""
    first_chip: int = 0
    bounded: bool = True
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Names and coordinates of the axes of ``values``."""
        return {
            "sigma": self.sigma,
            "age": self.age,
            "chip": tuple(range(self.first_chip, self.first_chip + self.chips)),
        }

    @property
    def chips(self) -> int:
        """Chips evaluated at every point."""
        return int(self.values.shape[2])

    def at(self, *, sigma: float | None = None, age: float | None = None) -> Population:
        """The population at one point; an axis of length one needs no coordinate."""
        i = _position("sigma", sigma, self.sigma)
        j = _position("age", age, self.age)
        return Population(
            values=self.values[i, j],
            ekl_values=None if self.ekl is None else self.ekl[i, j],
            sigma=self.sigma[i],
            age=self.age[j],
            confidence=self.confidence,
        )

    def populations(self) -> Iterator[Population]:
        """Every population, sigma outermost."""
        for sigma in self.sigma:
            for age in self.age:
                yield self.at(sigma=sigma, age=age)

    def __len__(self) -> int:
        return len(self.sigma) * len(self.age)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per population, for tables, CSV and JSON (fractions, seconds, nats)."""
        return [self._row(p) for p in self.populations()]

    def _row(self, p: Population) -> dict[str, Any]:
        row: dict[str, Any] = {"label": self.label, "sigma": p.sigma, "age_s": p.age, "chips": self.chips}
        named: dict[str, Interval | None] = {"mean": p.mean}
        named |= {f"p{k:g}": p.percentile(k) for k in self.percentiles}
        if self.threshold is not None:
            named[f"yield>={self.threshold:g}"] = p.yield_above(self.threshold)
        named["ekl"] = p.ekl
        for name, interval in named.items():
            if interval is not None:
                row |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return row | {"std": p.std, "min": p.minimum}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        from dataclasses import fields

        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out |= {"values": _nulls(self.values), "ekl": None if self.ekl is None else _nulls(self.ekl)}
        return out | {k: out[k] if math.isfinite(out[k]) else None for k in ("digital", "ideal")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Result:
        """The result that :meth:`to_dict` wrote."""
        data = data | {k: math.nan if data[k] is None else data[k] for k in ("digital", "ideal")}
        lists = {k: tuple(data[k]) for k in ("sigma", "age", "percentiles")}
        arrays = {k: None if data[k] is None else np.asarray(data[k], dtype=np.float64) for k in ("values", "ekl")}
        return cls(**(data | lists | arrays))

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        columns = [*(f"p{k:g}" for k in self.percentiles)]
        columns += [f"yield≥{show(self.threshold)}"] if self.threshold is not None else []
        header = ["sigma", "age", "mean", *columns, "min", "std", *(["EKL"] if self.ekl is not None else [])]
        rows = []
        for p in self.populations():
            shown = [_spell(p.mean, show), *(_spell(p.percentile(k), show) for k in self.percentiles)]
            shown += [_spell(p.yield_above(self.threshold), percent)] if self.threshold is not None else []
            shown += [show(p.minimum), show(p.std)]
            shown += [] if p.ekl is None else [significant(p.ekl.value)]
            sigma = "device's" if p.sigma is None else f"{p.sigma:g}"
            rows.append([sigma, format_duration(p.age), *shown])
        title = (
            f"{self.label}: {self.metric}{' in %' if self.bounded else ''}, {self.chips} chips x {self.images} "
            f"samples, seed {self.seed}; digital {show(self.digital)}, noiseless cells {show(self.ideal)}; "
            f"[{100 * self.confidence:g} % intervals over chips]"
        )
        return table(header, rows, left=2, title=title)


def _nulls(values: NDArray[np.float64]) -> Any:
    """Nested lists with ``None`` for nan and infinity, which JSON does not have."""
    listed = values.astype(object)
    listed[~np.isfinite(values)] = None
    return listed.tolist()


def _position(axis: str, wanted: float | None, have: tuple[float | None, ...]) -> int:
    if wanted is None and len(have) == 1:
        return 0
    for i, value in enumerate(have):
        if value == wanted or (value is not None and wanted is not None and abs(value - wanted) <= 1e-9 * abs(value)):
            return i
    shown = ", ".join(format_duration(v) if axis == "age" and v is not None else str(v) for v in have)
    raise SpecError(f"no {axis} {wanted} in this result; it has {shown}")


def _spell(interval: Interval, show: Callable[[float], str]) -> str:
    return f"{show(interval.value)} [{show(interval.low)}, {show(interval.high)}]"
