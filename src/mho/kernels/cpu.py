"""Philox and the normal formula on the CPU, compiled by numba: the same operations as the reference, in order.

Work is cut into tiles whose three stages (integers, transform, write) each vectorise; fast-math stays off, so that no
two operations are fused and every number equals the reference bit for bit. Threads are Python threads over tiles:
numba's own thread pool would compete with torch's.
"""

from __future__ import annotations

from typing import Any

import numba  # noqa: F401 - interpreted, this would be slower than the reference
import numpy as np
import torch
from torch import Tensor

from mho.kernels import reference as ref
from mho.kernels.compiled import compiled, inlined, philox
from mho.kernels.threads import in_parts

BLOCKS = 256
"""Philox blocks (of four numbers) a tile: four buffers of 1 KiB stay in the first-level cache."""

_f32, _u32, _i32 = np.float32, np.uint32, np.int32
_L = tuple(_f32(c) for c in ref.LOG)
_S = tuple(_f32(c) for c in ref.SIN)
_C = tuple(_f32(c) for c in ref.COS)
_LN2_LOW, _LN2_HIGH = _f32(ref.LN2_LOW), _f32(ref.LN2_HIGH)
_HALF_BITS = _i32(ref.SQRT_HALF_BITS)
_TURN = _f32(ref.TURN)


@inlined
def _log(u):  # type: ignore[no-untyped-def]
    bits = _i32(_f32(u).view(np.int32) - _HALF_BITS)
    exponent = _f32(bits >> _i32(23))
    m = _i32((bits & _i32(0x007FFFFF)) + _HALF_BITS).view(np.float32) - _f32(1)
    z = m * m
    p = _L[0] * m + _L[1]
    p = p * m + _L[2]
    p = p * m + _L[3]
    p = p * m + _L[4]
    p = p * m + _L[5]
    p = p * m + _L[6]
    p = p * m + _L[7]
    p = p * m + _L[8]
    y = p * m * z
    y = y + _LN2_LOW * exponent
    y = y - _f32(0.5) * z
    return (m + y) + _LN2_HIGH * exponent


@inlined
def _box_muller(x, y):  # type: ignore[no-untyped-def]
    u = _f32(x) * _f32(2.0**-32) + _f32(2.0**-33)
    radius = np.sqrt(_f32(-2) * _log(u))
    quarter = _u32(y + _u32(0x20000000)) >> _u32(30)
    a = _f32(_u32(y - (quarter << _u32(30))).view(np.int32)) * _TURN
    z = a * a
    sin = ((_S[0] * z + _S[1]) * z + _S[2]) * z * a + a
    cos = ((_C[0] * z + _C[1]) * z + _C[2]) * z * z - _f32(0.5) * z + _f32(1)
    if (quarter & _u32(2)) != _u32(0):
        radius = -radius
    if (quarter & _u32(1)) != _u32(0):
        return radius * -sin, radius * cos
    return radius * cos, radius * sin


@compiled
def _normals(out, mean, std, k0, k1, chips, first, last):  # type: ignore[no-untyped-def]
    """Tiles ``first`` to ``last`` of ``out``; a row of ``out`` is a chip and holds a whole number of tiles."""
    n = out.shape[1]
    affine = mean.shape[0] == n
    tiles = (n + 4 * BLOCKS - 1) // (4 * BLOCKS)
    x = np.empty((4, BLOCKS), np.uint32)
    z = np.empty(4 * BLOCKS, np.float32)
    for tile in range(first, last):
        row = tile // tiles
        start = (tile % tiles) * BLOCKS
        low, high = _u32(chips[row]), _u32(chips[row] >> 32)
        base = start * 4
        count = min(4 * BLOCKS, n - base)
        blocks = (count + 3) // 4
        # A tile never crosses a multiple of 2^32 blocks: 2^32 is a multiple of BLOCKS.
        word, word_high = _u32(start), _u32(start >> 32)
        for b in range(blocks):
            x[0, b], x[1, b], x[2, b], x[3, b] = philox(_u32(word + _u32(b)), word_high, low, high, k0, k1)
        for b in range(blocks):
            z[4 * b], z[4 * b + 1] = _box_muller(x[0, b], x[1, b])
        for b in range(blocks):
            z[4 * b + 2], z[4 * b + 3] = _box_muller(x[2, b], x[3, b])
        if affine:
            for e in range(count):
                out[row, base + e] = mean[base + e] + std[base + e] * z[e]
        else:
            for e in range(count):
                out[row, base + e] = z[e]


