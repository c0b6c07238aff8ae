"""What an adaptive evaluation keeps: how far every chip is known, and the statistics that take that into account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.betting import mean_of
from mho.evaluation.boundaries import Looks
from mho.evaluation.population import Population, nulls
from mho.evaluation.screening import denoised, screened_percentile, screened_yield
from mho.evaluation.statistics import Interval


@dataclass(frozen=True, kw_only=True)
class Sampled(Population):
    """The chips at one sigma and one age, of which most were judged on a part of the images.

    ``values`` are best estimates. Intervals cover with ``confidence`` each, over chips and images, whatever the looks
    at which the evaluation could have stopped.

    Attributes:
        first: ``(chips,)`` metric on the first look's images: the chips' unbiased, independent estimates.
        low, high: ``(chips,)`` bounds on the metric of the whole set.
        images: ``(chips,)`` how many images each chip was judged on.
        look: images of the first look.
        total: images in the test set.
        looks: when the evaluation looked at its intervals, the last time now.
        chip_error: probability that a chip's bound is wrong, a side.
        counted: the metric is a mean of hits.
        span: limits of the metric, ``None`` where it has none.
    """

    first: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    images: NDArray[np.int64]
    look: int
    total: int
    looks: Looks
    chip_error: float
    counted: bool
    span: tuple[float, float] | None

    @property
    def mean(self) -> Interval:
        """Mean over chips, of first looks, since who was looked at again depends on how it did.

        The interval holds for every distribution (:func:`mho.evaluation.betting.betting_interval`) where the metric has
        limits; otherwise it is Student's, an approximation.
        """
        return mean_of(self.first, self.looks, self.span)

    @property
    def std(self) -> float:
        """Standard deviation between chips: that of the first look less what drawing images adds to it."""
        if len(self.first) < 2:
            return float("nan")
        y, m = self.first, self.look
        within = float((y * (1 - y)).mean()) * m / max(1, m - 1) if self.counted else 0.0
        return float(np.sqrt(max(0.0, y.var(ddof=1) - within * (1 / m - 1 / self.total))))

    @property
    def minimum(self) -> float:
        """Worst chip seen, ``nan`` unless it was judged on all images; no bound on the worst chip possible."""
        worst = int(np.argmin(self.values))
        return float(self.values[worst]) if self.images[worst] == self.total else float("nan")

    def percentile(self, k: float) -> Interval:
        """k-th percentile performance (KPP) with an order-statistic interval of the chips' bounds."""
        return screened_percentile(self.values, self.low, self.high, k, error=self.chip_error, looks=self.looks)

    def yield_above(self, threshold: float) -> Interval:
        """Fraction of chips at or above ``threshold``, Clopper-Pearson interval of the chips' bounds."""
        return screened_yield(
            self.values, self.low, self.high, threshold, error=self.chip_error, confidence=1 - self.looks.share
        )

    def named(self, name: str, threshold: float | None) -> Interval:
        """The interval that a precision names: ``"mean"``, ``"p1"``, ``"yield"``."""
        if name == "mean":
            return self.mean
        if name == "yield":
            assert threshold is not None
            return self.yield_above(threshold)
        return self.percentile(float(name[1:]))

    def plain_chips(self, name: str, threshold: float | None) -> int:
        """Chips, each judged on all images, whose plain interval is foreseen to be as narrow as this one.

        The plain protocol looks once, so has all the error for one look; its chips have no noise of images; and its
        percentiles and yields are not widened by chips that are known between bounds only. Its width with this many
        chips is foreseen from these, and falls with their root.
        """
        n, reached = len(self.values), self.named(name, threshold).half_width
        if name == "mean":
            from scipy.special import ndtri

            width = -float(ndtri((1 - self.confidence) / 2)) * self.std / n**0.5
        else:
            values = denoised(self.values, self.images, self.look, self.total) if self.counted else self.values
            plain = Population(values=values, ekl_values=None, sigma=None, age=0.0, confidence=self.confidence)
            if name == "yield":
                assert threshold is not None
                width = plain.yield_above(threshold).half_width
            else:
                width = plain.percentile(float(name[1:])).half_width
        if not (width < reached):
            return n
        return max(2, int(np.ceil(n * (width / reached) ** 2)))


@dataclass(frozen=True, kw_only=True)
class Screening:
    """The part of an adaptive result that a plain one does not have.

    Attributes:
        first, low, high: ``(sigma, age, chip)`` as in :class:`Sampled`; ``nan`` where no chip was made.
        images: ``(sigma, age, chip)`` images that each chip was judged on, 0 where none was made.
        look: ``(sigma, age)`` images of the first look.
        looks: ``[sigma][age]`` when the evaluation looked at its intervals.
        chip_error: probability that a chip's bound is wrong, a side.
        counted: the metric is a mean of hits.
        span: limits of the metric, ``None`` where it has none.
        precision: half-width wanted, by name of the interval.
        cap: most chips.
        look_asked: images of the first look, where the caller chose them.
        spent: chip-images judged, pilots included.
    """

    first: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    images: NDArray[np.int64]
    look: NDArray[np.int64]
    looks: tuple[tuple[Looks, ...], ...]
    chip_error: float
    counted: bool
    span: tuple[float, float] | None
    precision: Mapping[str, float]
    cap: int
    look_asked: int | None
    spent: int

    def at(self, i: int, j: int, total: int, plain: Population) -> Sampled:
        """The population at one point, with the values of ``plain``."""
        made = self.images[i, j] > 0
        return Sampled(
            values=plain.values[made],
            ekl_values=None,
            sigma=plain.sigma,
            age=plain.age,
            confidence=plain.confidence,
            clock=plain.clock,
            first=self.first[i, j][made],
            low=self.low[i, j][made],
            high=self.high[i, j][made],
            images=self.images[i, j][made],
            look=int(self.look[i, j]),
            total=total,
            looks=self.looks[i][j],
            chip_error=self.chip_error,
            counted=self.counted,
            span=self.span,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out |= {n: nulls(getattr(self, n)) for n in ("first", "low", "high")}
        out |= {n: getattr(self, n).tolist() for n in ("images", "look")}
        out |= {"looks": [[looks.written() for looks in line] for line in self.looks]}
        return out | {"precision": dict(self.precision)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Screening:
        """What :meth:`to_dict` wrote."""
        real = {n: np.asarray(data[n], dtype=np.float64) for n in ("first", "low", "high")}
        whole = {n: np.asarray(data[n], dtype=np.int64) for n in ("images", "look")}
        looks = tuple(tuple(Looks.read(history) for history in line) for line in data["looks"])
        span = None if data["span"] is None else tuple(data["span"])
        return cls(**{**data, **real, **whole, "looks": looks, "span": span})
