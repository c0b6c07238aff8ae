"""How exactly algorithms program an array: errors per number of states and error of the reference."""

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
from mho.evaluation.statistics import Interval
from mho.spec import from_dict, references
from mho.text import table


@dataclass(frozen=True, kw_only=True)
class Level:
    """One algorithm on cells of some number of states, with some error of its reference.

    Attributes:
        label: what tables call the algorithm.
        algorithm: as it ran.
        n_states: of the cells of W; ``None`` where weights are numbers.
        reference_std: standard deviation of the reference around the symmetry points (sigma_r), in units of weights.
        has_reference: whether the algorithm has one at all; if not, it was measured once for all ``reference_std``.
        errors: ``(chips,)`` standard deviation of w - w^ over the array, mean over the last part of the samples.
        course: ``(points, chips)`` the same after so many samples as :attr:`Programming.at` says.
        gradient_mean, gradient_max: pulses of a device of A per sample, mean and largest over devices and chips;
            ``nan`` where there is no A.
        weight_mean, weight_max: the same of W.
        seconds: wall time.
    """

    label: str
    algorithm: Algorithm
    n_states: float | None
    reference_std: float
    has_reference: bool
    errors: NDArray[np.float64]
    course: NDArray[np.float64]
    gradient_mean: float
    gradient_max: float
    weight_mean: float
    weight_max: float
    seconds: float = 0.0

    def error(self, confidence: float = 0.95) -> Interval:
        """Mean over chips with its Student-t interval, which ends at 0; without limits of fewer than three chips."""
        return intervals.bounded(self.errors, confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        pulses = {name: None if math.isnan(out[name]) else out[name] for name in PULSES}
        arrays = {"errors": nulls(self.errors), "course": nulls(self.course)}
        return out | pulses | arrays | {"algorithm": self.algorithm.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Level:
        """The level that :meth:`to_dict` wrote."""
        pulses = {name: math.nan if data[name] is None else data[name] for name in PULSES}
        arrays = {name: np.asarray(data[name], dtype=np.float64) for name in ("errors", "course")}
        return cls(**(data | pulses | arrays | {"algorithm": from_dict(data["algorithm"])}))


PULSES = ("gradient_mean", "gradient_max", "weight_mean", "weight_max")


@dataclass(frozen=True, kw_only=True)
class Programming:
    """Errors of a programmed array, chip by chip; chip i has the same targets and inputs at all levels.

    Attributes:
        levels: algorithm by algorithm, number of states by number of states, errors of the reference ascending.
        at: ``(points,)`` samples after which courses were taken.
        size: rows and columns of the array.
        samples: that were seen.
        rate: learning rate of W.
        inputs: "normal" or "uniform".
        loss: "mean" or "sum" of squares over outputs.
        target_std: standard deviation of the targets.
        average_last: part of the samples over which errors are averaged.
        seed: decides devices, targets and inputs.
        first_chip: number of the first chip.
        confidence: two-sided coverage of every interval.
        setting: name of the setting; empty for algorithms of one's own.
        provenance: versions, machine, wall time.
    """

    levels: tuple[Level, ...]
    at: NDArray[np.int64]
    size: int
    samples: int
    rate: float
    inputs: str
    loss: str
    target_std: float
    average_last: float
    seed: int
    first_chip: int = 0
    confidence: float = 0.95
    setting: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys; see :func:`mho.cite`."""
        return tuple(dict.fromkeys(key for level in self.levels for key in references(level.algorithm)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The algorithms, in order."""
        return tuple(dict.fromkeys(level.label for level in self.levels))

    @property
    def n_states(self) -> tuple[float | None, ...]:
        """The numbers of states, in order."""
        return tuple(dict.fromkeys(level.n_states for level in self.levels))

    @property
    def reference_std(self) -> tuple[float, ...]:
        """The errors of the reference, ascending."""
        return tuple(sorted({level.reference_std for level in self.levels}))

    @property
    def chips(self) -> int:
        """How many arrays at every level."""
        return len(self.levels[0].errors)

    def of(self, label: str, n_states: float | None, reference_std: float) -> Level:
        """One level.

        Raises:
            UnknownNameError: there is none such.
        """
        if label not in self.labels:
            raise unknown("algorithm", label, self.labels)
        named = [level for level in self.levels if level.label == label]
        for level in named:
            if (level.n_states, level.reference_std) == (n_states, reference_std):
                return level
        asked = f"n_states={_states(n_states)} and reference_std={reference_std:g}"
        here = ", ".join(f"{_states(level.n_states)} and {level.reference_std:g}" for level in named)
        raise UnknownNameError(f"{label} has no level of {asked}; it has {here}")

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a level."""
        out = []
        for level in self.levels:
            error = level.error(self.confidence)
            out.append(
                {
                    "algorithm": level.label,
                    "n_states": level.n_states,
                    "reference_std": level.reference_std,
                    "error": error.value,
                    "error_low": error.low,
                    "error_high": error.high,
                    "chips": len(level.errors),
                    **{f"{name}_pulses": getattr(level, name) for name in PULSES},
                    "seconds": level.seconds,
                }
            )
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        return out | {"levels": [level.to_dict() for level in self.levels], "at": self.at.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Programming:
        """The errors that :meth:`to_dict` wrote."""
        levels = tuple(Level.from_dict(level) for level in data["levels"])
        return cls(**(data | {"levels": levels, "at": np.asarray(data["at"], dtype=np.int64)}))

    def __str__(self) -> str:
        rows = []
        for label in self.labels:
            named = [level for level in self.levels if level.label == label]
            for i, n in enumerate(dict.fromkeys(level.n_states for level in named)):
                found = {level.reference_std: level for level in named if level.n_states == n}
                first = found[min(found)]
                errors = [_cell(found.get(std), first, self.confidence) for std in self.reference_std]
                pulses = [_count(first.gradient_mean), _count(first.weight_mean)]
                rows.append([label if i == 0 else "", _states(n), *errors, *pulses])
        chips = f"{self.chips} chip{'s' * (self.chips > 1)}"
        title = (
            f"Standard deviation of w - w^ of {self.size}x{self.size} programmed by {self.samples:,} samples, rate "
            f"{self.rate:g}, by standard deviation of the reference; {chips}, "
            f"{intervals.heading(self.chips, self.confidence, 'chips')}; pulses: of an average device, a sample, with "
            "the smallest error of the reference"
        )
        header = ["algorithm", "states", *(f"{std:g}" for std in self.reference_std), "pulses of A", "of W"]
        return table(header, rows, title=title)


def _cell(level: Level | None, first: Level, confidence: float) -> str:
    if level is None:
        return "–"
    if not level.has_reference and level is not first:
        return "same"
    error = level.error(confidence)
    return intervals.shown(error, f"{error.value:.4f}", f"{error.low:.4f}", f"{error.high:.4f}")


def _states(n: float | None) -> str:
    return "–" if n is None else f"{n:g}" if n < 100 else f"{n:.0f}"


def _count(pulses: float) -> str:
    return "–" if math.isnan(pulses) else f"{pulses:.2g}"
