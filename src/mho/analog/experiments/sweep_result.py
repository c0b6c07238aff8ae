"""What is left of a network that was trained on an array: test errors per algorithm and device."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.analog.algorithm import Algorithm
from mho.analog.experiments import intervals
from mho.errors import UnknownNameError, unknown
from mho.evaluation.population import nulls
from mho.evaluation.statistics import Interval, mean_interval
from mho.spec import from_dict, plain, references
from mho.text import table
from mho.training.recipe import Recipe
from mho.units import percent

ARRAYS = ("errors", "losses", "gradient_pulses", "weight_pulses", "seconds")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One way to train, on one device, with several seeds.

    Attributes:
        label: what tables call it.
        algorithm: as it ran; ``None`` for floating point.
        n_states: of the cells of W; ``None`` for floating point, like the next two.
        reference_std: standard deviation of the reference around the symmetry points.
        bounds: how many times as far off as their own the bounds of the cells are, at the same step at 0.
        has_reference: whether the algorithm has one; if not, it was trained once for all ``reference_std``.
        errors: ``(seeds,)`` share of test samples that are misclassified; ``nan`` where training broke off.
        losses: ``(seeds,)`` test loss.
        gradient_pulses, weight_pulses: ``(seeds,)`` pulses per vector of the device of A (W) that got most; ``nan``
            where there is none. A convolution takes as many vectors a sample as it has positions.
        seconds: ``(seeds,)`` wall time.
    """

    label: str
    algorithm: Algorithm | None
    n_states: float | None
    reference_std: float | None
    bounds: float | None
    has_reference: bool
    errors: NDArray[np.float64]
    losses: NDArray[np.float64]
    gradient_pulses: NDArray[np.float64]
    weight_pulses: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def error(self, confidence: float = 0.95) -> Interval:
        """Mean test error over seeds with its Student-t interval, within 0 and 1; no limits of fewer than three."""
        return intervals.bounded(self.errors, confidence, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        return out | {name: nulls(out[name]) for name in ARRAYS} | {"algorithm": plain(self.algorithm)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Trained:
        """What :meth:`to_dict` wrote."""
        arrays = {name: np.asarray(data[name], dtype=np.float64) for name in ARRAYS}
        algorithm = None if data["algorithm"] is None else from_dict(data["algorithm"])
        return cls(**(data | arrays | {"algorithm": algorithm}))


AXES = ("n_states", "reference_std", "bounds")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Test errors of networks trained on arrays, seed by seed.

    Attributes:
        points: algorithm by algorithm, the axes in the order bounds, states, error of the reference.
        floating: the same network, data and recipe in floating point; ``None`` where it was left out.
        model: what tables call the network.
        data: name of the data.
        images: test samples.
        recipe: how they were trained; of the seed every point takes its own.
        seeds: of start, order, devices and pulses.
        confidence: two-sided coverage of every interval.
        provenance: versions, machine, wall time.
    """

    points: tuple[Trained, ...]
    floating: Trained | None
    model: str
    data: str
    images: int
    recipe: Recipe
    seeds: tuple[int, ...]
    confidence: float = 0.95
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys; see :func:`mho.cite`."""
        specs = [point.algorithm for point in self.points if point.algorithm is not None]
        return tuple(dict.fromkeys(key for spec in specs for key in references(spec)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The algorithms, in order."""
        return tuple(dict.fromkeys(point.label for point in self.points))

    def of(self, label: str, **axes: float) -> Trained:
        """One point, by its algorithm and as many axes (n_states, reference_std, bounds) as tell it from others.

        Raises:
            UnknownNameError: there is none such, or there are several.
        """
        if label not in self.labels:
            raise unknown("algorithm", label, self.labels)
        for name in axes:
            if name not in AXES:
                raise unknown("axis", name, AXES)
        found = [
            point
            for point in self.points
            if point.label == label and all(getattr(point, name) == value for name, value in axes.items())
        ]
        if len(found) != 1:
            said = " and ".join(f"{name}={value:g}" for name, value in axes.items()) or "no axis"
            raise UnknownNameError(f"{label} has {len(found)} points of {said}; name one by {', '.join(AXES)}")
        return found[0]

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a point, floating point last (fractions)."""
        out = []
        for point in (*self.points, *([] if self.floating is None else [self.floating])):
            error = point.error(self.confidence)
            out.append(
                {
                    "algorithm": point.label,
                    "n_states": point.n_states,
                    "reference_std": point.reference_std,
                    "bounds": point.bounds,
                    "error": error.value,
                    "error_low": error.low,
                    "error_high": error.high,
                    "loss": mean_interval(point.losses).value,
                    "seeds": len(self.seeds),
                    "gradient_max_pulses": mean_interval(point.gradient_pulses).value,
                    "weight_max_pulses": mean_interval(point.weight_pulses).value,
                    "seconds": float(point.seconds.sum()),
                }
            )
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, seed by seed."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        return out | {
            "points": [point.to_dict() for point in self.points],
            "floating": None if self.floating is None else self.floating.to_dict(),
            "recipe": self.recipe.to_dict(),
            "seeds": list(self.seeds),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sweep:
        """What :meth:`to_dict` wrote."""
        made = {
            "points": tuple(Trained.from_dict(point) for point in data["points"]),
            "floating": None if data["floating"] is None else Trained.from_dict(data["floating"]),
            "recipe": from_dict(data["recipe"]),
            "seeds": tuple(data["seeds"]),
        }
        return cls(**(data | made))

    def __str__(self) -> str:
        rows = []
        # Bounds as they are need no column, nor do references that nobody reads.
        wide = any(p.bounds not in (None, 1.0) for p in self.points)
        refers = any(p.has_reference for p in self.points)
        shown = [name for name in AXES if {"bounds": wide, "reference_std": refers}.get(name, True)]
        for point in (*self.points, *([] if self.floating is None else [self.floating])):
            axes = [_shown(getattr(point, name), 4) for name in shown]
            if refers and point.algorithm is not None and not point.has_reference:
                axes[shown.index("reference_std")] = "any"
            pulses = [f"{_shown(mean_interval(p).value, 2)}" for p in (point.gradient_pulses, point.weight_pulses)]
            loss = _shown(mean_interval(point.losses).value, 4)
            row = [point.label, *axes, self._error(point), loss, *pulses]
            if row not in rows:
                rows.append(row)
        seeds = f"{len(self.seeds)} seed{'s' * (len(self.seeds) > 1)}"
        recipe = f"{self.recipe.epochs} epoch{'s' * (self.recipe.epochs > 1)}, rate {self.recipe.lr:g}"
        # One training by itself says so: there is nothing to have an interval of.
        note = "" if len(self.seeds) == 1 else f"{intervals.heading(len(self.seeds), self.confidence, 'seeds')}; "
        wider = "; bounds of cells times as far off as their own" if "bounds" in shown else ""
        title = (
            f"{self.model} on {self.data}: test error in %, {seeds}, {self.images:,} samples; {recipe}, batches of "
            f"{self.recipe.batch_size}; {note}pulses per vector of the device that got most{wider}"
        )
        names = {"n_states": "states", "reference_std": "reference error", "bounds": "bounds, times"}
        header = ["algorithm", *(names[name] for name in shown), "test error", "loss", "pulses of A", "of W"]
        return table(header, rows, title=title)

    def _error(self, point: Trained) -> str:
        error = point.error(self.confidence)
        text = percent(error.value)
        return text if len(self.seeds) == 1 else intervals.shown(error, text, percent(error.low), percent(error.high))


def _shown(value: float | None, digits: int = 6) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}g}"
