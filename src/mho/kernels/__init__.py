"""The few hot loops. Each fast path gives bit for bit the numbers of :mod:`mho.kernels.reference`."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor

from mho.kernels import reference

__all__ = ["fill_bits", "fill_normal"]


def fill_normal(
    out: Tensor, key: tuple[int, int], chips: Tensor, mean: Tensor | None = None, std: Tensor | None = None
) -> Tensor:
    """Write ``mean + std * z`` into ``out`` and return it; z is addressed by (key, chip, element).

    Args:
        out: ``(chips, n)`` contiguous float32.
        key: two 32-bit words.
        chips: ``(chips,)`` int64 chip numbers.
        mean: ``(n,)`` float32, or ``None`` together with ``std`` for plain standard normals.
        std: ``(n,)`` float32.
    """
    _backend(out).fill_normal(out, key, chips, mean, std)
    return out


def fill_bits(out: Tensor, key: tuple[int, int], chips: Tensor) -> Tensor:
    """Write the uint32 words of every (chip, element) into ``out`` ``(chips, n)``, int64, and return it."""
    _backend(out).fill_bits(out, key, chips)
    return out


def _backend(out: Tensor) -> ModuleType:
    if not out.is_contiguous():
        raise ValueError("kernels write to contiguous memory only")
    if out.device.type == "cpu":
        return _cpu()
    if out.device.type == "cuda" and torch.version.hip is None:
        return _cuda()
    return reference


def _cpu() -> ModuleType:
    try:
        from mho.kernels import cpu
    except ImportError:  # pragma: no cover - numba is a dependency; source checkouts may run without it
        return reference
    return cpu


def _cuda() -> ModuleType:
    try:
        from mho.kernels import cuda
    except ImportError:  # pragma: no cover - torch builds without Triton
        return reference
    return cuda
