"""The product of a layer with its weights, and what a backward pass through it leaves for the arrays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

_calls = count()


class Product(Protocol):
    """A product that is linear in its weights, and what it means for the arrays that hold them."""

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """Outputs, without a bias."""

    def backward(self, d: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        """Gradient of the loss by ``x``, from that by the outputs."""


class Exact:
    """``x W^T`` of ``(..., inputs)`` and ``(outputs, inputs)``."""

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return linear(x, weight)

    def backward(self, d: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        return d @ weight


@dataclass
class Pass:
    """What one backward pass through one product has left.

    Attributes:
        number: of the forward call, rising: updates are made in the order of the calls.
        x: inputs of the product.
        d: gradient of the loss by its outputs.
        version: of ``x``, which must not be changed in place before the step.
        block: whose weights these were.
        finite: whether no number of ``x`` and ``d`` is NaN or infinite.
    """

    number: int
    x: Tensor
    d: Tensor
    version: int
    block: int = 0
    finite: bool = True

    @property
    def changed(self) -> bool:
        """Whether the inputs are not what they were."""
        return self.x._version != self.version


def recorded(x: Tensor, weight: Tensor, product: Product, keep: Callable[[Pass], None]) -> Tensor:
    """``product`` of ``x`` and ``weight``; ``backward()`` tells ``keep`` of its inputs and their gradients.

    Gradients that ``torch.autograd.grad`` asks for, which leave none on parameters either, are not told of.

    Args:
        x: inputs, which need not require a gradient.
        weight: gets no gradient.
        product: what is computed.
        keep: takes what a backward pass leaves.
    """
    last: list[Pass] = []

    def take(trigger: Tensor) -> None:
        trigger.grad = None
        while last:
            keep(last.pop())

    # A leaf of its own: without it torch would not come here for inputs that require no gradient, and only where
    # gradients are accumulated on leaves, as on parameters, is this hook called.
    trigger = torch.zeros((), device=x.device, requires_grad=True)
    trigger.register_post_accumulate_grad_hook(take)  # type: ignore[no-untyped-call]
    out: Tensor = _Recorded.apply(x, weight, trigger, product, next(_calls), last)  # type: ignore[no-untyped-call]
    return out


class _Recorded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, trigger: Tensor, product: Product, number: int, last: list[Pass]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.product, ctx.number, ctx.last = product, number, last
        with _full_precision(x):
            return product.forward(x, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        # In place: what an earlier torch.autograd.grad left is not wanted.
        ctx.last[:] = [Pass(ctx.number, x.detach(), d, x._version)]
        with _full_precision(x):
            gradient = ctx.product.backward(d, x, weight) if ctx.needs_input_grad[0] else None
        return gradient, None, d.new_zeros(()), None, None, None


def _full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Arrays have converters of their own; automatic mixed precision is for what is digital."""
    return torch.autocast(x.device.type, enabled=False)
