"""The exact law of a nanowire's offset after any number of shifts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mho.devices.shift_law import Law
from mho.errors import SpecError

DENSE = 1025
"""Most states of a chain whose matrix is raised to a power."""


def offset_law(law: Law, shifts: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Offsets, and their probabilities after some shifts from perfect alignment.

    Errors of different rates commute, since every rate mixes the same move with standing still; so only how many shifts
    of each rate there were counts.

    Args:
        law: rates, jumps and bound.
        shifts: how many shifts at each of ``law.rates``.

    Raises:
        SpecError: a bounded track of more states than :data:`DENSE`, with errors by several positions.
    """
    mean = sum(n * rate for n, rate in zip(shifts, law.rates, strict=True))
    far = max(map(abs, law.jumps))
    if mean == 0 or far == 0:
        return np.zeros(1, np.int64), np.ones(1)
    # Beyond ten standard deviations of a Poisson number of jumps nothing is left in double precision.
    reach = int(far * (12 + mean + 10 * math.sqrt(mean))) if mean < 50 else int(far * 12 * math.sqrt(mean))
    low, high = law.limits
    if law.bound == "free" or (law.bound == "clamp" and high >= reach):
        return _ring(law, shifts, reach)
    low = max(low, -reach) if law.bound == "stick-right" else low
    if law.bound == "clamp" and law.jumps[0] == 1 and (law.double == 0 or law.jumps[1] == 1):
        return _reflected(law, shifts, low, high)
    if high - low + 1 > DENSE:
        raise SpecError(
            f"Racetrack: path=False knows the law of up to {DENSE} offsets of such errors, not {high - low + 1}; "
            "use path=True, or bits of 512 or less"
        )
    return _dense(law, shifts, low, high)


def _ring(law: Law, shifts: Sequence[int], reach: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """No bound within reach: the characteristic function of one shift to the power of their number."""
    size = 2 * reach + 2
    angle = 2 * np.pi * np.arange(size) / size
    move = (1 - law.double) * np.cos(law.jumps[0] * angle) + law.double * np.cos(law.jumps[1] * angle)
    p = np.fft.fft(_powers(law, shifts, move)).real / size
    values = np.arange(-reach, reach + 1)
    return values, _clean(p[values % size])


def _reflected(law: Law, shifts: Sequence[int], low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps of one that stop at a wall: cosines are the eigenvectors of that chain."""
    states = high - low + 1
    angle = np.pi * np.arange(states) / states
    weight = np.where(np.arange(states) == 0, 1.0, 2.0) / states
    start = weight * _powers(law, shifts, np.cos(angle)) * np.cos(angle * (-low + 0.5))
    kept = np.abs(start) > 1e-18
    position = np.arange(states)[:, None] + 0.5
    return np.arange(low, high + 1), _clean(np.cos(angle[None, kept] * position) @ start[kept])


def _dense(law: Law, shifts: Sequence[int], low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    states = np.arange(low, high + 1)
    move = np.zeros((len(states), len(states)))
    for share, jump in ((1 - law.double, law.jumps[0]), (law.double, law.jumps[1])):
        for way in (jump, -jump):
            to = np.clip(states + way, low, high)
            if law.bound != "clamp":
                stuck = (states >= high) | ((states <= low) & (law.bound == "stick"))
                to = np.where(stuck, states, to)
            np.add.at(move, (np.arange(len(states)), to - low), share / 2)
    p = (states == 0).astype(float)
    for n, rate in zip(shifts, law.rates, strict=True):
        if n:
            p = p @ np.linalg.matrix_power((1 - rate) * np.eye(len(states)) + rate * move, n)
    return states, _clean(p)


def _powers(law: Law, shifts: Sequence[int], move: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.ones_like(move)
    for n, rate in zip(shifts, law.rates, strict=True):
        out = out * (1 - rate + rate * move) ** n
    return out


def _clean(p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, 0, None)
    out: NDArray[np.float64] = p / p.sum()
    return out
