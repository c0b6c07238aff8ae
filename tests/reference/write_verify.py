"""Write-verify one cell at a time in Python floats, and the closed form of redrawing a Gaussian."""

from __future__ import annotations

import math

import torch

from mho.devices import Device
from mho.rng import Draws


def redraw(device: Device, level: float, draws: Draws, tolerance: float, most: int) -> tuple[float, int, bool]:
    """Levels, cycles and failure of the one cell of the one chip of ``draws``, written from scratch every time."""
    at = torch.tensor([0])
    for cycle in range(1, most + 1):
        now = draws.write(cycle, at)
        target = torch.tensor([level])
        read = device.written_and_read(target, now, 0.0)
        if abs(float(read - target)) <= tolerance:
            return float(read), cycle, False
    return float(read), most, True


def pulses(
    device: Device, level: float, draws: Draws, tolerance: float, most: int, step: float, spread: float
) -> tuple[float, int, bool]:
    """The same, nudged towards the target by pulses."""
    at, target = torch.tensor([0]), torch.tensor([level])
    first = draws.write(1, at)
    held = device.write(target, first)
    read = device.read(target, held, first, 0.0)
    for cycle in range(1, most + 1):
        if cycle > 1:
            size = step * (1 + spread * draws.write(cycle, at).normal("pulse"))
            held = held - torch.sign(read - target) * size
            read = device.read(target, held, first, 0.0)
        if abs(float(read - target)) <= tolerance:
            return float(read), cycle, False
    return float(read), most, True


def closed_form(sigma: float, tolerance: float) -> tuple[float, float]:
    """Mean cycles and residual standard deviation of redrawing N(0, sigma^2) until it is within the tolerance."""
    a = tolerance / sigma
    p = math.erf(a / math.sqrt(2))
    density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return 1 / p, sigma * math.sqrt(1 - 2 * a * density / p)
