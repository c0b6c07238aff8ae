"""CorrectNet the obvious way: Gram matrices entry by entry, compensation pixel by pixel, statistics batch by batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def slices(weight: Tensor) -> list[Tensor]:
    """The matrices of the last two dimensions."""
    if weight.dim() == 2:
        return [weight]
    return [matrix for part in weight for matrix in slices(part)]


def rows_of_outputs(weight: Tensor, *, groups: int = 1, transposed: bool = False) -> list[Tensor]:
    """Of every group, the matrix that has in a row all weights that one output channel is made with."""
    matrices, inputs = [], len(weight) // groups
    for group in range(groups):
        part = weight[group * inputs : (group + 1) * inputs]
        outputs = [part[:, o] for o in range(part.shape[1])] if transposed else list(part)
        matrices.append(torch.stack([output.flatten() for output in outputs]))
    return matrices


def penalty(matrices: list[Tensor], level: float) -> float:
    """The sum of ``||G - level I||^2``, G the products of all rows, or of all columns where those are fewer."""
    total = 0.0
    for matrix in matrices:
        vectors = list(matrix) if matrix.shape[0] <= matrix.shape[1] else list(matrix.T)
        for i, a in enumerate(vectors):
            for j, b in enumerate(vectors):
                dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
                total += (dot - level * (i == j)) ** 2
    return total


def penalty_gradient(matrix: Tensor, level: float) -> Tensor:
    """``4 w (w^T w - level I)``, entry by entry; for the smaller Gram matrix."""
    if matrix.shape[0] < matrix.shape[1]:
        return penalty_gradient(matrix.T, level).T
    rows, columns = matrix.shape
    out = torch.zeros(rows, columns, dtype=torch.float64)
    for r in range(rows):
        for c in range(columns):
            for k in range(columns):
                gram = sum(float(matrix[i, k]) * float(matrix[i, c]) for i in range(rows))
                out[r, c] += 4 * float(matrix[r, k]) * (gram - level * (k == c))
    return out


def pooled(x: Tensor, height: int, width: int) -> Tensor:
    """``(c, h, w)`` to ``(c, height, width)``: means of the pixels that each new pixel covers, in part or whole."""
    out = torch.zeros(len(x), height, width, dtype=x.dtype)
    for i in range(height):
        top, bottom = i * x.shape[1] // height, math.ceil((i + 1) * x.shape[1] / height)
        for j in range(width):
            left, right = j * x.shape[2] // width, math.ceil((j + 1) * x.shape[2] / width)
            out[:, i, j] = x[:, top:bottom, left:right].flatten(1).mean(1)
    return out


def compensated(x: Tensor, y: Tensor, g: tuple[Tensor, Tensor], q: tuple[Tensor, Tensor]) -> Tensor:
    """``Q(y, G(pool(x), y))`` of one image: ``x (c_in, h, w)``, ``y (c_out, h', w')``, (weight, bias) of G and Q."""
    out, small = torch.zeros_like(y), pooled(x, *y.shape[1:])
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            maps = g[0] @ torch.cat([small[:, i, j], y[:, i, j]]) + g[1]
            out[:, i, j] = q[0] @ torch.cat([y[:, i, j], maps]) + q[1]
    return out


def statistics(batches: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance ``(c,)`` of every batch ``(n, c, ...)``, averaged over samples."""
    mean, variance, samples = 0.0, 0.0, sum(len(batch) for batch in batches)
    for batch in batches:
        channels = batch.double().transpose(0, 1).flatten(1)
        mean = mean + channels.mean(1) * len(batch) / samples
        variance = variance + channels.var(1, unbiased=True) * len(batch) / samples
    return mean, variance
