"""Linear interpolation between the points of a measured table."""

from __future__ import annotations

import torch
from torch import Tensor


def bracket(x: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Index of the point left of each ``x`` and its share of the way to the next; ``x`` is held at both ends.

    Args:
        x: any shape.
        points: ``(n,)`` increasing.

    Returns:
        int64 indices in [0, n - 2] (0 where there is one point) and shares in [0, 1], of the shape of ``x``.
    """
    if len(points) == 1:
        return torch.zeros_like(x, dtype=torch.int64), torch.zeros_like(x)
    held = x.clamp(points[0], points[-1])
    left = (torch.bucketize(held, points) - 1).clamp(0, len(points) - 2)
    return left, (held - points[left]) / (points[left + 1] - points[left])
