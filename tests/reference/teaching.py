"""Training a linear classifier one sample at a time, gradients written out by hand, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor


def batches(n: int, size: int, epochs: int, seed: int) -> Iterator[list[int]]:
    """Sample numbers of every mini-batch of a run; a last one of a single sample is left out."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        order = torch.randperm(n, generator=generator).tolist()
        for start in range(0, n, size):
            part = order[start : start + size]
            if len(part) > 1:
                yield part


def scores(weight: Tensor, bias: Tensor, x: Tensor) -> list[float]:
    """``W x + b``."""
    return [
        float(sum(w * v for w, v in zip(row, x, strict=True))) + float(b) for row, b in zip(weight, bias, strict=True)
    ]


def gradient(weight: Tensor, bias: Tensor, inputs: Tensor, targets: Tensor) -> tuple[float, Tensor, Tensor]:
    """Mean cross-entropy of a batch, and its gradients by ``weight`` and ``bias``."""
    loss, by_weight, by_bias = 0.0, torch.zeros_like(weight), torch.zeros_like(bias)
    for x, target in zip(inputs, targets.tolist(), strict=True):
        said = scores(weight, bias, x)
        top = max(said)
        total = sum(math.exp(s - top) for s in said)
        for c, s in enumerate(said):
            p = math.exp(s - top) / total
            error = (p - (c == target)) / len(inputs)
            by_weight[c] += error * x
            by_bias[c] += error
            loss -= math.log(p) / len(inputs) if c == target else 0.0
    return loss, by_weight, by_bias


def taught(
    weight: Tensor,
    bias: Tensor,
    inputs: Tensor,
    targets: Tensor,
    order: Iterator[list[int]],
    perturb: Callable[[int, Tensor, Tensor, list[int]], Tensor],
    *,
    lr: float,
    momentum: float,
    clean: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Weights after SGD whose gradient is taken at ``perturb(step, weight, bias, samples)`` and applied to ``weight``.

    ``clean`` times the gradient at ``weight`` itself is added.
    """
    weight, bias, inputs = weight.double(), bias.double(), inputs.double()
    speed_w, speed_b = torch.zeros_like(weight), torch.zeros_like(bias)
    for step, part in enumerate(order):
        elsewhere = perturb(step, weight, bias, part).double()
        _, by_weight, by_bias = gradient(elsewhere, bias, inputs[part], targets[part])
        if clean:
            _, more_weight, more_bias = gradient(weight, bias, inputs[part], targets[part])
            by_weight, by_bias = by_weight + clean * more_weight, by_bias + clean * more_bias
        speed_w, speed_b = momentum * speed_w + by_weight, momentum * speed_b + by_bias
        weight, bias = weight - lr * speed_w, bias - lr * speed_b
    return weight, bias


def searched(
    weight: Tensor,
    bias: Tensor,
    inputs: Tensor,
    targets: Tensor,
    start: Tensor,
    bound: float,
    stride: float,
    steps: int,
) -> Tensor:
    """Errors that signed steps of ``stride`` on the loss reach within plus and minus ``bound``."""
    delta = start.double().clone()
    for _ in range(steps):
        _, by_weight, _ = gradient(weight.double() + delta, bias.double(), inputs.double(), targets)
        for i in range(delta.shape[0]):
            for j in range(delta.shape[1]):
                moved = float(delta[i, j]) + stride * math.copysign(1.0, float(by_weight[i, j]))
                delta[i, j] = min(max(moved, -bound), bound)
    return delta