@compiled
def _bits(out, k0, k1, chips, first, last):  # type: ignore[no-untyped-def]
    n = out.shape[1]
    tiles = (n + 4 * BLOCKS - 1) // (4 * BLOCKS)
    x = np.empty(4, np.uint32)
    for tile in range(first, last):
        row = tile // tiles
        start = (tile % tiles) * BLOCKS
        low, high = _u32(chips[row]), _u32(chips[row] >> 32)
        for block in range(start, min(start + BLOCKS, (n + 3) // 4)):
            x[0], x[1], x[2], x[3] = philox(_u32(block), _u32(block >> 32), low, high, k0, k1)
            for lane in range(min(4, n - 4 * block)):
                out[row, 4 * block + lane] = x[lane]


@compiled
def _normals_at(out, k0, k1, chips, elements, first, last):  # type: ignore[no-untyped-def]
    for i in range(first, last):
        block, lane = elements[i] >> 2, elements[i] & 3
        x = philox(_u32(block), _u32(block >> 32), _u32(chips[i]), _u32(chips[i] >> 32), k0, k1)
        a, b = _box_muller(x[0], x[1]) if lane < 2 else _box_muller(x[2], x[3])
        out[i] = b if lane & 1 else a


@compiled
def _bits_at(out, k0, k1, chips, elements, first, last):  # type: ignore[no-untyped-def]
    x = np.empty(4, np.uint32)
    for i in range(first, last):
        block = elements[i] >> 2
        x[0], x[1], x[2], x[3] = philox(_u32(block), _u32(block >> 32), _u32(chips[i]), _u32(chips[i] >> 32), k0, k1)
        out[i] = x[elements[i] & 3]


def _over_tiles(kernel: Any, rows: int, n: int, *arguments: Any) -> None:
    in_parts(kernel, rows * -(-n // (4 * BLOCKS)), rows * n, *arguments)


def fill_normal(out: Tensor, key: tuple[int, int], chips: Tensor, mean: Tensor | None, std: Tensor | None) -> None:
    """As :func:`mho.kernels.reference.fill_normal`; ``out`` contiguous float32 on the CPU."""
    if out.numel() == 0:
        return
    empty = np.empty(0, np.float32)
    m = empty if mean is None else mean.contiguous().numpy()
    s = empty if std is None else std.contiguous().numpy()
    words = (_u32(key[0]), _u32(key[1]))
    _over_tiles(_normals, *out.shape, out.numpy(), m, s, *words, chips.cpu().numpy())


def fill_bits(out: Tensor, key: tuple[int, int], chips: Tensor) -> None:
    """As :func:`mho.kernels.reference.fill_bits`; ``out`` contiguous int64 on the CPU."""
    if out.numel() == 0:
        return
    _over_tiles(_bits, *out.shape, out.numpy(), _u32(key[0]), _u32(key[1]), chips.cpu().numpy())


def normals_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    """As :func:`mho.kernels.reference.normals_at`."""
    return _at(_normals_at, torch.empty(len(elements), dtype=torch.float32), key, chips, elements)


def bits_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    """As :func:`mho.kernels.reference.bits_at`."""
    return _at(_bits_at, torch.empty(len(elements), dtype=torch.int64), key, chips, elements)


def _at(kernel: Any, out: Tensor, key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    n = len(elements)
    if n:
        words = (_u32(key[0]), _u32(key[1]))
        in_parts(kernel, n, n, out.numpy(), *words, chips.contiguous().numpy(), elements.contiguous().numpy())
    return out
