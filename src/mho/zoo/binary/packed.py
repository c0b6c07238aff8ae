"""Binary layers that count bits instead of multiplying floats, where that gives the same numbers."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.functional import linear as float_linear

from mho.kernels import popcount
from mho.zoo.binary.layers import BinaryConv2d, BinaryLinear
from mho.zoo.binary.signs import signs

# Which way to take is seen from the tensors, which a trace does not have: it records the call.
torch.fx.wrap("_linear")
torch.fx.wrap("_convolve")


class PackedLinear(BinaryLinear):
    """A :class:`BinaryLinear` whose products are XNOR and popcount; see :func:`packed`."""

    def forward(self, input: Tensor) -> Tensor:
        """``(..., inputs)`` to ``(..., outputs)``."""
        return super().forward(input) if self.stored else _linear(input, self.weight)


class PackedConv2d(BinaryConv2d):
    """A :class:`BinaryConv2d` whose products are XNOR and popcount; see :func:`packed`."""

    def forward(self, input: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to ``(N, outputs, H', W')``."""
        if self.stored:
            return super().forward(input)
        assert not isinstance(self.padding, str)
        return _convolve(input, self.weight, self.stride, self.padding, self.dilation)


def packed(model: nn.Module) -> nn.Module:
    """A copy of ``model`` whose binary layers count bits, bit for bit the same numbers as before, on a CPU.

    A layer does so for float32 inputs that are all +1 or -1, without gradients, mixed precision or vmap; otherwise, as
    for the pixels that the first layer takes, it multiplies floats. Layers with a bias (whose sum is rounded), groups,
    or padding by other than zeros stay as they are. Names and parameters do not change, so the copy deploys, saves and
    loads as the original does::

        chips = mho.deploy(mho.zoo.binary.packed(model), memory)

    Args:
        model: any network; of others than binary layers nothing changes.
    """
    out = copy.deepcopy(model)
    for module in out.modules():
        if type(module) is BinaryLinear and module.bias is None:
            module.__class__ = PackedLinear
        if type(module) is BinaryConv2d and module.bias is None and _plain(module):
            module.__class__ = PackedConv2d
    return out


def _plain(module: BinaryConv2d) -> bool:
    return module.groups == 1 and module.padding_mode == "zeros" and not isinstance(module.padding, str)


def _linear(input: Tensor, weight: Tensor) -> Tensor:
    sums = popcount.linear(input, weight) if _countable(input, weight) and input.dim() else None
    return float_linear(input, signs(weight)) if sums is None else sums


def _convolve(
    input: Tensor, weight: Tensor, stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]
) -> Tensor:
    sums = None
    if _countable(input, weight) and input.dim() == 4:
        pairs = {"stride": _pair(stride), "padding": _pair(padding), "dilation": _pair(dilation)}
        sums = popcount.convolve(input, weight, **pairs)
    if sums is None:
        return conv2d(input, signs(weight), None, stride, padding, dilation)
    # In the layout that torch's convolution would choose: views of what comes later may depend on it.
    return sums if _channels_last(input) or _channels_last(weight) else sums.contiguous()


def _countable(input: Tensor, weight: Tensor) -> bool:
    differentiated = torch.is_grad_enabled() and (input.requires_grad or weight.requires_grad)
    plain = input.dtype == weight.dtype == torch.float32 and input.device.type == weight.device.type == "cpu"
    return plain and not differentiated and not torch.is_autocast_enabled("cpu")


def _channels_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    return sizes[0], sizes[1]
