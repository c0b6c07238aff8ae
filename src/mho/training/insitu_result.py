"""What in-situ training returns: the metric of every chip after so many writes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mho.errors import SpecError
from mho.evaluation.population import nulls
from mho.evaluation.statistics import Interval, mean_interval
from mho.text import table
from mho.units import percent, significant


@dataclass(frozen=True, kw_only=True)
class InSitu:
    """Metric of chips that were trained where they are.

    Attributes:
        iterations: ``(points,)`` iterations after which chips were judged; 0 is the chip as first programmed.
        values: ``(chips, points)`` float64.
        metric: name of the metric; its values are fractions for accuracies.
        bounded: the metric is a fraction and is shown in percent.
        images: number of test samples.
        seed: seed of the deployment.
        first_chip: number of the first chip.
        sigma: severity, ``None`` for the device's own.
        lr: learning rate.
        momentum: of the optimiser.
        batch_size: samples per iteration.
        label: what tables call it (usually the device).
        data: name of the training data.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022swim",)

    iterations: tuple[int, ...]
    values: NDArray[np.float64]
    metric: str
    bounded: bool
    images: int
    seed: int
    first_chip: int
    sigma: float | None
    lr: float
    momentum: float
    batch_size: int
    label: str = ""
    data: str = ""

    @property
    def writes(self) -> NDArray[np.int64]:
        """``(points,)`` writes per weight, without the one that every chip needs first."""
        return np.array(self.iterations, dtype=np.int64)

    def nwc(self, mean_cycles: float) -> NDArray[np.float64]:
        """``(points,)`` normalised write cycles: writes per weight over those of verifying every weight.

        Args:
            mean_cycles: write cycles that a cell takes on average when it is verified; those of a deployment are
                ``sum(p.cost.cycles) / sum(p.cost.cells)`` over ``chips.programmed(by_cell=True).values()``.

        Raises:
            SpecError: fewer than one cycle.
        """
        if not mean_cycles >= 1:
            raise SpecError(f"mean_cycles={mean_cycles:g} must be at least 1: a cell is written before it is verified")
        return self.writes / mean_cycles

    @property
    def mean(self) -> tuple[Interval, ...]:
        """Mean over chips at every point, with its 95 % Student-t interval."""
        return tuple(mean_interval(column) for column in self.values.T)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"values": nulls(self.values)}

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        rows = []
        for iteration, column, mean in zip(self.iterations, self.values.T, self.mean, strict=True):
            interval = f"{show(mean.value)} [{show(mean.low)}, {show(mean.high)}]"
            rows.append([iteration, interval, show(float(column.min()))])
        chips, samples = len(self.values), f"{self.images:,} samples"
        title = (
            f"{self.label}: in-situ training on {self.data}, {self.metric}{' in %' if self.bounded else ''}, "
            f"{chips:,} chips x {samples}, seed {self.seed}; [95 % intervals over chips]"
        )
        return table(["writes per weight", "mean", "min"], rows, left=0, title=title)
