"""What an evaluation returns: arrays with named axes (sigma, age, chip) and the statistics of every population."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.errors import SpecError
from mho.evaluation import accounts
from mho.evaluation.population import Population, nulls
from mho.evaluation.sampled import Screening
from mho.evaluation.statistics import Interval
from mho.evaluation.writing import Writing
from mho.text import table
from mho.units import Clock, age_column, age_heading, format_age, percent, significant


@dataclass(frozen=True, kw_only=True)
class Result:
    """Metric of every chip at every sigma and age.

    Attributes:
        values: ``(sigma, age, chip)`` float64; where chips were sampled, best estimates and ``nan`` for no chip.
        ekl: the same shape (nats), ``None`` for models that are no classifiers.
        sigma: values of the first axis; ``(None,)`` where the device keeps its own sigma.
        age: values of the second axis, in units of ``clock``.
        metric: name of the metric; its values are fractions for accuracies.
        ideal: the metric of the quantised model on noiseless cells.
        digital: the metric of the model as it was passed in.
        images: number of test samples, all of which every chip of a plain evaluation was judged on.
        percentiles: percentiles that tables print.
        seed: seed of the deployment; chip i of this seed is always the same chip.
        label: what tables call this result (usually the device).
        data: name of the test set.
        first_chip: number of the first chip.
        bounded: the metric is a fraction and is shown in percent.
        provenance: versions, device, batching and wall time.
        screening: how far every chip is known, where :func:`mho.evaluate` was given a ``precision``.
        writing: what programming a chip costs, at every sigma.
        clock: what an age counts: seconds (``"s"``) or inferences.
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
    screening: Screening | None = None
    writing: Writing | None = None
    clock: Clock = "s"

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
        """Chips evaluated at every point; of an adaptive evaluation, at the point that took most."""
        return int(self.values.shape[2])

    @property
    def images_per_chip(self) -> NDArray[np.int64] | None:
        """``(sigma, age, chip)`` images that each chip was judged on, ``None`` where that is all of them."""
        return None if self.screening is None else self.screening.images

    @property
    def spent(self) -> int:
        """Chip-images judged."""
        return self.values.size * self.images if self.screening is None else self.screening.spent

    @property
    def plain(self) -> int:
        """Chip-images with which chips judged on all images are foreseen to give intervals as narrow as these."""
        return self.spent if self.screening is None else accounts.plain(self, self.screening)

    def at(self, *, sigma: float | None = None, age: float | None = None) -> Population:
        """The population at one point; an axis of length one needs no coordinate."""
        i = _position("sigma", sigma, self.sigma)
        j = _position("age", age, self.age, self.clock)
        plain = Population(
            values=self.values[i, j],
            ekl_values=None if self.ekl is None else self.ekl[i, j],
            sigma=self.sigma[i],
            age=self.age[j],
            confidence=self.confidence,
            clock=self.clock,
        )
        return plain if self.screening is None else self.screening.at(i, j, self.images, plain)

    def populations(self) -> Iterator[Population]:
        """Every population, sigma outermost."""
        for sigma in self.sigma:
            for age in self.age:
                yield self.at(sigma=sigma, age=age)

    def __len__(self) -> int:
        return len(self.sigma) * len(self.age)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per population, for tables, CSV and JSON (fractions, seconds or inferences, nats)."""
        return [self._row(p) for p in self.populations()]

    def _row(self, p: Population) -> dict[str, Any]:
        row: dict[str, Any] = {"label": self.label, "sigma": p.sigma, age_column(self.clock): p.age}
        row["chips"] = len(p.values)
        named: dict[str, Interval | None] = {"mean": p.mean}
        named |= {f"p{k:g}": p.percentile(k) for k in self.percentiles}
        if self.threshold is not None:
            named[f"yield>={self.threshold:g}"] = p.yield_above(self.threshold)
        named["ekl"] = p.ekl
        for name, interval in named.items():
            if interval is not None:
                row |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        costs = {} if self.writing is None else self.writing.row(self.sigma.index(p.sigma))
        return row | {"std": p.std, "min": p.minimum} | costs

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        from dataclasses import fields

        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out |= {"values": nulls(self.values), "ekl": None if self.ekl is None else nulls(self.ekl)}
        out |= {"screening": None if self.screening is None else self.screening.to_dict()}
        out |= {"writing": None if self.writing is None else self.writing.to_dict()}
        return out | {k: out[k] if math.isfinite(out[k]) else None for k in ("digital", "ideal")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Result:
        """The result that :meth:`to_dict` wrote."""
        data = data | {k: math.nan if data[k] is None else data[k] for k in ("digital", "ideal")}
        lists = {k: tuple(data[k]) for k in ("sigma", "age", "percentiles")}
        arrays = {k: None if data[k] is None else np.asarray(data[k], dtype=np.float64) for k in ("values", "ekl")}
        screening, writing = data.get("screening"), data.get("writing")
        made = {
            "screening": None if screening is None else Screening.from_dict(screening),
            "writing": None if writing is None else Writing.from_dict(writing),
        }
        return cls(**(data | lists | arrays | made))

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        columns = [*(f"p{k:g}" for k in self.percentiles)]
        columns += [f"yield≥{show(self.threshold)}"] if self.threshold is not None else []
        # Nothing on racetracks has a sigma.
        severe = self.clock != "inferences" or self.sigma != (None,)
        header = [*["sigma"] * severe, age_heading(self.clock), "mean", *columns, "min", "std"]
        header += ["EKL"] if self.ekl is not None else []
        rows = []
        for p in self.populations():
            shown = [_spell(p.mean, show), *(_spell(p.percentile(k), show) for k in self.percentiles)]
            shown += [_spell(p.yield_above(self.threshold), percent)] if self.threshold is not None else []
            shown += [show(p.minimum), show(p.std)]
            shown += [] if p.ekl is None else [significant(p.ekl.value)]
            sigma = "device's" if p.sigma is None else f"{p.sigma:g}"
            rows.append([*[sigma] * severe, format_age(p.age, self.clock), *shown])
        title = (
            f"{self.label}: {self.metric}{' in %' if self.bounded else ''}, {accounts.size(self)} samples, "
            f"seed {self.seed}; digital {show(self.digital)}, noiseless cells {show(self.ideal)}; "
            f"[{100 * self.confidence:g} % intervals over chips]"
        )
        costs = [] if self.writing is None else self.writing.lines(self.sigma)
        return "\n".join([table(header, rows, left=1 + severe, title=title), *costs, *accounts.lines(self)])


def _position(axis: str, wanted: float | None, have: tuple[float | None, ...], clock: Clock = "s") -> int:
    if wanted is None and len(have) == 1:
        return 0
    for i, value in enumerate(have):
        if value == wanted or (value is not None and wanted is not None and abs(value - wanted) <= 1e-9 * abs(value)):
            return i
    shown = ", ".join(format_age(v, clock) if axis == "age" and v is not None else str(v) for v in have)
    raise SpecError(f"no {axis} {wanted} in this result; it has {shown}")


def _spell(interval: Interval, show: Callable[[float], str]) -> str:
    return f"{show(interval.value)} [{show(interval.low)}, {show(interval.high)}]"
