"""What every column of a matrix in bit planes would suffer at every place, from the stuck cells of the places.

Compiled by numba; see :mod:`mho.kernels.compiled`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mho.kernels.compiled import compiled


@compiled
def _add(total, integers, place, line, plane, negative, wanted, worth):  # type: ignore[no-untyped-def]
    for f in range(len(place)):
        row, out = integers[line[f]], total[place[f]]
        b, minus, bit, more = plane[f], negative[f], wanted[f], worth[f]
        for i in range(len(row)):
            value = -np.int64(row[i]) if minus else np.int64(row[i])
            held = (value >> b) & 1 if value > 0 else 0
            if held != bit:
                out[i] += more


def harm(
    integers: NDArray[np.int16],
    places: int,
    *,
    place: NDArray[np.int64],
    line: NDArray[np.int64],
    plane: NDArray[np.int64],
    negative: NDArray[np.bool_],
    bit: NDArray[np.int64],
    worth: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The sum of what stuck cells count that read wrong.

    Args:
        integers: ``(lines, movable)`` signed; what moves is a column of this.
        places: how many there are to move to.
        place: ``(n,)`` at which each stuck cell is.
        line: ``(n,)`` of ``integers`` that it is part of.
        plane: ``(n,)`` its significance.
        negative: ``(n,)`` whether it stands in the - array.
        bit: ``(n,)`` logical bit it reads as.
        worth: ``(n,)`` what it counts where another bit was meant.

    Returns:
        ``(places, movable)``.
    """
    total = np.zeros((places, integers.shape[1]))
    _add(total, np.ascontiguousarray(integers), place, line, plane, negative, bit, worth)
    return total
