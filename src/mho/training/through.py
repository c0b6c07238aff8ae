"""A forward pass with other weights, whose gradient goes straight through to the parameters."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mho.data.dataset import Inputs
from mho.evaluation.forward import call


class _Straight(torch.autograd.Function):
    """The value of the second, the gradient of the first; exact, as ``w + (v - w)`` is not."""

    @staticmethod
    def forward(_: object, clean: Tensor, value: Tensor) -> Tensor:
        return value.detach()  # not view_as(): that forgets strides of dimensions of size one

    @staticmethod
    def backward(_: object, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def straight(clean: Tensor, value: Tensor) -> Tensor:
    """``value``, with the gradient that ``clean`` of the same shape would get; in the memory layout of ``clean``."""
    if value.requires_grad:
        return value
    if value.stride() != clean.stride():
        value = torch.empty_like(clean).copy_(value)
    out: Tensor = _Straight.apply(clean, value)  # type: ignore[no-untyped-call]
    return out


def perturbed(module: nn.Module, inputs: Inputs, weights: Mapping[str, Tensor]) -> Tensor:
    """Outputs of ``module`` with ``weights`` in place of its parameters of those names."""
    used = {name: straight(module.get_parameter(name), value) for name, value in weights.items()}
    return call(module, inputs, used)
