"""How pulsed cells answer pulses, on CUDA in Triton: the operations of :mod:`mho.kernels.cpu_pulses`, in order.

For a block of columns of one row that a program holds. No two operations are fused (kernels are launched so), and
roots and quotients are rounded as IEEE 754 says.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl

from mho.kernels.cpu_pulses import SAFE
from mho.kernels.cuda import _box_muller
from mho.kernels.cuda_trains import _counted

_SAFE = tl.constexpr(float(SAFE))
_jit: Any = triton.jit


@_jit
def _block(i, first, width):  # type: ignore[no-untyped-def]
    """The block of four columns that starts with column ``first`` of row ``i``."""
    return i * ((width + 3) // 4) + first // 4


@_jit  # type: ignore[untyped-decorator]
def _four(block, number, sample, chip, k0, k1, NOISY: tl.constexpr):  # type: ignore[no-untyped-def]
    """The four normal numbers of every block; zeros where there is no noise."""
    if NOISY:
        x0, x1, x2, x3 = _counted(block, number, sample, chip, k0, k1)
        z0, z1 = _box_muller(x0, x1)
        z2, z3 = _box_muller(x2, x3)
        return z0, z1, z2, z3
    z = tl.zeros(block.shape, tl.float32)
    return z, z, z, z


@_jit  # type: ignore[untyped-decorator]
def _normals(block, sample, chip, k0, k1, NOISY: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """The normal numbers of the first pulses of ``BLOCK`` columns from ``block`` on; zeros where there is no noise."""
    if NOISY:
        z0, z1, z2, z3 = _four(block + tl.arange(0, BLOCK // 4), 0, sample, chip, k0, k1, NOISY)
        return tl.interleave(tl.interleave(z0, z2), tl.interleave(z1, z3))
    return tl.zeros((BLOCK,), tl.float32)


@_jit
def _lost(a, slope, toward):  # type: ignore[no-untyped-def]
    """What a step that is ``a`` at 0 loses per unit of conductance."""
    some = toward > 0
    return tl.where(some, tl.div_rn(a * slope, tl.where(some, toward, 1.0)), 0.0)


@_jit
def _cells(table, offset, width, slope_up, slope_down, inside):  # type: ignore[no-untyped-def]
    """Steps, bounds and what steps lose, of a row from its first column on."""
    up = tl.load(table + offset, mask=inside, other=0.0)
    down = tl.load(table + offset + width, mask=inside, other=0.0)
    high = tl.load(table + offset + 2 * width, mask=inside, other=0.0)
    low = -tl.load(table + offset + 3 * width, mask=inside, other=0.0)
    return up, down, high, low, _lost(up, slope_up, high), _lost(down, slope_down, low)


@_jit
def _turned(up_way, cells):  # type: ignore[no-untyped-def]
    """Step, what it loses, and the bounds ahead and behind, whichever way a pulse goes."""
    up, down, high, low, lost_up, lost_down = cells
    a, lost = tl.where(up_way, up, down), tl.where(up_way, lost_up, lost_down)
    return a, lost, tl.where(up_way, high, low), tl.where(up_way, low, high)


@_jit
def _within(u, toward, away):  # type: ignore[no-untyped-def]
    """``u`` within the bounds ahead and behind; zeros have the signs that Python's ``min`` and ``max`` leave."""
    u = tl.where(-away > u, -away, u)
    return tl.where(toward < u, toward, u)


@_jit  # type: ignore[untyped-decorator]
def _pulse(v, way, turned, sigma, z, MULTIPLIES: tl.constexpr):  # type: ignore[no-untyped-def]
    """Cells at ``v`` after one pulse up (``way`` 1) or down (-1)."""
    a, lost, toward, away = turned
    u = way * v
    u = u + (a - lost * u) * (1.0 + sigma * z) if MULTIPLIES else ((1.0 - lost) * u + a) + a * sigma * z
    return way * _within(u, toward, away)


@_jit
def _several(n, keep, most):  # type: ignore[no-untyped-def]
    """keep^n, and the sums of keep^k and keep^2k for k < n, by the bits of n from the highest."""
    power, total, squares = tl.full(keep.shape, 1.0, tl.float32), tl.zeros_like(keep), tl.zeros_like(keep)
    levels = 0
    while (most >> levels) > 0:
        levels += 1
    while levels > 0:
        levels -= 1
        odd = ((n >> levels) & 1) != 0
        t, q, p = total * (1.0 + power), squares * (1.0 + power * power), power * power
        total = tl.where(odd, t * keep + 1.0, t)
        squares = tl.where(odd, q * (keep * keep) + 1.0, q)
        power = tl.where(odd, p * keep, p)
    return power, total, squares


@_jit  # type: ignore[untyped-decorator]
def _one_by_one(  # type: ignore[no-untyped-def]
    v, n, way, turned, first, sample, chip, k0, k1, sigma,
    NOISY: tl.constexpr, MULTIPLIES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Cells at ``v`` after all their pulses but the first; four pulses share a block of normal numbers."""
    most, group = tl.max(n, 0), 1
    crosspoint = first + tl.arange(0, BLOCK)
    while 4 * group - 3 < most:
        z0, z1, z2, z3 = _four(crosspoint, group, sample, chip, k0, k1, NOISY)
        v = tl.where(n > 4 * group - 3, _pulse(v, way, turned, sigma, z0, MULTIPLIES), v)
        v = tl.where(n > 4 * group - 2, _pulse(v, way, turned, sigma, z1, MULTIPLIES), v)
        v = tl.where(n > 4 * group - 1, _pulse(v, way, turned, sigma, z2, MULTIPLIES), v)
        v = tl.where(n > 4 * group, _pulse(v, way, turned, sigma, z3, MULTIPLIES), v)
        group += 1
    return v


@_jit  # type: ignore[untyped-decorator]
def _move(  # type: ignore[no-untyped-def]
    v, n, most, way, cells, i, first, width, sample, chip, k0, k1, sigma,
    NOISY: tl.constexpr, MULTIPLIES: tl.constexpr, EXACT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Cells at ``v``, from column ``first`` of row ``i`` on, after ``n`` pulses each, at most ``most``."""
    turned = _turned(way > 0, cells)
    z = _normals(_block(i, first, width), sample, chip, k0, k1, NOISY, BLOCK)
    to = _pulse(v, way, turned, sigma, z, MULTIPLIES)
    if most > 1:
        several = n > 1
        if not (MULTIPLIES or EXACT):
            a, lost, toward, away = turned
            power, total, squares = _several(n, 1.0 - lost, most)
            u = way * v
            after, spread = power * u + a * total, a * sigma * tl.sqrt_rn(squares)
            margin = _SAFE * spread
            above, below = tl.where(after > u, after, u) + margin, tl.where(after < u, after, u) - margin
            near = (above > toward) | (below < -away)
            to = tl.where(several & (near == 0), way * _within(after + spread * z, toward, away), to)
            several = several & near
        left = tl.where(several, n, 0)
        to = _one_by_one(
            to, left, way, turned, i * width + first, sample, chip, k0, k1, sigma, NOISY, MULTIPLIES, BLOCK
        )
    return tl.where(n > 0, to, v)
