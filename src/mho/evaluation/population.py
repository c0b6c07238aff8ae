"""The chips at one sigma and one age, and their statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.statistics import Interval, mean_interval, percentile_interval, yield_interval
from mho.units import Clock


@dataclass(frozen=True, kw_only=True)
class Population:
    """The chips at one sigma and one age.

    Attributes:
        values: ``(chips,)`` metric of each chip (accuracy is a fraction).
        ekl: ``(chips,)`` mean ``-log p_y`` (nats) over the samples each chip classifies correctly, or ``None``.
        sigma: the device's sigma, ``None`` where the device keeps its own.
        age: since programming, in units of ``clock``.
        confidence: two-sided coverage of every interval.
        clock: what an age counts: seconds or inferences.
    """

    values: NDArray[np.float64]
    ekl_values: NDArray[np.float64] | None
    sigma: float | None
    age: float
    confidence: float = 0.95
    clock: Clock = "s"

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


def nulls(values: NDArray[np.float64]) -> Any:
    """Nested lists with ``None`` for nan and infinity, which JSON does not have."""
    listed = values.astype(object)
    listed[~np.isfinite(values)] = None
    return listed.tolist()
