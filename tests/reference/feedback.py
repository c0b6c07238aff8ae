"""Losses of added outputs of a two-layer network under several errors; gradients by hand, a sample at a time, float64.

The network is ``V tanh(U x + a) + c``; pass k runs with weights ``(U_k, V_k)``, and the gradient of every pass goes to
the clean ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Weights = tuple[Tensor, Tensor]
Gradients = dict[str, Tensor]


def fed_back(
    passes: Sequence[Weights], factors: Sequence[float], a: Tensor, c: Tensor, inputs: Tensor, targets: Tensor
) -> tuple[float, Gradients]:
    """Mean loss of ``sum_k factors[k] * outputs_k``: cross-entropy for class indices, else mean squared error.

    Returns:
        The loss, and its gradients by ``a``, ``U``, ``c`` and ``V``.
    """
    a, c, inputs = a.double(), c.double(), inputs.double()
    grads = {"a": torch.zeros_like(a), "c": torch.zeros_like(c)}
    grads["U"], grads["V"] = (torch.zeros_like(w, dtype=torch.float64) for w in passes[0])
    loss = 0.0
    for x, target in zip(inputs, targets, strict=True):
        hidden = [torch.tanh(u.double() @ x + a) for u, _ in passes]
        outputs = [v.double() @ h + c for (_, v), h in zip(passes, hidden, strict=True)]
        total = torch.stack([f * out for f, out in zip(factors, outputs, strict=True)]).sum(0)
        one, slope = _at(total, target)
        loss += one / len(inputs)
        slope = slope / len(inputs)
        for factor, (_, v), h in zip(factors, passes, hidden, strict=True):
            before = factor * (v.double().T @ slope) * (1 - h * h)
            grads["V"] += factor * torch.outer(slope, h)
            grads["c"] += factor * slope
            grads["U"] += torch.outer(before, x)
            grads["a"] += before
    return loss, grads


def averaged(
    passes: Sequence[Weights], a: Tensor, c: Tensor, inputs: Tensor, targets: Tensor
) -> tuple[float, Gradients]:
    """The mean of the losses of the passes."""
    each = [fed_back([one], [1.0], a, c, inputs, targets) for one in passes]
    names = each[0][1]
    mean = {name: torch.stack([grads[name] for _, grads in each]).mean(0) for name in names}
    return sum(loss for loss, _ in each) / len(each), mean


def _at(outputs: Tensor, target: Tensor) -> tuple[float, Tensor]:
    """Loss of one sample, and its gradient by the outputs."""
    if target.is_floating_point():
        off = outputs - target.double()
        return float((off * off).mean()), 2 * off / len(off)
    p = torch.exp(outputs - outputs.max())
    p = p / p.sum()
    slope = p.clone()
    slope[int(target)] -= 1
    return -math.log(float(p[int(target)])), slope
