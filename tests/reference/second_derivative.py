"""Second derivatives the obvious way: push one number at a time and look at what happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

STEP = 1e-4
"""Of a central difference in float64: errors of about 1e-8 in first and second derivatives of order one."""


def recursion(f: Callable[..., Tensor], inputs: Sequence[Tensor], h: Tensor, g: Tensor) -> list[Tensor]:
    """``sum_i (dy_i/dx_j)² h_i + sum_i g_i d²y_i/dx_j²`` of every element j of every input of ``y = f(*inputs)``.

    Args:
        f: any function; only ever called forwards.
        inputs: float64 tensors.
        h: second derivative at the outputs.
        g: first derivative at the outputs.
    """
    inputs = [x.detach().clone() for x in inputs]
    # clone: what a view shows would move with the input
    middle, out = f(*inputs).clone(), []
    for x in inputs:
        at_input = torch.zeros_like(x)
        for j in range(x.numel()):
            flat, kept = x.view(-1), float(x.view(-1)[j])
            flat[j] = kept + STEP
            above = f(*inputs).clone()
            flat[j] = kept - STEP
            below = f(*inputs).clone()
            flat[j] = kept
            slope, bend = (above - below) / (2 * STEP), (above - 2 * middle + below) / STEP**2
            at_input.view(-1)[j] = (slope.square() * h).sum() + (bend * g).sum()
        out.append(at_input)
    return out


def diagonal(loss: Callable[[Tensor], Tensor], weight: Tensor) -> Tensor:
    """``d²loss/dw²`` of every weight, all cross terms of the network included: the diagonal of the dense Hessian."""
    n = weight.numel()
    hessian = torch.func.jacrev(torch.func.jacrev(loss))(weight)
    return hessian.reshape(n, n).diagonal().reshape(weight.shape)


def fisher(loss: Callable[[int], Tensor], weight: Tensor, samples: int) -> Tensor:
    """Mean over samples of the squared gradient of one sample's loss, one backward pass a sample."""
    total = torch.zeros_like(weight)
    for i in range(samples):
        (gradient,) = torch.autograd.grad(loss(i), weight)
        total += gradient.square()
    return total / samples


def stages(
    steps: Sequence[tuple[Callable[..., Tensor], Sequence[Tensor]]], x: Tensor, h: Tensor, g: Tensor
) -> list[list[Tensor]]:
    """The recursion through a chain of functions, each with weights of its own, from dense Jacobians alone.

    Args:
        steps: ``(f, weights)`` with ``f(x, *weights)``.
        x: input of the first.
        h: second derivative at the output of the last.
        g: first derivative there.

    Returns:
        Second derivatives of the weights, step by step.
    """
    inputs = [x]
    for f, weights in steps:
        inputs.append(f(inputs[-1], *weights))
    found: list[list[Tensor]] = []
    for (f, weights), given in zip(reversed(steps), reversed(inputs[:-1]), strict=True):
        at_input, *at_weights = recursion(f, [given, *weights], h, g)
        found.append(at_weights)
        (g,) = torch.autograd.functional.vjp(lambda x, f=f, w=weights: f(x, *w), given, g)[1:]
        h = at_input
    return found[::-1]
