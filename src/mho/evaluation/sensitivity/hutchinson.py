"""The diagonal of the Hessian, sampled: unbiased for every network, at the price of many passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mho.errors import ModelError, SpecError
from mho.evaluation.sensitivity.graph import nodes_before
from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.replicates import Replicates
from mho.evaluation.sensitivity.task import Task
from mho.rng import Draws

PURPOSE = "sensitivity probe"
UNKNOWN = ("torch::autograd::Error", "torch::autograd::NotImplemented", "NotImplemented")
"""Nodes in the place of a second derivative that nobody has written."""


def run(task: Task) -> Found:
    """``E[v * Hv]`` over random signs v, for which ``E[v v^T] = 1`` [hutchinson1990; bekas2007].

    Every batch has probes of its own, so that what one batch's estimate is off, another's makes up for: probe k of
    batch b is number ``b K + k`` of the streams (seed, "sensitivity probe", name of the weight). The standard error of
    a weight is that of the probes, for these very images: ``Var = sum_b s_b² / K`` with ``s_b²`` the variance of batch
    b's K estimates.

    Raises:
        SpecError: fewer than two probes.
        ModelError: an operation has no second derivative in torch.
    """
    if task.samples < 2:
        raise SpecError(f"samples={task.samples} must be two or more: the spread of probes is the standard error")
    sums, total, samples = Replicates(), 0.0, 0
    for number, inputs, targets in task.batches():
        with torch.enable_grad():
            loss = task.loss.total(task.outputs(inputs), targets)
            total += task.checked(loss, number)
            samples += len(targets)
            try:
                sums.add(_estimates(task, loss, number))
            except RuntimeError as error:
                raise _only_once(task, str(error).splitlines()[0]) from None
    return Found(task.complete(sums.total), sums.errors(samples), total / samples, sampled=True)


def _estimates(task: Task, loss: Tensor, number: int) -> Iterator[dict[str, Tensor]]:
    """``v * Hv`` of the weights that this batch reaches, for one random v after the other."""
    weights = list(task.weights.values())
    slopes = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
    # The second backward would pass by such an operation, not into it, and leave its part out without a word.
    if any(n.name() in UNKNOWN for s in slopes if s is not None and s.grad_fn for n in nodes_before(s.grad_fn)):
        raise _only_once(task, "its backward is not differentiable")
    for probe in range(number * task.samples, (number + 1) * task.samples):
        signs = [_signs(task, name, probe) for name in task.weights]
        products = _products(slopes, weights, signs)
        yield {
            name: product * sign
            for name, product, sign, slope in zip(task.weights, products, signs, slopes, strict=True)
            if slope is not None
        }


def _only_once(task: Task, why: str) -> ModelError:
    return ModelError(
        f"{type(task.model).__name__} has an operation without second derivative ({why}); "
        "method='fisher' needs the first alone"
    )


def _products(slopes: Sequence[Tensor | None], weights: Sequence[Tensor], signs: Sequence[Tensor]) -> Sequence[Tensor]:
    """``H v`` of every weight, for the v that ``signs`` are."""
    curved = [
        (slope, sign) for slope, sign in zip(slopes, signs, strict=True) if slope is not None and slope.requires_grad
    ]
    if not curved:  # a loss that is linear in the weights
        return [torch.zeros_like(w) for w in weights]
    return torch.autograd.grad(
        [slope for slope, _ in curved],
        weights,
        [sign for _, sign in curved],
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )


def _signs(task: Task, name: str, number: int) -> Tensor:
    weight = task.weights[name]
    chips = torch.tensor([number], device=weight.device)
    bits = Draws(task.seed, name, chips, tuple(weight.shape), weight.device).bits(PURPOSE)[0]
    return (bits & 1).mul_(2).sub_(1).to(weight.dtype)


METHOD = Method(
    name="hutchinson",
    run=run,
    summary="d²loss/dw², sampled with random signs; slower, without any approximation",
    power=2,
    samples=16,
    references=("hutchinson1990", "bekas2007"),
)
