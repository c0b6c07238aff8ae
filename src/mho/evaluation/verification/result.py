"""What :func:`mho.verify` returns: accuracy against write cycles, a curve for every ranking."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.errors import SpecError, unknown
from mho.evaluation.population import Population, nulls
from mho.evaluation.statistics import Interval, mean_interval
from mho.evaluation.verification.speed import speedup
from mho.evaluation.verification.wording import loop, points
from mho.units import Clock, age_column

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Metric of every chip when some fraction of its weights is verified, in the order of each ranking.

    Chip i has the same random numbers at every point: a weight that is verified at 10 % keeps its state at 20 %.

    Attributes:
        rankings: first axis.
        fractions: second axis, of the weights (or cells) that are verified; 0 is none.
        values: ``(ranking, fraction, chip)`` metric on the test data.
        nwc: ``(ranking, fraction)`` normalised write cycles: those of verified cells over those of verifying all.
        nwc_with_first_write: ``(ranking, fraction)`` the same with the single write of the other cells counted too.
        cycles: ``(ranking, fraction)`` write cycles of a chip in all.
        failures: ``(ranking, fraction)`` verified cells of a chip that stay outside the tolerance.
        seconds: ``(ranking, fraction)`` time to write a chip, ``None`` where no time of a cycle is known.
        joules: ``(ranking, fraction)`` energy, likewise.
        cells: cells of a chip.
        target_drop: largest loss on the calibration data, against the digital network, with which the loop of
            :class:`mho.programming.Selective` stops; ``None`` if it was not run.
        needed: ``(ranking, chip)`` fraction at which it stopped; nan where verifying all did not do.
        needed_nwc: ``(ranking, chip)`` the write cycles of that, normalised.
        reached: ``(ranking, chip)`` metric on the test data there (of all verified where it did not stop).
        digital: metric of the network as it was passed in.
        ideal: metric of the quantised network on noiseless cells.
        metric: its name.
        bounded: the metric is a fraction and is shown in percent.
        confidence: two-sided coverage of every interval.
        label: what tables call the result.
        data: name of the test data.
        images: their number.
        calibration: name of the data that the loop looked at, empty without a loop.
        calibration_images: their number.
        sensitivity: name and number of images of the data that curvatures come from; empty where none was needed.
        higher_is_better: as it is of accuracy.
        unit: what the fractions are of: ``"weight"`` or ``"cell"``.
        sigma: severity, ``None`` for the device's own.
        age: since programming, in units of ``clock``.
        memory: YAML of the memory, or of the rules.
        seed: of the deployment.
        first_chip: number of the first chip.
        references: BibTeX keys.
        provenance: versions, device and wall time.
        clock: what an age counts: seconds (``"s"``) or inferences.
    """

    rankings: tuple[str, ...]
    fractions: tuple[float, ...]
    values: Array
    nwc: Array
    nwc_with_first_write: Array
    cycles: Array
    failures: Array
    cells: int
    digital: float
    ideal: float
    metric: str
    label: str
    data: str
    images: int
    seconds: Array | None = None
    joules: Array | None = None
    target_drop: float | None = None
    needed: Array | None = None
    needed_nwc: Array | None = None
    reached: Array | None = None
    bounded: bool = True
    confidence: float = 0.95
    calibration: str = ""
    calibration_images: int = 0
    sensitivity: str = ""
    higher_is_better: bool = True
    unit: str = "weight"
    sigma: float | None = None
    age: float = 0.0
    memory: str = ""
    seed: int = 0
    first_chip: int = 0
    references: tuple[str, ...] = ("yan2022swim",)
    provenance: dict[str, Any] = field(default_factory=dict)
    clock: Clock = "s"

    @property
    def chips(self) -> int:
        """Chips evaluated at every point."""
        return int(self.values.shape[2])

    def at(self, ranking: str, fraction: float) -> Population:
        """The chips of one point."""
        i = self._row(ranking)
        near = [j for j, f in enumerate(self.fractions) if math.isclose(f, fraction, abs_tol=1e-12)]
        if not near:
            has = ", ".join(f"{f:g}" for f in self.fractions)
            raise SpecError(f"no fraction {fraction:g} in this result; it has {has}")
        values = self.values[i, near[0]]
        return Population(
            values=values, ekl_values=None, sigma=self.sigma, age=self.age, confidence=self.confidence, clock=self.clock
        )

    def area(self, ranking: str, other: str | None = None) -> Interval:
        """Mean metric over NWC from 0 to 1 by :meth:`areas`; less that of ``other`` if one is given.

        Raises:
            SpecError: nothing verified, or everything, was not measured.
        """
        if (self.fractions[0], self.fractions[-1]) != (0, 1):
            raise SpecError("the mean over NWC takes fractions from 0 to 1; measure both ends")
        areas = self.areas(ranking) - (0.0 if other is None else self.areas(other))
        return mean_interval(areas, self.confidence)

    def areas(self, ranking: str) -> Array:
        """``(chips,)`` mean metric of each chip over the NWC that was measured (trapezoids)."""
        i = self._row(ranking)
        out: Array = np.trapezoid(self.values[i], self.nwc[i], axis=0)
        return out

    def speedup(self, drop: float) -> dict[str, tuple[float, float, float]]:
        """Ranking to 1 / NWC at the fewest write cycles whose mean metric is within ``drop`` of verifying all.

        With the limits of a bootstrap over chips, 2,000 resamples with a fixed key. Only the fractions that were
        measured count: nothing is interpolated. Infinite where chips that nobody verifies are good enough.

        Raises:
            SpecError: the drop is no fraction, everything verified was not measured, or less of the metric is better.
        """
        if isinstance(drop, str | bool) or not hasattr(drop, "__float__"):
            raise SpecError(f"drop={drop!r} is a {type(drop).__name__}; it takes a number, such as 0.005")
        if self.bounded and not 0 <= drop < 1:
            raise SpecError(f"drop={drop:g} must lie between 0 and 1; half a point is 0.005")
        if self.fractions[-1] != 1:
            raise SpecError(f"speed-ups compare with everything verified; the last fraction is {self.fractions[-1]:g}")
        if not self.higher_is_better:
            raise SpecError(f"speed-ups take a metric of which more is better; {self.metric} is none")
        return {
            name: speedup(self.values[i], self.nwc[i], drop, self.confidence) for i, name in enumerate(self.rankings)
        }

    def _row(self, ranking: str) -> int:
        if ranking not in self.rankings:
            raise unknown("ranking", ranking, self.rankings)
        return self.rankings.index(ranking)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per ranking and fraction, for tables, CSV and JSON."""
        return [self._record(i, j) for i in range(len(self.rankings)) for j in range(len(self.fractions))]

    def _record(self, i: int, j: int) -> dict[str, Any]:
        p = self.at(self.rankings[i], self.fractions[j])
        out: dict[str, Any] = {"label": self.label, "sigma": self.sigma, age_column(self.clock): self.age}
        out |= {"ranking": self.rankings[i], "fraction": self.fractions[j]}
        named = ("nwc", "nwc_with_first_write", "cycles", "failures", "seconds", "joules")
        out |= {name: float(getattr(self, name)[i, j]) for name in named if getattr(self, name) is not None}
        for name, interval in {"mean": p.mean, "p1": p.percentile(1), "p5": p.percentile(5)}.items():
            out |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return out | {"min": p.minimum, "std": p.std, "chips": len(p.values)}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: nulls(v) if isinstance(v, np.ndarray) else v for k, v in out.items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Verification:
        """The result that :meth:`to_dict` wrote."""
        arrays = {f.name for f in fields(cls) if "Array" in str(f.type)}
        made = {k: np.asarray(v, dtype=np.float64) if k in arrays and v is not None else v for k, v in data.items()}
        return cls(**(made | {k: tuple(data[k]) for k in ("rankings", "fractions", "references") if k in data}))

    def __str__(self) -> str:
        return "\n".join([points(self), *loop(self)])
