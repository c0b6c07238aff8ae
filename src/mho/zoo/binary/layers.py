"""Layers of binarised networks: weights and activations are +1 or -1, whatever their parameters hold."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import hardtanh, linear

from mho.zoo.binary.signs import signs

# Its autograd function cannot be traced into; the call itself can be recorded.
torch.fx.wrap("signs")


class BinaryLinear(nn.Linear):
    """``y = signs(W) x + b``: a linear layer that uses its weights' signs alone.

    ``weight`` ``(outputs, inputs)`` holds the latent values that training moves; of weights that are ±a already the
    signs are the same, so what a memory gives back needs no special treatment.

    It is a subclass, not a plain ``nn.Linear`` of binary weights, so that nobody takes it for affine in its parameter:
    a BatchNorm after it is not folded into the weights, whose signs the gain would leave or, where negative, turn.

    Attributes:
        stored: the parameter holds what the cells of an array give back, and is used as it is: signs were stored, and
            errors are no longer a matter of signs. :func:`mho.deploy` sets it on its copy.
    """

    stored: bool = False

    def forward(self, input: Tensor) -> Tensor:
        """``(..., inputs)`` to ``(..., outputs)``."""
        return linear(input, self.weight if self.stored else signs(self.weight), self.bias)


class BinaryConv2d(nn.Conv2d):
    """The convolution with ``signs(W)``; see :class:`BinaryLinear`. Padding adds zeros, not -1."""

    stored: bool = False

    def forward(self, input: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to ``(N, outputs, H', W')``."""
        out: Tensor = self._conv_forward(input, self.weight if self.stored else signs(self.weight), self.bias)
        return out


class BinaryActivation(nn.Module):
    """``signs(hardtanh(x))``: +1 or -1, with a Hardtanh's gradient: none where ``|x| > 1`` [hubara2016binarized]."""

    def forward(self, x: Tensor) -> Tensor:
        # Without gradients it makes no difference, and costs a pass over the activations.
        return signs(hardtanh(x) if torch.is_grad_enabled() else x)


class Scale(nn.Module):
    """The input times one factor, which is learnt: it brings sums of ±1 into the range of logits.

    Args:
        start: first value of the factor.
    """

    def __init__(self, start: float = 1e-3) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor
