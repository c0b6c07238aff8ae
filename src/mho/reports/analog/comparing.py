"""Which algorithm programs best, and whether the chips that were measured can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

from mho.evaluation.statistics import Interval, mean_interval
from mho.reports.analog.phrases import kind
from mho.reports.analog.view import DIGITAL

if TYPE_CHECKING:
    from mho.analog.experiments.programming_result import Level, Programming
    from mho.analog.experiments.sweep_result import Sweep, Trained

P = TypeVar("P", "Level", "Trained")
GROWN = 1.25  # times its error with the best reference: what a reference may cost before it is said to


class Ranked(NamedTuple, Generic[P]):
    """One algorithm under the hardest and the mildest conditions.

    Attributes:
        label: what tables call it.
        worst: under the hardest.
        best: under the mildest.
        digital: it adds gradients up digitally.
        steady: the hardest are no harder for it.
    """

    label: str
    worst: P
    best: P
    digital: bool
    steady: bool


def levels(programming: Programming, n_states: float | None) -> list[Ranked[Level]]:
    """The algorithms at one number of states, the smallest error with the worst reference first."""
    out = []
    for label in programming.labels:
        mine = [level for level in programming.levels if level.label == label and level.n_states in (n_states, None)]
        if mine:
            mine.sort(key=lambda level: level.reference_std)
            out.append(_ranked(label, mine))
    return sorted(out, key=lambda ranked: _order(ranked.worst.errors))


def points(sweep: Sweep, axis: str) -> list[Ranked[Trained]]:
    """The algorithms along one axis of a sweep, all others at their first value; the smallest error at the end first.

    The hard end of an axis is the last one, but of states the fewest.
    """
    out, first = [], {name: values[0] for name, values in axes(sweep).items() if name != axis}
    for label in sweep.labels:
        mine = [p for p in sweep.points if p.label == label and all(at(p, n) == v for n, v in first.items())]
        if mine:
            mine.sort(key=lambda point: _place(at(point, axis)), reverse=axis == "n_states")
            out.append(_ranked(label, mine))
    return sorted(out, key=lambda ranked: _order(ranked.worst.errors))


def axes(sweep: Sweep) -> dict[str, list[float | None]]:
    """Every axis of a sweep with its values, ascending."""
    names = ("reference_std", "n_states", "bounds")
    return {name: sorted({at(p, name) for p in sweep.points}, key=_place) for name in names}


def at(point: Trained, axis: str) -> float | None:
    """Where a point is on an axis; states that were computed from wider bounds may be off in the last digit."""
    value = getattr(point, axis)
    return None if value is None else float(f"{value:.6g}")


def varied(sweep: Sweep) -> list[str]:
    """The axes that have several values."""
    return [name for name, values in axes(sweep).items() if len([v for v in values if v is not None]) > 1]


def apart(better: Level | Trained, other: Level | Trained, confidence: float) -> Interval | None:
    """How much larger the error of ``other`` is, pair by pair; ``None`` where the pairs cannot tell."""
    gap = mean_interval(np.asarray(other.errors) - np.asarray(better.errors), confidence)
    return gap if gap.low > 0 else None


def level_with(ranked: Sequence[Ranked[P]], confidence: float) -> list[Ranked[P]]:
    """The first one, and those that its chips or seeds do not tell from it, in the order of ``ranked``."""
    best: P = ranked[0].worst
    out = [ranked[0]]
    for r in ranked[1:]:
        if np.isfinite(r.worst.errors).all() and apart(best, r.worst, confidence) is None:
            out.append(r)
    return out


def bears(programming: Programming, label: str, n_states: float | None) -> float | None:
    """The largest error of the reference up to which an algorithm is almost as good as with the smallest one."""
    mine = [level for level in programming.levels if level.label == label and level.n_states == n_states]
    mine.sort(key=lambda level: level.reference_std)
    kept = None
    for level in mine:
        if not level.errors.mean() <= GROWN * mine[0].errors.mean():
            break
        kept = level.reference_std
    return kept


def _ranked(label: str, mine: Sequence[P]) -> Ranked[P]:
    best, worst = mine[0], mine[-1]
    steady = len(mine) == 1 or bool(np.array_equal(best.errors, worst.errors, equal_nan=True))
    return Ranked(label, worst, best, kind(worst.algorithm) in DIGITAL, steady)


def _order(errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.mean(errors)) if np.isfinite(errors).all() else float("inf")


def _place(value: float | None) -> float:
    return -1.0 if value is None else float(value)
