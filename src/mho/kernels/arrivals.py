"""Which of very many cells have a number below a small rate, without drawing a number for each.

Every cell has a uniform number u in [0, 1), and those with ``u < rate`` are asked for: the work is in proportion to
them, not to the cells. [0, 1) is cut into bands, [0, 2^-20) and then octaves up to [1/2, 1). Whether a cell falls into
a band, given that it is in none below, is a Bernoulli process over the cells, drawn as the geometric gaps between
successes; within its band u is uniform. So the u are independent and uniform, those below one rate are also below any
higher one, and number r of a band is Philox block (r, band, chip) whatever was asked for before.

Compiled by numba; see :mod:`mho.kernels.compiled`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mho.kernels.compiled import compiled, philox

_u32, _u64 = np.uint32, np.uint64
_UNIT = 2.0**-53
_WORD = 2.0**-32

LOWEST = 20
"""The lowest band is [0, 2^-20)."""
EDGES = np.array([0.0, *(2.0 ** (j - LOWEST) for j in range(LOWEST + 1))])
"""``(bands + 1,)`` limits of the bands."""


@compiled
def _band(places, numbers, marks, count, cells, band, width, scale, low, chip, k0, k1):  # type: ignore[no-untyped-def]
    """The cells of one band, behind the ``count`` that are there; how many there are then, -1 if there is no room."""
    at = np.int64(0)
    r = 0
    while True:
        w0, w1, w2, w3 = philox(_u32(r), _u32(band), _u32(chip & 0xFFFFFFFF), _u32(chip >> 32), k0, k1)
        r += 1
        u = (np.float64((_u64(w0) << _u64(21)) | (_u64(w1) >> _u64(11))) + 1.0) * _UNIT
        # A float first: the gap of a small rate may be longer than an integer holds.
        ahead = np.float64(at) + np.floor(np.log(u) * scale)
        if ahead >= cells:
            return count
        place = np.int64(ahead)
        at = place + 1
        if count == len(places):
            return -1
        # Kept whether or not it is below the rate: a cell that is in this band is in none above.
        places[count] = place
        numbers[count] = low + width * np.float64(w2) * _WORD
        marks[count] = w3
        count += 1


def arrivals(
    key: tuple[int, int], chip: int, cells: int, rate: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint32]]:
    """The cells of one chip whose number is below ``rate``.

    Args:
        key: two 32-bit words of the stream.
        chip: number of the chip.
        cells: how many there are, numbered from 0.
        rate: within 0 and 1.

    Returns:
        ``(n,)`` places of the cells, rising; their numbers; and 32 more random bits of each.
    """
    room = int(4 * rate * cells + 8 * (rate * cells) ** 0.5) + 64
    words = (_u32(key[0]), _u32(key[1]))
    while True:
        places, numbers, marks = np.empty(room, np.int64), np.empty(room), np.empty(room, np.uint32)
        count = 0
        for band in range(len(EDGES) - 1):
            low, high = EDGES[band], EDGES[band + 1]
            if low >= rate or count < 0:
                break
            among = float(high - low) / (1 - low)
            scale = 0.0 if among == 1 else 1 / float(np.log1p(-among))
            count = int(
                _band(places, numbers, marks, count, cells, band, high - low, scale, low, np.int64(chip), *words)
            )
        if count >= 0:
            break
        room *= 2
    # The lowest band comes first: of a cell that is in several, unique keeps that one.
    where, first = np.unique(places[:count], return_index=True)
    below = numbers[first] < rate
    first = first[below]
    return where[below], numbers[first], marks[first]
