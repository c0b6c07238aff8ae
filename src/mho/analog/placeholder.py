"""What stands where torch keeps a gradient, while backward passes wait for an array: so that it can be dropped."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mho.errors import ModelError


class Placeholder:
    """The gradient of a parameter on an array: a number too small to matter, as the array needs no gradient.

    ``model.zero_grad()`` knows parameters and their gradients alone. Where it drops this one or makes it zero, what
    waits for the array is dropped too; and whoever scales gradients scales this one, which the array must be told of.
    Where a vector is NaN or infinite it is infinite, so that loss scaling backs off.

    Args:
        weight: the parameter.
    """

    def __init__(self, weight: nn.Parameter) -> None:
        self.weight = weight
        self._gradient: Tensor | None = None
        self._version = 0

    @torch.no_grad()
    def put(self, *, finite: bool) -> None:
        """Stand for a gradient."""
        if self._gradient is None:
            # Its square is the least normal number, so that it adds nothing to a norm of gradients.
            self._gradient = torch.full_like(self.weight, _least(self.weight))
            self.weight.grad = self._gradient
        if not finite:
            self._gradient.fill_(torch.inf)
        self._version = self._gradient._version

    def clear(self) -> None:
        """Stand for nothing."""
        if self._gradient is not None and self.weight.grad is self._gradient:
            self.weight.grad = None
        self._gradient = None

    @property
    def dropped(self) -> bool:
        """Whether somebody has dropped the gradient, or made it zero."""
        if self._gradient is None:
            return False
        return self.weight.grad is None or (self._touched and not bool(self.weight.grad.any()))

    def check(self, name: str, *, scaler: bool) -> None:
        """Raise if somebody has changed the gradient.

        Args:
            name: of the parameter.
            scaler: whether ``GradScaler.step`` calls, which has multiplied it by 1.

        Raises:
            ModelError: naming what was probably meant.
        """
        if self._gradient is None or not self._touched:
            return
        now = self.weight.grad
        if scaler and now is not None and (now.isinf().all() or bool((now == _least(self.weight)).all())):
            return
        raise ModelError(
            f"{name}: its gradient was scaled or replaced, which does not reach the array; leave out clip_grad_norm_ "
            "and GradScaler.unscale_: analog.SGD(model, clip_norm=...) clips, and GradScaler.step(optimizer) unscales"
        )

    @property
    def _touched(self) -> bool:
        return self.weight.grad is not self._gradient or self.weight.grad._version != self._version  # type: ignore[union-attr]


def _least(weight: Tensor) -> float:
    return float(torch.finfo(weight.dtype).tiny ** 0.5)
