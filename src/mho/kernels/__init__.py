"""The few hot loops. Each fast path gives bit for bit the numbers of :mod:`mho.kernels.reference`."""

from __future__ import annotations

from types import ModuleType
from typing import cast

import torch
from torch import Tensor

from mho.kernels import reference

__all__ = ["bits_at", "fill_bits", "fill_normal", "normals_at"]


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


def normals_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    """``(n,)`` float32: of each (chip, element) the z that :func:`fill_normal` gives it.

    Args:
        key: two 32-bit words.
        chips: ``(n,)`` int64 chip numbers.
        elements: ``(n,)`` int64.
    """
    chosen = _cpu() if elements.device.type == "cpu" else reference
    return cast(Tensor, chosen.normals_at(key, chips, elements))


def bits_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    """``(n,)`` int64: of each (chip, element) the word that :func:`fill_bits` gives it; see :func:`normals_at`."""
    chosen = _cpu() if elements.device.type == "cpu" else reference
    return cast(Tensor, chosen.bits_at(key, chips, elements))


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
