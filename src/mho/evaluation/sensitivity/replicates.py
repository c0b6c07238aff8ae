"""Mean and standard error of estimates that are added up batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


class Replicates:
    """Independent estimates of the same tensors, a few per batch; batches add up.

    The variance of the sum of the batches' means is the sum over batches of ``s² / K``, with s² the variance of a
    batch's K estimates: every batch has random numbers of its own.
    """

    def __init__(self) -> None:
        self.total: dict[str, Tensor] = {}
        self.variance: dict[str, Tensor] = {}

    def add(self, estimates: Iterable[Mapping[str, Tensor]]) -> None:
        """Take the K estimates of one batch, K at least one; of one alone no variance is known."""
        mean: dict[str, Tensor] = {}
        spread: dict[str, Tensor] = {}
        count = 0
        for count, estimate in enumerate(estimates, start=1):
            for name, value in estimate.items():
                if name not in mean:
                    mean[name], spread[name] = value.clone(), torch.zeros_like(value)
                    continue
                # Welford: sums of squares would cancel.
                step = value - mean[name]
                mean[name] += step / count
                spread[name] += step * (value - mean[name])
        for name, value in mean.items():
            of_mean = spread[name] / (count * max(1, count - 1))
            if name in self.total:
                self.total[name] += value
                self.variance[name] += of_mean
            else:
                self.total[name], self.variance[name] = value, of_mean

    def errors(self, samples: int) -> dict[str, Tensor]:
        """Standard errors of the total divided by ``samples``."""
        return {name: value.sqrt() / samples for name, value in self.variance.items()}
