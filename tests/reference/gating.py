"""Gates the slow way: masks written out, gradients from their definition, descent one value at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def factor(estimator: str, z: float) -> float:
    """What a gate's gradient is multiplied by."""
    if estimator == "softplus":
        return math.log1p(math.exp(z))
    if estimator == "sigmoid":
        return 1 / (1 + math.exp(-z))
    if estimator == "leaky_relu":
        return 1.0 if z > 0 else 0.01
    if estimator == "hard_sigmoid":
        return min(max(z / 6 + 0.5, 0.0), 1.0)
    return 1.0


def layer(x: Tensor, weight: Tensor, bias: Tensor | None, columns: Tensor, rows: Tensor) -> Tensor:
    """``x diag(M_r) W diag(M_c)``, with the bias masked too; weight ``(columns, rows)``."""
    shut_columns, shut_rows = [j for j, z in enumerate(columns) if z <= 0], [i for i, z in enumerate(rows) if z <= 0]
    weight, bias = weight.clone(), None if bias is None else bias.clone()
    weight[shut_columns] = 0.0
    weight[:, shut_rows] = 0.0
    if bias is not None:
        bias[shut_columns] = 0.0
    out = x @ weight.T
    return out if bias is None else out + bias


def slope(x: Tensor, weight: Tensor, bias: Tensor, above: Tensor, column: int) -> float:
    """``dL/dM_j`` where ``above`` ``(n, columns)`` is dL/dy: the sum over all that the gate multiplies."""
    total, weight, bias = 0.0, weight.detach(), bias.detach()
    for sample in range(len(x)):
        full = float(bias[column]) + sum(float(x[sample, i]) * float(weight[column, i]) for i in range(weight.shape[1]))
        total += float(above[sample, column]) * full
    return total


def steps_to_close(estimator: str, start: float, lr: float, penalty: float) -> int:
    """Steps of plain descent on the penalty alone until a gate is closed."""
    z, steps = start, 0
    while z > 0:
        z -= lr * penalty * factor(estimator, z)
        steps += 1
    return steps


def sparsity(weight: Tensor) -> tuple[int, int]:
    """``(columns, rows)`` of ``(columns, rows)`` that hold nothing but zeros."""
    return (
        sum(all(float(w) == 0 for w in column) for column in weight),
        sum(all(float(w) == 0 for w in row) for row in torch.transpose(weight, 0, 1)),
    )
