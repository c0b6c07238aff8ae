"""How much a slipped nanowire misreads: what makes tracks of different lengths alike."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from mho.memory import Memory
from mho.racetrack.exposure import longest, on_tracks

FAR = 32
"""Offsets beyond which nobody is: where a walk gets that far, hardly any track is left in its place anyway."""


def misread(memory: Memory, shape: tuple[int, ...], exposure: float) -> float:
    """Expected share of the positions of the longest nanowire that read another domain than their own.

    Faults come as a Poisson process with mean ``exposure`` (their rate a shift is small), and move the offset one
    position either way, within the bounds of the device. A nanowire that is off misreads every position, but for one
    where what lies beyond an end is the nearest own bit (``fill="edge"``): that bit reads itself.

    Args:
        memory: a racetrack and its tracks.
        shape: of the weight tensor, output channels first.
        exposure: expected faults of the longest nanowire.
    """
    device, mapping = on_tracks(memory)
    wires = longest(mapping, shape)
    length = int(wires.lengths[0])
    if wires.most == 0:
        return 0.0
    sticks = device.bound.startswith("stick")
    room = FAR if device.bound == "free" else device.margin or (wires.bits // 2 if sticks else wires.bits - 1)
    high = max(1, min(room, FAR))
    low = FAR if device.bound == "stick-right" else high
    moved = 1.0 - _in_place(exposure, low, high, device.bound == "stick", sticks, device.double)
    return moved * (length - 1) / length if device.fill == "edge" else moved


def equivalent(memory: Memory, shape: tuple[int, ...], share: float, most: float) -> float:
    """The exposure at which ``memory`` misreads ``share`` of the positions; infinite where that is beyond ``most``.

    Args:
        memory: a racetrack and its tracks.
        shape: of the weight tensor, output channels first.
        share: see :func:`misread`.
        most: the largest exposure of interest.
    """
    from scipy.optimize import brentq

    if share <= 0:
        return 0.0
    top = misread(memory, shape, most)
    if math.isclose(top, share, rel_tol=1e-6):
        return most
    if top < share:
        return math.inf
    return float(brentq(lambda x: misread(memory, shape, x) - share, 0.0, most, xtol=1e-9 * most, rtol=1e-9))


@lru_cache(maxsize=4096)
def _in_place(exposure: float, low: int, high: int, sticks_left: bool, sticks_right: bool, double: float) -> float:
    """Probability that a track between ``-low`` and ``high`` is at 0 after a Poisson number of faults."""
    from scipy.linalg import expm

    size = low + high + 1
    rates = np.zeros((size, size))
    for i in range(size):
        if (i == 0 and sticks_left and low < FAR) or (i == size - 1 and sticks_right and high < FAR):
            continue
        rates[i, i] -= 1.0
        for step, share in ((1, 1 - double), (2, double)):
            for j in (i - step, i + step):
                rates[i, min(max(j, 0), size - 1)] += share / 2
    return float(expm(exposure * rates)[low, low])
