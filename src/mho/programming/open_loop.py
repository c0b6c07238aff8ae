"""Every cell is written once and nobody looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.programming.base import Moments, Scheme, Written

if TYPE_CHECKING:
    from torch import Tensor

    from mho.devices.base import Device
    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class OpenLoop(Scheme):
    """Every cell is written once and not verified."""

    @property
    def verifies(self) -> bool:
        return False

    def write(
        self, device: Device, level: Tensor, draws: Draws, age: float = 0.0, chosen: Tensor | None = None
    ) -> Written:
        import torch

        shape = (len(draws.chips), *draws.shape)
        read = device.written_and_read(level, draws, age).expand(shape)
        once = torch.ones((), dtype=torch.int32, device=read.device).expand(shape)
        return Written(read, once, torch.zeros((), dtype=torch.bool, device=read.device).expand(shape))

    def moments(self, device: Device, level: Tensor) -> Moments:
        from mho.programming.moments import simulated

        known, one = device.fresh(level), level.new_ones(()).expand(level.shape)
        if known is None:
            return simulated(self, device, level)
        mean, std = known
        error = (mean - level).square() + std.square()
        return Moments(error.expand(level.shape), one, 0 * one)
