"""What a comparison returns: the differences of two deployments, chip by chip, and what can be said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.betting import mean_of
from mho.evaluation.boundaries import Looks
from mho.evaluation.population import nulls
from mho.evaluation.screening import screened_percentile
from mho.evaluation.statistics import Interval
from mho.text import table
from mho.units import Clock, format_age, percent, significant


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Deployment b less deployment a, on the same chip numbers and the same images.

    Attributes:
        differences: ``(chips,)`` metric of b less that of a, on the images of each chip's first look.
        low, high: ``(2, chips)`` bounds on the metric of a and of b on the whole set; equal where it is known.
        values: ``(2, chips)`` best estimates.
        images: ``(2, chips)`` images that each was judged on.
        look: images of the first look.
        total: images in the test set.
        looks: when the comparison looked at its intervals, the last time now.
        span: limits of a difference, whose interval then holds for every distribution; ``None`` for Student's.
        chip_error: probability that a chip's bound is wrong, a side.
        labels: what tables call a and b.
        precision: half-widths wanted, empty for a plain comparison.
        age: of both, in units of ``clock``.
        clock: what an age counts: seconds (``"s"``) or inferences.
    """

    differences: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    values: NDArray[np.float64]
    images: NDArray[np.int64]
    look: int
    total: int
    looks: Looks
    span: tuple[float, float] | None
    chip_error: float
    spent: int
    labels: tuple[str, str]
    metric: str
    bounded: bool
    percentiles: tuple[float, ...] = ()
    confidence: float = 0.95
    seed: int = 0
    first_chip: int = 0
    precision: Mapping[str, float] = field(default_factory=dict)
    age: float = 0.0
    clock: Clock = "s"

    @property
    def mean(self) -> Interval:
        """Mean of the paired differences; what both deployments share does not widen its interval."""
        return mean_of(self.differences, self.looks, self.span)

    @property
    def std(self) -> float:
        """Standard deviation of the differences of the first look, the noise of its images included."""
        return float(self.differences.std(ddof=1)) if len(self.differences) > 1 else float("nan")

    def percentile(self, k: float) -> Interval:
        """k-th percentile of b less the k-th percentile of a; each takes half the error, so the interval is wide."""
        a, b = (
            screened_percentile(
                self.values[s], self.low[s], self.high[s], k, error=self.chip_error, looks=self.looks.part(0.5)
            )
            for s in (0, 1)
        )
        return Interval(b.value - a.value, b.low - a.high, b.high - a.low)

    @property
    def missed(self) -> tuple[str, ...]:
        """Names of the intervals that are wider than was asked for, since there were no more chips to make."""
        found = {name: self.mean if name == "mean" else self.percentile(float(name[1:])) for name in self.precision}
        return tuple(name for name, wanted in self.precision.items() if not found[name].half_width <= wanted)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a difference (fractions)."""
        named = {"mean": self.mean} | {f"p{k:g}": self.percentile(k) for k in self.percentiles}
        return [
            {"difference": name, "value": i.value, "low": i.low, "high": i.high, "chips": len(self.differences)}
            for name, i in named.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out |= {n: nulls(getattr(self, n)) for n in ("differences", "low", "high", "values")}
        looks = self.looks.written()
        return out | {"images": self.images.tolist(), "precision": dict(self.precision), "looks": looks}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """What :meth:`to_dict` wrote."""
        arrays = {n: np.asarray(data[n], dtype=np.float64) for n in ("differences", "low", "high", "values")}
        lists = {n: tuple(data[n]) for n in ("labels", "percentiles")}
        looks = {"looks": Looks.read(data["looks"]), "span": None if data["span"] is None else tuple(data["span"])}
        return cls(**{**data, **arrays, **lists, **looks, "images": np.asarray(data["images"], dtype=np.int64)})

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        lines = [[r["difference"], show(r["value"]), f"[{show(r['low'])}, {show(r['high'])}]"] for r in self.rows()]
        fewest, most = int(self.images.min()), int(self.images.max())
        images = f"{fewest}" if fewest == most else f"{fewest}..{most}"
        unit = " in points" if self.bounded else ""
        aged = f"age {format_age(self.age, self.clock, unit=True)}, " if self.age else ""
        title = (
            f"{self.labels[1]} less {self.labels[0]}: {self.metric}{unit}, {len(self.differences)} chips x {images} of "
            f"{self.total} samples, {aged}paired, seed {self.seed}; [{100 * self.confidence:g} % intervals over chips]"
        )
        after = [f"{self.spent:,} chip-images"]
        after += [f"{name} is wider than was asked for: no more chips were allowed (n_chips)" for name in self.missed]
        return "\n".join([table(["", "b - a", "interval"], lines, title=title), *after])
