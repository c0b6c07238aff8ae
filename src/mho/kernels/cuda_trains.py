"""Pulse trains on CUDA, in Triton: the bits of :mod:`mho.kernels.cpu_trains`, a program for some lines of one sample.

Rates and lengths are made by the CPU's own loop from the largest input and error of every sample: they go from sample
to sample, and are a few numbers each.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl
from numpy.typing import NDArray
from torch import Tensor

from mho.kernels.cuda import _philox

Key = tuple[int, int]
_LINES = 256

_jit: Any = triton.jit
# Of what differs from call to call nothing becomes a compile-time constant.
_launched: Any = triton.jit(do_not_specialize=["samples", "own", "low", "high", "k0", "k1"])


@_jit
def _counted(block, number, sample, chip, k0, k1):  # type: ignore[no-untyped-def]
    """The four words of a block of lines or crosspoints, of the pulse (or the slots) ``number`` of a sample."""
    last = (number | ((sample >> 32) << 16)) & 0xFFFFFFFF
    return _philox((block & 0xFFFFFFFF) | (sample << 32), (chip & 0xFFFFFFFF) | (last << 32), k0, k1)


@_jit
def _joined(low, high):  # type: ignore[no-untyped-def]
    """The number of a sample, from its words."""
    return (low.to(tl.int64) & 0xFFFFFFFF) | (high.to(tl.int64) << 32)


@_launched  # type: ignore[untyped-decorator]
def _draw(  # type: ignore[no-untyped-def]
    words, signs, values, chop, lengths, scales, chips, samples, own, low, high, k0, k1, width,
    SIDE: tl.constexpr, WORDS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    s = tl.program_id(0).to(tl.int64)
    r, t = s // samples, s % samples
    line = tl.program_id(1).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = line < width
    value = tl.load(values + r * own + t * width + line, mask=inside, other=0.0)
    length = tl.load(lengths + s)
    chance = tl.abs(value).to(tl.float64) * tl.load(scales + 2 * s + SIDE)
    threshold = (tl.where(chance < 1.0, chance, 1.0) * 4294967296.0).to(tl.int64)
    chip, number = tl.load(chips + r), t + _joined(low, high)
    for w in range(WORDS):
        slots = tl.minimum(length - 32 * w, 32)
        word = tl.zeros((BLOCK,), tl.int64)
        for q in range((slots + 3) // 4):
            a, b, c, d = _counted(line, 8 * w + q, number, chip, k0, k1)
            four = (a < threshold).to(tl.int64) | ((b < threshold).to(tl.int64) << 1)
            four |= ((c < threshold).to(tl.int64) << 2) | ((d < threshold).to(tl.int64) << 3)
            word |= four << (4 * q)
        some = (tl.full((1,), 1, tl.int64) << tl.maximum(slots, 0)) - 1
        word = tl.where(value != 0, word & some, 0).to(tl.uint32)
        tl.store(words + (s * WORDS + w) * width + line, word.to(tl.int32, bitcast=True), mask=inside)
    below = value < 0
    if chop is not None:
        below = below != (tl.load(chop + s * width + line, mask=inside, other=1) < 0)
    # Gradients are descended: where input and error have one sign, the weight goes down.
    negative = below if SIDE == 0 else (below == 0)
    tl.store(signs + s * width + line, tl.where(negative, -1, 1).to(tl.int8), mask=inside)


def draw(
    x: Tensor,
    d: Tensor,
    lengths: NDArray[np.int64],
    scales: NDArray[np.float64],
    longest: int,
    chips: NDArray[np.int64],
    sample: int,
    keys: tuple[Key, Key],
    choppers: tuple[NDArray[np.int8] | None, NDArray[np.int8] | None],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As :func:`mho.kernels.pulses.draw`, of contiguous tensors: words as int32, signs as int8."""
    samples, total, words = d.shape[1], d.shape[0] * d.shape[1], -(-longest // 32)
    made: list[Tensor] = []
    sizes, scaled, ids = sent(d.device, lengths, scales, chips)
    for values, key, chop, side in ((x, keys[0], choppers[0], 0), (d, keys[1], choppers[1], 1)):
        width = values.shape[2]
        line = torch.empty((total, words, width), dtype=torch.int32, device=d.device)
        sign = torch.empty((total, width), dtype=torch.int8, device=d.device)
        turned = None if chop is None else sent(d.device, chop)[0]
        own = samples * width if values.shape[0] > 1 else 0
        block = min(_LINES, triton.next_power_of_2(width))
        _draw[total, triton.cdiv(width, block)](
            line, sign, values, turned, sizes, scaled, ids, samples, own, *parted(sample), *signed(key), width,
            side, words, block, num_warps=min(4, max(1, block // 32)), enable_fp_fusion=False,
        )  # fmt: skip
        made += [line, sign]
    return made[0], made[1], made[2], made[3]


def signed(words: tuple[int, int]) -> tuple[int, int]:
    """Two words as int32: all keys have one type, so that no kernel is compiled twice for them."""
    first, second = ((word & 0xFFFFFFFF) - ((word & 0x80000000) << 1) for word in map(int, words))
    return first, second


def parted(sample: int) -> tuple[int, int]:
    """The low and high word of a sample's number, likewise."""
    return signed((sample, sample >> 32))


def sent(device: torch.device, *arrays: NDArray[Any]) -> list[Tensor]:
    """Arrays on a device, in one copy: for small ones the copy takes time, not what is in it. Booleans as int8."""
    plain = [np.ascontiguousarray(a.view(np.int8) if a.dtype == np.bool_ else a) for a in arrays]
    starts = np.cumsum([0, *(-(-a.nbytes // 16) * 16 for a in plain)])
    packed = np.empty(int(starts[-1]), np.uint8)
    for a, start in zip(plain, starts, strict=False):
        packed[start : start + a.nbytes] = a.reshape(-1).view(np.uint8)
    there = torch.from_numpy(packed).to(device)
    return [
        there[start : start + a.nbytes].view(torch.from_numpy(a).dtype).view(a.shape)
        for a, start in zip(plain, starts.tolist(), strict=False)
    ]


def largest(x: Tensor, d: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The largest magnitude of every sample's input, and error, ``(.., T, 1)``; NaN where there is one."""
    both = torch.cat([x.abs().amax(2).flatten(), d.abs().amax(2).flatten()]).cpu().numpy()
    cut = prod(x.shape[:2])
    return both[:cut].reshape(*x.shape[:2], 1), both[cut:].reshape(*d.shape[:2], 1)
