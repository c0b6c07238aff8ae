"""Philox and the normal formula on CUDA, in Triton: one kernel from chip number to programmed weight.

Fused multiply-add is switched off, so the numbers equal the reference's; ``TRITON_INTERPRET=1`` runs the same source
on a machine without a GPU, which is how it is tested there.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from mho.kernels import reference as ref

_BLOCK = 256

_M0, _M1 = tl.constexpr(ref.MULTIPLIERS[0]), tl.constexpr(ref.MULTIPLIERS[1])
_W0, _W1 = tl.constexpr(ref.WEYL[0]), tl.constexpr(ref.WEYL[1])
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (tl.constexpr(c) for c in ref.LOG)
_S0, _S1, _S2 = (tl.constexpr(c) for c in ref.SIN)
_C0, _C1, _C2 = (tl.constexpr(c) for c in ref.COS)
_LN2_LOW, _LN2_HIGH = tl.constexpr(ref.LN2_LOW), tl.constexpr(ref.LN2_HIGH)
_HALF_BITS = tl.constexpr(ref.SQRT_HALF_BITS)
_TURN = tl.constexpr(ref.TURN)
_EXP32 = tl.constexpr(2.0**-32)
_EXP33 = tl.constexpr(2.0**-33)

_jit: Any = triton.jit
# A key word or a size that happens to be 1 must not become a compile-time constant.
_launched: Any = triton.jit(do_not_specialize=["k0", "k1"])


@_jit
def _philox(block, chip, k0, k1):  # type: ignore[no-untyped-def]
    c0 = block.to(tl.uint32)
    c1 = (block >> 32).to(tl.uint32)
    c2 = chip.to(tl.uint32) + tl.zeros_like(c0)
    c3 = (chip >> 32).to(tl.uint32) + tl.zeros_like(c0)
    k0 = k0.to(tl.uint32)
    k1 = k1.to(tl.uint32)
    for _ in tl.static_range(10):
        p0 = c0.to(tl.uint64) * _M0
        p1 = c2.to(tl.uint64) * _M1
        c0 = (p1 >> 32).to(tl.uint32) ^ c1 ^ k0
        c1 = p1.to(tl.uint32)
        c2 = (p0 >> 32).to(tl.uint32) ^ c3 ^ k1
        c3 = p0.to(tl.uint32)
        k0 = (k0.to(tl.uint64) + _W0).to(tl.uint32)
        k1 = (k1.to(tl.uint64) + _W1).to(tl.uint32)
    return c0, c1, c2, c3


@_jit
def _log(u):  # type: ignore[no-untyped-def]
    bits = u.to(tl.int32, bitcast=True) - _HALF_BITS
    exponent = (bits >> 23).to(tl.float32)
    m = ((bits & 0x007FFFFF) + _HALF_BITS).to(tl.float32, bitcast=True) - 1.0
    z = m * m
    p = _L0 * m + _L1
    p = p * m + _L2
    p = p * m + _L3
    p = p * m + _L4
    p = p * m + _L5
    p = p * m + _L6
    p = p * m + _L7
    p = p * m + _L8
    y = p * m * z
    y = y + _LN2_LOW * exponent
    y = y - 0.5 * z
    return (m + y) + _LN2_HIGH * exponent


@_jit
def _box_muller(x, y):  # type: ignore[no-untyped-def]
    u = x.to(tl.float32) * _EXP32 + _EXP33
    radius = tl.sqrt_rn(-2.0 * _log(u))
    wide = y.to(tl.int64)
    quarter = ((wide + 0x20000000) & 0xFFFFFFFF) >> 30
    rest = (wide - (quarter << 30)) & 0xFFFFFFFF
    signed = tl.where(rest >= 0x80000000, rest - 0x100000000, rest)
    a = signed.to(tl.float32) * _TURN
    z = a * a
    sin = ((_S0 * z + _S1) * z + _S2) * z * a + a
    cos = ((_C0 * z + _C1) * z + _C2) * z * z - 0.5 * z + 1.0
    odd = (quarter & 1) != 0
    radius = tl.where((quarter & 2) != 0, -radius, radius)
    return radius * tl.where(odd, -sin, cos), radius * tl.where(odd, cos, sin)


@_launched  # type: ignore[untyped-decorator]
def _normals(out, mean, std, chips, k0, k1, n, AFFINE: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    row = tl.program_id(1).to(tl.int64)
    chip = tl.load(chips + row)
    block = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    x0, x1, x2, x3 = _philox(block, chip, k0, k1)
    z0, z1 = _box_muller(x0, x1)
    z2, z3 = _box_muller(x2, x3)
    element = (block * 4)[:, None] + tl.arange(0, 4)[None, :]
    # (BLOCK, 4) in element order, so that loads and stores of a warp are contiguous.
    z = tl.reshape(tl.interleave(tl.interleave(z0, z2), tl.interleave(z1, z3)), (BLOCK, 4))
    inside = element < n
    if AFFINE:
        z = tl.load(mean + element, mask=inside) + tl.load(std + element, mask=inside) * z
    tl.store(out + row * n + element, z, mask=inside)


@_launched  # type: ignore[untyped-decorator]
def _bits(out, chips, k0, k1, n, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    row = tl.program_id(1).to(tl.int64)
    chip = tl.load(chips + row)
    block = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    x0, x1, x2, x3 = _philox(block, chip, k0, k1)
    element = (block * 4)[:, None] + tl.arange(0, 4)[None, :]
    x = tl.reshape(tl.interleave(tl.interleave(x0, x2), tl.interleave(x1, x3)), (BLOCK, 4))
    tl.store(out + row * n + element, x.to(tl.int64), mask=element < n)


def _grid(out: Tensor) -> tuple[int, int]:
    return (triton.cdiv(triton.cdiv(out.shape[1], 4), _BLOCK), out.shape[0])


def fill_normal(out: Tensor, key: tuple[int, int], chips: Tensor, mean: Tensor | None, std: Tensor | None) -> None:
    """As :func:`mho.kernels.reference.fill_normal`; ``out`` contiguous float32 on a CUDA device."""
    if out.numel() == 0:
        return
    affine = mean is not None and std is not None
    m = mean.contiguous() if mean is not None else out
    s = std.contiguous() if std is not None else out
    ids = chips.to(out.device)
    _normals[_grid(out)](out, m, s, ids, *key, out.shape[1], affine, _BLOCK, enable_fp_fusion=False)


def fill_bits(out: Tensor, key: tuple[int, int], chips: Tensor) -> None:
    """As :func:`mho.kernels.reference.fill_bits`; ``out`` contiguous int64 on a CUDA device."""
    if out.numel() == 0:
        return
    _bits[_grid(out)](out, chips.to(out.device), *key, out.shape[1], _BLOCK)
