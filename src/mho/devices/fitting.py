"""From raw samples (written to, read back, how much later) to the fields of a measured table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mho.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FEWEST = 2
"""Samples of one state at one age without which it has no standard deviation."""


def fit_states(
    target: Array, read: Array, age: Array | None, *, g_max: float | None, states: int
) -> dict[str, Any]:
    """``states``, ``ages``, ``mean`` and ``std`` of :class:`~mho.devices.MeasuredTable`; see ``from_samples`` there."""
    import numpy as np

    target, read = np.asarray(target, np.float64), np.asarray(read, np.float64)
    age = np.zeros(len(target)) if age is None else np.asarray(age, np.float64)
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
    if g_max is None and np.abs(target).max() > 1.5:
        raise DataError(
            f"targets reach {np.abs(target).max():g}, which is no fraction; pass g_max=, the top level"
        )
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
    mean, std = np.empty((len(ages), count)), np.empty((len(ages), count))
    for i, t in enumerate(ages):
        for s in range(count):
            samples = error[(age == t) & (groups == s)]
            if len(samples) < _FEWEST:
                raise DataError(
                    f"state {centres[s]:.3g} has {len(samples)} samples at age {t:g} s; ask for fewer states or ages"
                )
            mean[i, s], std[i, s] = centres[s] + samples.mean(), samples.std(ddof=1)
    return {
        "states": tuple(centres.tolist()),
        "ages": tuple(ages.tolist()),
        "mean": tuple(map(tuple, mean.tolist())),
        "std": tuple(map(tuple, std.tolist())),
    }
