"""One run of equal pulses: the step, how it shrinks, and which scatter is of the cell and which of its reads."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mho.kernels.compiled import compiled

Array = NDArray[np.float64]

_LOG_RATIO = (-18.0, 18.0)
"""Of variances to the variance of a read; at either end one of the two is as good as zero."""
_MEMORY = 0.98
"""Longest memory of reads, 50 pulses; beyond it their wander looks like that of the cell."""
_MORE = 2
"""Parameters that wandering reads have more."""


@dataclass(frozen=True)
class Run:
    """What a run of pulses says, in the unit of its reads.

    Attributes:
        step: step at a conductance of 0.
        shrinks: share of it that is lost per unit of conductance; the step vanishes at 1 / shrinks.
        noise: standard deviation of a step from pulse to pulse.
        read_noise: standard deviation of a read that the next read does not remember.
        flicker: standard deviation of what wanders from read to read and yet is not in the cell.
        memory: share of that which is left one read later.
    """

    step: float
    shrinks: float
    noise: float
    read_noise: float
    flicker: float
    memory: float


def fit_run(reads: Array, shrinks: tuple[float, float]) -> Run:
    """The run of pulses up that makes ``reads`` most likely.

    The conductance goes ``v <- v + step (1 - shrinks v) + noise xi_1``, its reads wander by
    ``e <- memory e + flicker sqrt(1 - memory^2) xi_2``, and a read is ``v + e + read_noise xi_3``, all xi standard
    normals: a linear Gaussian state-space model, whose likelihood the Kalman filter gives exactly [kalman1960].
    Nothing is assumed of the first conductance; bounds are not clipped at. Without the wander, slow fluctuations of
    the read current pass for pulses that scatter by many times their step; but a cell near its bound wanders likewise,
    so that reads are said to only where that is more likely by the Bayesian information criterion.

    Args:
        reads: ``(n,)``, one after each pulse, in a unit in which they go about from -1 to 1.
        shrinks: least and most that ``shrinks`` may be.
    """
    values = np.ascontiguousarray(reads, np.float64)
    plain, steady = _most_likely(values, shrinks, ((1e-4,), (1e-2,), (1.0,)))
    other, wandering = _most_likely(values, shrinks, ((1e-4, 0.6, 0.8), (1e-2, 0.02, 0.3)))
    return wandering if len(reads) * (plain - other) > _MORE * math.log(len(reads)) else steady


def _most_likely(
    reads: Array, shrinks: tuple[float, float], starts: tuple[tuple[float, ...], ...]
) -> tuple[float, Run]:
    """The least cost, and the run that has it.

    Args:
        reads: as for :func:`fit_run`.
        shrinks: likewise.
        starts: where to look from: variance of a step, and perhaps of the wander, over that of a read; its memory.
    """
    from scipy.optimize import minimize

    n = len(reads)

    def unpacked(at: Array) -> tuple[float, float, float, float, float]:
        wander, memory = (math.exp(at[3]), float(at[4])) if len(at) > 3 else (0.0, 0.0)
        return float(at[0]) / n, float(at[1]), math.exp(at[2]), wander, memory  # n steps cross the range: near 1

    def cost(at: Array) -> float:
        return float(_filter(reads, *unpacked(at))[0])

    box = [(1e-3, 0.9 * n / max(shrinks[1], 1.0)), shrinks, _LOG_RATIO, _LOG_RATIO, (0.0, _MEMORY)]
    step, share = _curve(reads, shrinks)
    tried = []
    for ratio, *wander in starts:
        first = (step * n, share, math.log(ratio), *((math.log(wander[0]), wander[1]) if wander else ()))
        tried.append(minimize(cost, first, bounds=box[: len(first)], method="L-BFGS-B"))
    best = min(tried, key=lambda found: float(found.fun))
    step, share, ratio, extra, memory = unpacked(best.x)
    variance = float(_filter(reads, step, share, ratio, extra, memory)[1])
    noise, read, flicker = (math.sqrt(variance * times) for times in (ratio, 1.0, extra))
    return float(best.fun), Run(step, share, noise, read, flicker, memory)


@compiled
def _filter(reads, step, shrinks, ratio, wander, memory):  # type: ignore[no-untyped-def]
    """Minus twice the log-likelihood over n (but for a constant), and the variance of a read that fits best.

    ``ratio`` and ``wander`` are the variances of a step and of the flicker over that of a read.
    """
    keep = 1.0 - step * shrinks
    # After the first read, which says all there is to know of the conductance: v = read - e - read noise.
    v, e, vv, ve, ee = reads[0], 0.0, 1.0 + wander, -wander, wander
    squares, logs = 0.0, 0.0
    for t in range(1, len(reads)):
        v, e = keep * v + step, memory * e
        vv, ve, ee = (
            keep * keep * vv + ratio,
            keep * memory * ve,
            memory * memory * ee + (1.0 - memory * memory) * wander,
        )
        to_v, to_e = vv + ve, ve + ee
        total = to_v + to_e + 1.0
        surprise = reads[t] - v - e
        squares += surprise * surprise / total
        logs += math.log(total)
        v, e = v + to_v / total * surprise, e + to_e / total * surprise
        vv, ve, ee = vv - to_v * to_v / total, ve - to_v * to_e / total, ee - to_e * to_e / total
    count = len(reads) - 1
    variance = max(squares / count, 1e-30)
    return math.log(variance) + logs / count, variance


def _curve(reads: Array, shrinks: tuple[float, float]) -> tuple[float, float]:
    """Step and shrinkage of the noise-free curve nearest to the reads, from a grid: where to start."""
    n = len(reads)
    time = np.arange(n)
    best = (math.inf, 1.0 / n, shrinks[0])
    for share in np.linspace(*shrinks, 9):
        for step in np.geomspace(0.5, min(100.0, 0.5 * n), 24) / n:
            left = (1 - step * share) ** time
            moved = time * step if share == 0 else (1 - left) / share
            first = float(left @ (reads - moved)) / float(left @ left)
            error = float(np.square(reads - moved - first * left).sum())
            best = min(best, (error, float(step), float(share)))
    return best[1], best[2]
