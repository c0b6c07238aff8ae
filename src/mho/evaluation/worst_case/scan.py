"""Networks that differ from one in a single weight each, numbered by weight and point of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mho.mapping.sampler import Source


@dataclass(frozen=True)
class Scanned(Source):
    """One weight tensor of such networks; network k has weight ``k // points`` at grid point ``k % points``.

    Attributes:
        mean: ``(*shape)`` weights without errors.
        reach: error at one S, broadcastable.
        delta: ``(*shape)`` errors of all weights but the one that is moved, over ``reach``.
        grid: ``(points,)`` errors of that one.
        first: number of the first weight of this tensor.
    """

    mean: Tensor
    reach: Tensor
    delta: Tensor
    grid: Tensor
    first: int

    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        """``(chips, *shape)`` weights; one tensor for all where none of them is moved."""
        points = len(self.grid)
        here = chips // points - self.first
        base = torch.addcmul(self.mean, self.reach, self.delta)
        moved = ((here >= 0) & (here < base.numel())).nonzero()[:, 0]
        if not len(moved):
            return base.expand(len(chips), *base.shape)
        weights = base.reshape(1, -1).repeat(len(chips), 1)
        which, error = here[moved], self.grid.to(base.device)[chips[moved] % points]
        reach = self.reach.expand_as(base).reshape(-1)[which]
        weights[moved, which] = self.mean.reshape(-1)[which] + reach * error
        return weights.view(len(chips), *base.shape)

    @property
    def bytes_per_chip(self) -> int:
        """Weights."""
        return 8 * self.mean.numel()
