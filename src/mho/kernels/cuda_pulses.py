"""Pulsed cells on CUDA, in Triton: the numbers of :mod:`mho.kernels.cpu_pulses`, bit for bit.

A program is one warp. It holds some columns of one row of one chip in registers and takes them through a whole batch,
so that state and cells are read and written once a batch; a sample in which the row does not fire costs it one word.
A thread has blocks of four columns, which share the words of their normal numbers.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from mho.kernels.cuda_cells import _cells, _move
from mho.kernels.cuda_trains import _joined, parted, signed

COLUMNS = 128
"""Columns of a program: a block of four a thread."""

_jit: Any = triton.jit
_launched: Any = triton.jit(do_not_specialize=["samples", "out", "low", "high", "k0", "k1"])


@_jit
def _ones(x):  # type: ignore[no-untyped-def]
    """How many bits of 32 are set."""
    x = x - ((x >> 1) & 0x55555555)
    x = (x & 0x33333333) + ((x >> 2) & 0x33333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F
    return ((x * 0x01010101) >> 24).to(tl.int32)


@_jit  # type: ignore[untyped-decorator]
def _fires(row_words, s, i, out, WORDS: tl.constexpr):  # type: ignore[no-untyped-def]
    """The bits of all words of a row's train, taken together."""
    any_bit = tl.load(row_words + s * WORDS * out + i)
    for w in range(1, WORDS):
        any_bit |= tl.load(row_words + (s * WORDS + w) * out + i)
    return any_bit


@_jit  # type: ignore[untyped-decorator]
def _coincide(words, row_words, s, i, out, j, width, inside, WORDS: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """Bits that the train of a row has in common with those of columns."""
    n = tl.zeros((BLOCK,), tl.int32)
    for w in range(WORDS):
        mine = tl.load(row_words + (s * WORDS + w) * out + i)
        theirs = tl.load(words + (s * WORDS + w) * width + j, mask=inside, other=0)
        n += _ones((mine & theirs).to(tl.uint32, bitcast=True))
    return n


@_jit
def _ways(signs, row_signs, s, i, out, j, width, inside):  # type: ignore[no-untyped-def]
    """Which way crosspoints move, 1 or -1."""
    sign = tl.load(signs + s * width + j, mask=inside, other=1)
    return (sign * tl.load(row_signs + s * out + i)).to(tl.float32)


@_launched  # type: ignore[untyped-decorator]
def _descend(  # type: ignore[no-untyped-def]
    v, table, used, words, signs, row_words, row_signs, chips, samples, out, low, high, k0, k1,
    slope_up, slope_down, sigma, width,
    WORDS: tl.constexpr, NOISY: tl.constexpr, MULTIPLIES: tl.constexpr, EXACT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    r, i = row // out, row % out
    first = tl.program_id(1) * BLOCK
    j = first + tl.arange(0, BLOCK)
    inside = j < width
    chip, sample = tl.load(chips + r), _joined(low, high)
    cells = _cells(table, row * 4 * width + j, width, slope_up, slope_down, inside)
    here = tl.load(v + row * width + j, mask=inside, other=0.0)
    had = tl.zeros((BLOCK,), tl.int32)
    for t in range(samples):
        s = r * samples + t
        if _fires(row_words, s, i, out, WORDS) != 0:
            n = _coincide(words, row_words, s, i, out, j, width, inside, WORDS, BLOCK)
            most = tl.max(n, 0)
            if most > 0:
                way = _ways(signs, row_signs, s, i, out, j, width, inside)
                here = _move(
                    here, n, most, way, cells, i, first, width, sample + t, chip, k0, k1, sigma,
                    NOISY, MULTIPLIES, EXACT, BLOCK,
                )  # fmt: skip
                had += n
    tl.store(v + row * width + j, here, mask=inside)
    if used is not None:
        tl.store(used + row * width + j, tl.load(used + row * width + j, mask=inside, other=0) + had, mask=inside)


@_launched  # type: ignore[untyped-decorator]
def _press(  # type: ignore[no-untyped-def]
    v, table, used, wanted, chips, out, low, high, k0, k1, slope_up, slope_down, sigma, width,
    NOISY: tl.constexpr, MULTIPLIES: tl.constexpr, EXACT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    r, i = row // out, row % out
    first = tl.program_id(1) * BLOCK
    j = first + tl.arange(0, BLOCK)
    inside = j < width
    asked = tl.load(wanted + row * width + j, mask=inside, other=0)
    n = tl.abs(asked)
    most = tl.max(n, 0)
    if most > 0:
        cells = _cells(table, row * 4 * width + j, width, slope_up, slope_down, inside)
        here = tl.load(v + row * width + j, mask=inside, other=0.0)
        way = tl.where(asked > 0, 1.0, -1.0)
        chip, sample = tl.load(chips + r), _joined(low, high)
        here = _move(
            here, n, most, way, cells, i, first, width, sample, chip, k0, k1, sigma, NOISY, MULTIPLIES, EXACT, BLOCK
        )
        tl.store(v + row * width + j, here, mask=inside)
        if used is not None:
            tl.store(used + row * width + j, tl.load(used + row * width + j, mask=inside, other=0) + n, mask=inside)


def layout(v: Tensor) -> tuple[int, tuple[int, int]]:
    """Columns of a program, and how many programs ``v`` ``(chips, out, in)`` takes."""
    block = min(COLUMNS, max(4, triton.next_power_of_2(v.shape[2])))
    return block, (v.shape[0] * v.shape[1], triton.cdiv(v.shape[2], block))


def descend(v: Tensor, cells: Any, trains: tuple[Tensor, ...], chips: Tensor, sample: int) -> None:
    """As :func:`mho.kernels.pulses.descend`; trains as :func:`mho.kernels.cuda_trains.draw` gives them."""
    block, grid = layout(v)
    words, signs, row_words, row_signs = trains
    _descend[grid](
        v, cells.table, cells.used, words, signs, row_words, row_signs, chips, len(signs) // v.shape[0], v.shape[1],
        *parted(sample), *signed(cells.key), *cells.slopes, cells.sigma, v.shape[2], words.shape[1], *answer(cells),
        block, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip


def press(v: Tensor, cells: Any, wanted: Tensor, chips: Tensor, sample: int) -> None:
    """As :func:`mho.kernels.pulses.press`; ``wanted`` int32."""
    block, grid = layout(v)
    _press[grid](
        v, cells.table, cells.used, wanted, chips, v.shape[1], *parted(sample), *signed(cells.key),
        *cells.slopes, cells.sigma, v.shape[2], *answer(cells), block, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip


def answer(cells: Any) -> tuple[bool, bool, bool]:
    """What is compiled for: whether there is noise, whether it multiplies, and whether pulses come one by one."""
    return cells.sigma > 0, cells.multiplies, cells.exact
