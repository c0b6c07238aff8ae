"""Sums of products of +1 and -1, 64 at a time: bits are compared (XNOR) and counted, as binarised accelerators do.

With bit 1 for +1 and 0 for -1, the n products of two vectors add up to ``n - 2 popcount(a xor b)`` [rastegari2016xnor].
The sums are whole numbers below 2^24, so a float32 matrix product of the same vectors gives the same, bit for bit.
"""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType

import torch
from torch import Tensor

Pair = tuple[int, int]


def linear(inputs: Tensor, weight: Tensor) -> Tensor | None:
    """``inputs @ signs(weight).T``.

    Args:
        inputs: ``(..., n)`` float32 on the CPU.
        weight: ``(outputs, n)`` float32, likewise; positive is +1, all else -1.

    Returns:
        ``(..., outputs)`` float32; ``None`` where an input is neither +1 nor -1, or nothing is compiled here.
    """
    rows = inputs.reshape(-1, inputs.shape[-1])
    sums = _sums(rows[:, None, None], weight[:, None, None], (1, 1), (0, 0), (1, 1))
    return None if sums is None else sums.reshape(*inputs.shape[:-1], len(weight))


def convolve(inputs: Tensor, weight: Tensor, *, stride: Pair, padding: Pair, dilation: Pair) -> Tensor | None:
    """The convolution of ``inputs`` with ``signs(weight)``; padding adds zeros, which count for nothing.

    Args:
        inputs: ``(N, channels, H, W)`` float32 on the CPU, in any layout.
        weight: ``(outputs, channels, h, w)`` float32, likewise; positive is +1, all else -1.
        stride: rows and columns.
        padding: likewise.
        dilation: likewise.

    Returns:
        ``(N, outputs, H', W')`` float32, channels last in memory; ``None`` where an input is neither +1 nor -1, or
        nothing is compiled here.
    """
    sums = _sums(inputs.permute(0, 2, 3, 1), weight.permute(0, 2, 3, 1), stride, padding, dilation)
    return None if sums is None else sums.permute(0, 3, 1, 2)


def _sums(inputs: Tensor, weight: Tensor, stride: Pair, padding: Pair, dilation: Pair) -> Tensor | None:
    """Of ``(N, H, W, channels)`` and ``(outputs, h, w, channels)``, as ``(N, H', W', outputs)``."""
    cpu = _cpu()
    if cpu is None or not inputs.numel() or not weight.numel():
        return None
    inputs, weight = inputs.detach().contiguous(), weight.detach().contiguous()
    try:
        arrays = inputs.numpy(), weight.numpy()
    except RuntimeError:  # tensors without memory of their own, such as those inside vmap
        return None
    out = cpu.sums(*arrays, stride, padding, dilation)
    return None if out is None else torch.from_numpy(out)


def _cpu() -> ModuleType | None:
    with suppress(ImportError):  # numba is a dependency; source checkouts may run without it
        from mho.kernels import cpu_popcount

        return cpu_popcount
    return None
