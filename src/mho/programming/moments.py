"""What a scheme does on average: in closed form where the error is Gaussian and redrawn, else by simulation."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mho.programming.base import Moments, Scheme
from mho.rng import Draws

if TYPE_CHECKING:
    from mho.devices.base import Device

CELLS = 1 << 18
"""Cells that a simulation writes, shared among the levels: with four levels, 0.4 % of a standard deviation."""
GRID = 65
"""Levels that are simulated where cells are analog; between them is interpolated."""


def redrawn(level: Tensor, mean: Tensor, std: Tensor, tolerance: float, most: int) -> Moments:
    """Redrawing a Gaussian error until it is within ``tolerance``, at most ``most`` times.

    ``n = (1 - q^most) / p`` cycles with ``p`` the probability of one write to be accepted and ``q = 1 - p``; the
    error is the Gaussian cut off at plus and minus the tolerance, or what lies outside for the ``q^most`` that fail.

    Args:
        level: target levels.
        mean: of what a write leaves, broadcastable to them.
        std: its standard deviation, likewise.
        tolerance: fraction of the full range.
        most: cycles after which a cell is given up.
    """
    shift = (mean - level).double().expand(level.shape)
    spread = std.double().expand(level.shape)
    safe = spread.clamp(min=1e-30)
    low, high = (-tolerance - shift) / safe, (tolerance - shift) / safe
    p = torch.special.ndtr(high) - torch.special.ndtr(low)
    q = 1 - p
    # Second moments of the standard normal inside [low, high], times p; bounded where the limits are infinitely far.
    f_low, f_high = (torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi) for x in (low, high))
    first = f_low - f_high
    far = 40.0
    second = p + low.clamp(-far, far) * f_low - high.clamp(-far, far) * f_high
    inside = shift.square() * p + 2 * shift * spread * first + spread.square() * second
    outside = (shift.square() + spread.square() - inside).clamp(min=0)
    # Through logarithms: for tiny p both 1 - p and 1 - q^most would round to nothing.
    log_never = most * torch.log1p(-p.clamp(max=1.0))
    never = log_never.exp()
    cycles = torch.where(p > 0, -torch.expm1(log_never) / p.clamp(min=1e-300), float(most)).clamp(1.0, float(most))
    error = torch.where(p > 0, inside / p.clamp(min=1e-300), 0) * (1 - never)
    error += torch.where(q > 0, outside / q.clamp(min=1e-300), 0) * never
    return Moments(*(part.to(level.dtype) for part in (error, cycles, never)))


def simulated(scheme: Scheme, device: Device, level: Tensor) -> Moments:
    """``scheme`` on cells of every level (of a grid of levels where there are many), with fixed random numbers."""
    levels, index = torch.unique(level, return_inverse=True)
    analog = len(levels) > GRID
    if analog:
        levels = torch.linspace(float(levels[0]), float(levels[-1]), GRID, device=level.device)
    found = [x.to(level) for x in _simulate(scheme, device, tuple(levels.tolist()))]
    if not analog:
        return Moments(*(x[index] for x in found))
    step = (level - levels[0]) / (levels[-1] - levels[0]) * (GRID - 1)
    left = step.floor().clamp(0, GRID - 2).long()
    return Moments(*(x[left].lerp(x[left + 1], step - left) for x in found))


@lru_cache(maxsize=256)
def _simulate(scheme: Scheme, device: Device, levels: tuple[float, ...]) -> tuple[Tensor, ...]:
    """Error, cycles and failures at each level; remembered, as every layer of a model asks the same."""
    targets = torch.tensor(levels, dtype=torch.float32)
    draws = Draws(0, "moments", torch.arange(1), (CELLS // len(levels), len(levels)), targets.device)
    written = scheme.write(device, targets.expand(draws.shape), draws)
    error = (written.read - targets).double().square()
    return tuple(x.double().mean((0, 1)) for x in (error, written.cycles, written.failed))
