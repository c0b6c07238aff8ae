"""Convolutions on arrays: the kernel unrolled, one array a group."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, unfold
from torch.nn.modules.conv import _ConvNd

from mho.analog.bank import Vectors
from mho.analog.layers.base import AnalogLayer, register

_PIECE = 1 << 22
"""Unrolled inputs made at once, about."""

Geometry = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
"""Stride, padding and dilation by dimension, and groups."""


class _Convolution:
    """The product of a convolution; see :class:`mho.analog.matmul.Product`."""

    def __init__(self, geometry: Geometry) -> None:
        self._stride, self._padding, self._dilation, self._groups = geometry

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        zeros = (0,) * len(self._stride)
        stride, padding, dilation, groups = self._stride, self._padding, self._dilation, self._groups
        return torch.convolution(x, weight, None, stride, padding, dilation, False, zeros, groups)

    def backward(self, d: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        zeros = (0,) * len(self._stride)
        sizes = (self._stride, self._padding, self._dilation, False, zeros, self._groups)
        found: Tensor = torch.ops.aten.convolution_backward(d, x, weight, None, *sizes, [True, False, False])[0]
        return found


class _AnalogConv(AnalogLayer, _ConvNd):
    """Abstract convolution of images or sequences.

    Every position of the output is one vector: the inputs under the kernel, channel by channel. Vectors are taken
    sample by sample, and of a sample row by row. A group has an array of its own.
    """

    def blocks(self, name: str) -> int:
        return self.groups

    def forward(self, input: Tensor) -> Tensor:
        """``(N, channels, ...)`` or ``(channels, ...)`` to the same with outputs."""
        if self.as_usual:
            out: Tensor = self._conv_forward(input, self.weight, self.bias)
            return out
        alone = input.dim() == self.weight.dim() - 1
        x, geometry = self._padded(input[None] if alone else input), self._geometry
        bank = self.bank("weight")
        if bank.exact:
            # The image as it is waits for the step; its unrolled form, kernel size times as large, is made in pieces.
            out = bank.product(x, self.weight, product=_Convolution(geometry))
        else:
            out = self._unrolled_product(x, geometry)
        if self.bias is not None:
            out = out + self.bias.view(-1, *[1] * (out.dim() - 2))
        return out[0] if alone else out

    def vectors(self, name: str) -> Vectors | None:
        return self._pieces if self.bank(name).exact else None

    @property
    def _geometry(self) -> Geometry:
        padding = (0,) * len(self.stride) if self._pads_itself else tuple(self.padding)
        return self.stride, padding, self.dilation, self.groups  # type: ignore[return-value]

    @property
    def _pads_itself(self) -> bool:
        """Whether the padding is one that kernels do not add: of other values, or more on one side ("same")."""
        return self.padding_mode != "zeros" or isinstance(self.padding, str)

    def _padded(self, x: Tensor) -> Tensor:
        if not self._pads_itself:
            return x
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return pad(x, self._reversed_padding_repeated_twice, mode=mode)

    def _pieces(self, x: Tensor, d: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Vectors of a whole convolution, some samples at a time."""
        if not d.numel():
            return
        samples = max(1, _PIECE // (d[0, 0].numel() * x.shape[1] * self.weight[0, 0].numel()))
        for some, theirs in zip(torch.split(x, samples), torch.split(d, samples), strict=True):
            columns = self._columns(some, self._geometry).chunk(self.groups, dim=2)
            errors = theirs.flatten(2).transpose(1, 2).chunk(self.groups, dim=2)
            for group, (inputs, outputs) in enumerate(zip(columns, errors, strict=True)):
                yield group, inputs.flatten(0, 1), outputs.flatten(0, 1)

    def _columns(self, x: Tensor, geometry: Geometry) -> Tensor:
        """``(N, positions, channels * kernel)``."""
        stride, padding, dilation, _ = geometry
        if len(stride) == 1:  # a sequence is an image of one row
            x, ones = x.unsqueeze(2), (1,)
            sizes = [ones + tuple(s) for s in (self.kernel_size, dilation, stride)]
            kernel, dilation, stride = sizes
            padding = (0, *padding)
        else:
            kernel = self.kernel_size
        return unfold(x, kernel, dilation, padding, stride).transpose(1, 2)

    def _unrolled_product(self, x: Tensor, geometry: Geometry) -> Tensor:
        stride, padding, dilation, groups = geometry
        columns = self._columns(x, geometry).chunk(groups, dim=2)
        outs = [self.product("weight", part, group) for group, part in enumerate(columns)]
        sizes = [
            (n + 2 * p - r * (k - 1) - 1) // s + 1
            for n, p, r, k, s in zip(x.shape[2:], padding, dilation, self.kernel_size, stride, strict=True)
        ]
        return torch.cat(outs, dim=2).transpose(1, 2).reshape(len(x), self.out_channels, *sizes)


@register(nn.Conv1d)
class AnalogConv1d(_AnalogConv, nn.Conv1d):
    """A convolution of sequences ``(N, channels, length)``: W ``(outputs, channels / groups, kernel)`` on arrays."""


@register(nn.Conv2d)
class AnalogConv2d(_AnalogConv, nn.Conv2d):
    """A convolution of images ``(N, channels, H, W)``: W ``(outputs, channels / groups, kH, kW)`` on arrays."""
