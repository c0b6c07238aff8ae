"""Intermediate snapshots one sample at a time, gradients written out by hand, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Dense = tuple[Tensor, Tensor]
"""Weight and bias."""


def pooled(features: Tensor, side: int) -> Tensor:
    """Means of a map ``(c, h, w)`` over ``side x side`` areas that cover it, and may overlap by a pixel."""
    channels, height, width = features.shape
    out = torch.zeros(channels, side, side, dtype=features.dtype)
    for c in range(channels):
        for i in range(side):
            for j in range(side):
                rows = range(i * height // side, -(-(i + 1) * height // side))
                columns = range(j * width // side, -(-(j + 1) * width // side))
                cells = [float(features[c, y, x]) for y in rows for x in columns]
                out[c, i, j] = sum(cells) / len(cells)
    return out


def layer(dense: Dense, x: Tensor) -> Tensor:
    """``W x + b``."""
    return dense[0] @ x + dense[1]


def objective(
    backbone: Sequence[Dense],
    snapshots: Sequence[tuple[Dense, Dense]],
    factors: Sequence[float],
    inputs: Tensor,
    targets: Tensor,
) -> tuple[float, list[Dense], list[tuple[Dense, Dense]]]:
    """Mean cross-entropy of ``(O_b + sum_n factor_n C_n) / (N + 1)`` and its gradients by all weights.

    The network is linear layers with ReLU between; snapshot n (from 0) reads what comes out of ReLU n.
    """
    by_backbone = [(torch.zeros_like(w), torch.zeros_like(b)) for w, b in backbone]
    by_snapshots = [tuple((torch.zeros_like(w), torch.zeros_like(b)) for w, b in pair) for pair in snapshots]
    loss = 0.0
    for x, target in zip(inputs, targets.tolist(), strict=True):
        features = [x]
        for dense in backbone[:-1]:
            features.append(layer(dense, features[-1]).clamp(min=0))
        total = layer(backbone[-1], features[-1])
        hidden = []
        for n, (first, last) in enumerate(snapshots):
            hidden.append(layer(first, features[n + 1]).clamp(min=0))
            total = total + factors[n] * layer(last, hidden[n])
        total = total / (len(snapshots) + 1)
        p = torch.exp(total - total.max())
        p = p / p.sum()
        loss -= math.log(p[target]) / len(inputs)
        error = p.clone()
        error[target] -= 1
        error = error / len(inputs) / (len(snapshots) + 1)

        back = [torch.zeros_like(f) for f in features]
        for n, (first, last) in enumerate(snapshots):
            mine = factors[n] * error
            _add(by_snapshots[n][1], mine, hidden[n])
            mine = (last[0].T @ mine) * (hidden[n] > 0)
            _add(by_snapshots[n][0], mine, features[n + 1])
            back[n + 1] += first[0].T @ mine
        for n in reversed(range(len(backbone))):
            _add(by_backbone[n], error, features[n])
            error = (backbone[n][0].T @ error + back[n]) * (features[n] > 0)
    return loss, by_backbone, by_snapshots


def _add(gradient: Dense, error: Tensor, x: Tensor) -> None:
    gradient[0].add_(torch.outer(error, x))
    gradient[1].add_(error)
