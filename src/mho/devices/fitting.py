"""From raw samples (written to, read back, how much later) to the fields of a measured table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mho.errors import DataError, SpecError
from mho.units import format_duration

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FEWEST = 2
"""Samples of one state at one age without which it has no standard deviation."""


_FRACTIONS = (0.2, 1.5)
"""Where the largest level of data in fractions may lie; siemens are far below, kilo-ohms far above."""


def check_fractions(largest: float, where: str = "") -> None:
    """Refuse data without ``g_max`` that cannot be fractions of the full range."""
    low, high = _FRACTIONS
    if not low <= largest <= high:
        raise DataError(f"{where}levels reach {largest:g}, which is no fraction; pass g_max=, the top level")


def fit_moments(target: Array, read: Array, age: Array | None, *, g_max: float | None, states: int) -> dict[str, Any]:
    """``states``, ``ages``, ``mean`` and ``std`` of :class:`~mho.devices.MeasuredTable`; see ``from_samples`` there."""
    centres, ages, errors = group(target, read, age, g_max=g_max, states=states)
    return {
        "states": tuple(centres),
        "ages": tuple(ages),
        "mean": tuple(tuple(c + float(e.mean()) for c, e in zip(centres, row, strict=True)) for row in errors),
        "std": tuple(tuple(float(e.std(ddof=1)) for e in row) for row in errors),
    }


def fit_quantiles(
    target: Array, read: Array, age: Array | None, probabilities: tuple[float, ...], *, g_max: float | None, states: int
) -> dict[str, Any]:
    """``states``, ``ages`` and ``errors`` of :class:`~mho.devices.MeasuredQuantiles`; see ``from_samples`` there."""
    import numpy as np

    centres, ages, errors = group(target, read, age, g_max=g_max, states=states)
    quantiles = tuple(tuple(tuple(np.quantile(e, probabilities).tolist()) for e in row) for row in errors)
    return {"states": tuple(centres), "ages": tuple(ages), "errors": quantiles}


def group(
    target: Array, read: Array, age: Array | None, *, g_max: float | None, states: int
) -> tuple[list[float], list[float], list[list[Array]]]:
    """State centres, ages, and the errors (fractions of the full range) of every age and state."""
    import numpy as np

    target, read = np.ravel(np.asarray(target, np.float64)), np.ravel(np.asarray(read, np.float64))
    age = np.zeros(len(target)) if age is None else np.ravel(np.asarray(age, np.float64))
    if not len(target) == len(read) == len(age) or len(target) == 0:
        raise DataError(
            f"samples need as many targets as reads and ages; got {len(target)}, {len(read)} and {len(age)}"
        )
    if states < 1:
        raise DataError(f"states={states} must be one or more")
    good = np.isfinite(target) & np.isfinite(read) & np.isfinite(age)
    if not good.any():
        raise DataError("no sample is a finite number")
    target, read, age = target[good], read[good], age[good]
    if g_max is None:
        check_fractions(float(np.abs(target).max()))
    scale = 1.0 if g_max is None else float(g_max)
    if not scale > 0:
        raise DataError(f"g_max={scale:g} must be more than zero")
    target, error = target / scale, (read - target) / scale
    distinct, groups = np.unique(target, return_inverse=True)
    if len(distinct) > states:
        edges = np.quantile(target, np.linspace(0, 1, states + 1)[1:-1])
        groups = np.searchsorted(edges, target, side="right")
    _, groups = np.unique(groups, return_inverse=True)
    count = int(groups.max()) + 1
    centres = np.bincount(groups, target) / np.bincount(groups)
    ages = np.unique(age)
    errors = [[error[(age == t) & (groups == s)] for s in range(count)] for t in ages]
    for t, row in zip(ages, errors, strict=True):
        for centre, samples in zip(centres, row, strict=True):
            if len(samples) < _FEWEST:
                raise DataError(
                    f"state {centre:.3g} has {len(samples)} samples at age {t:g} s; ask for fewer states or ages"
                )
    return centres.tolist(), ages.tolist(), errors


def at_age(ages: tuple[float, ...], rows: Array, age: float) -> Array:
    """``rows`` ``(ages, ...)`` interpolated to ``age``: linear up to the first positive age, logarithmic beyond."""
    import numpy as np

    times = np.array(ages, dtype=float)  # whole numbers of seconds too
    if len(times) > 1 and age > times[-1] * (1 + 1e-9):
        raise SpecError(
            f"age {format_duration(age)} is beyond the measurement, which ends at {format_duration(float(times[-1]))}"
        )
    unit = times[times > 0].min(initial=np.inf)
    axis, at = (np.where(t < unit, t / unit, 1 + np.log(np.maximum(t / unit, 1))) for t in (times, np.array(age)))
    right = int(np.clip(np.searchsorted(axis, at), 1, max(1, len(times) - 1)))
    if len(times) == 1:
        return np.asarray(rows[0])
    share = float(np.clip((at - axis[right - 1]) / (axis[right] - axis[right - 1]), 0, 1))
    return np.asarray((1 - share) * rows[right - 1] + share * rows[right])
