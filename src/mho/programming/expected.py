"""What a scheme does on average to the cells of one layer, with as little arithmetic as their levels allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mho.programming.base import Moments, Scheme

if TYPE_CHECKING:
    from mho.devices.base import Device


@dataclass(frozen=True)
class Expected:
    """Moments of every cell of a layer: a table of the few levels there are, or one entry a cell where they are many.

    Attributes:
        levels: ``(cells, *shape)`` targets, fractions of the full range.
        steps: levels are multiples of ``1 / steps``; 0 where they may be any.
        moments: of the levels 0, 1/steps, ..., 1; of every cell with ``steps`` 0.
    """

    levels: Tensor
    steps: int
    moments: Moments

    @classmethod
    def of(cls, scheme: Scheme, device: Device, levels: Tensor, steps: int) -> Expected:
        """What ``scheme`` does to cells of ``levels``."""
        asked = torch.linspace(0, 1, steps + 1, device=levels.device) if steps else levels
        return cls(levels, steps, scheme.moments(device, asked))

    def each(self, name: str) -> Tensor:
        """The moment called ``name`` of every cell, ``(cells, *shape)``."""
        values: Tensor = getattr(self.moments, name)
        return values[self._index(self.levels)] if self.steps else values

    def by_weight(self, name: str, shares: Tensor) -> Tensor:
        """``sum_j shares[j] * moment[j]`` over the cells of a weight, ``(*shape)``; 0-dimensional if all are equal."""
        values: Tensor = getattr(self.moments, name)
        if not self.steps:
            whole: Tensor = torch.tensordot(shares.to(values.dtype), values.expand(self.levels.shape), dims=1)
            return whole
        if bool((values == values[0]).all()):
            return values[0] * shares.sum()
        total = torch.zeros_like(self.levels[0])
        for share, level in zip(shares.tolist(), self.levels, strict=True):
            total += values[self._index(level)].mul_(share)
        return total

    def summed(self, name: str, chosen: Tensor | None) -> float:
        """The moment added up over the cells of ``chosen``, broadcastable to the levels; over all if ``None``."""
        values: Tensor = getattr(self.moments, name)
        if not self.steps:
            picked = values if chosen is None else values * chosen
            return float(picked.expand(self.levels.shape).double().sum())
        if bool((values == values[0]).all()):
            return float(values[0].double()) * self.count(chosen)
        total = 0.0
        for j, level in enumerate(self.levels):
            index = self._index(level)
            if chosen is not None:
                index = index[chosen.expand(self.levels.shape)[j]]
            total += float(torch.bincount(index.flatten(), minlength=self.steps + 1).double() @ values.double())
        return total

    def count(self, chosen: Tensor | None) -> int:
        """How many cells are in ``chosen``."""
        if chosen is None:
            return self.levels.numel()
        whole: int = int(chosen.sum()) * (self.levels.numel() // chosen.numel())
        return whole

    def _index(self, levels: Tensor) -> Tensor:
        return (levels * self.steps).round_().long()
