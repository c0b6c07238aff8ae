"""Expected calibration error: how far confidence is from accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

BINS = 15


def counted(scores: Tensor, targets: Tensor) -> Tensor:
    """What one batch contributes: ``(chips, BINS, 3)`` samples, summed confidence and hits by confidence.

    Args:
        scores: ``(chips, n, classes)`` logits.
        targets: ``(n,)`` classes.
    """
    confidence, said = scores.float().softmax(-1).max(-1)
    right = said == targets
    # Bins are (0, 1/15], ..., (14/15, 1], as published.
    index = (confidence * BINS).ceil().long().clamp(1, BINS) - 1
    parts = torch.stack([torch.ones_like(confidence), confidence, right.float()], -1).double()
    out = torch.zeros(len(scores), BINS, 3, dtype=torch.float64, device=scores.device)
    return out.scatter_add_(1, index[..., None].expand_as(parts), parts)


def error(parts: Sequence[Tensor]) -> Tensor:
    """``sum over bins of n_b / n |accuracy_b - confidence_b|``, ``(chips,)`` [guo2017calibration] eq. 3."""
    total = torch.stack(list(parts)).sum(0)
    gap = (total[..., 1] - total[..., 2]).abs()  # of sums: the bin's share is in it
    return gap.sum(-1) / total[..., 0].sum(-1)
