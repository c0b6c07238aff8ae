"""Two arrays and a digital accumulator on CUDA, in Triton: the numbers of :mod:`mho.kernels.cpu_transfer`.

As in :mod:`mho.kernels.cuda_pulses` a program holds some columns of one row of the array of gradients. What a read
needs besides (accumulator, references, weight and its cells) stays in memory, and only what belongs to crosspoints
that are read is loaded: of columns one in so many samples.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from mho.kernels.cuda_cells import _block, _cells, _move, _normals, _pulse, _turned
from mho.kernels.cuda_pulses import _coincide, _fires, _ways, answer, layout
from mho.kernels.cuda_trains import _joined, parted, signed

_SIGN = tl.constexpr(-0x80000000)
_WHOLE = tl.constexpr(2.0**23)
_jit: Any = triton.jit
_launched: Any = triton.jit(
    do_not_specialize=["samples", "out", "low", "high", "k0", "k1", "weight_k0", "weight_k1", "read_k0", "read_k1"]
)


@_jit
def _rounded(x):  # type: ignore[no-untyped-def]
    """The nearest integers, ties to even; as ``numpy.rint``, the sign of zero too."""
    size = tl.abs(x)
    size = tl.where(size < _WHOLE, (size + _WHOLE) - _WHOLE, size)
    return (size.to(tl.int32, bitcast=True) | (x.to(tl.int32, bitcast=True) & _SIGN)).to(tl.float32, bitcast=True)


@_jit  # type: ignore[untyped-decorator]
def _read(  # type: ignore[no-untyped-def]
    h, gradient, at, due, reference, average, baseline, sign, gain, latch, noise, lsb, beta,
    block, sample, chip, k0, k1,
    NOISY: tl.constexpr, CONVERTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """What accumulators of the crosspoints ``due`` hold after a read of their gradients."""
    seen = gradient
    if reference is not None:
        seen = seen - tl.load(reference + at, mask=due, other=0.0)
    if NOISY:
        seen += noise * _normals(block, sample, chip, k0, k1, NOISY, BLOCK)
    if CONVERTS:
        seen = _rounded(tl.div_rn(seen, lsb)) * lsb
    if baseline is not None:
        mean = seen
        if average is not None:
            mean = (1.0 - beta) * tl.load(average + at, mask=due, other=0.0) + beta * seen
            tl.store(average + at, mean, mask=due)
        seen = seen - tl.load(baseline + at, mask=due, other=0.0)
        if latch != 0:
            tl.store(baseline + at, mean, mask=due)
    else:
        seen = seen - 0.0
    return h + gain * (sign * seen)


@_launched  # type: ignore[untyped-decorator]
def _transfer(  # type: ignore[no-untyped-def]
    gradient, reference, average, baseline, table, used, hidden, weight, weight_table, weight_used,
    words, signs, row_words, row_signs, slices, read_signs, gains, latches, armed, chips, samples, out, low, high,
    k0, k1, weight_k0, weight_k1, read_k0, read_k1, slope_up, slope_down, sigma,
    weight_slope_up, weight_slope_down, weight_sigma, noise, lsb, beta, width,
    WORDS: tl.constexpr, NOISY: tl.constexpr, MULTIPLIES: tl.constexpr, EXACT: tl.constexpr,
    WEIGHT_NOISY: tl.constexpr, WEIGHT_MULTIPLIES: tl.constexpr, READ_NOISY: tl.constexpr, CONVERTS: tl.constexpr,
    FORGET: tl.constexpr, BY_COLUMN: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    r, i = row // out, row % out
    first = tl.program_id(1) * BLOCK
    j = first + tl.arange(0, BLOCK)
    inside = j < width
    block = _block(i, first, width)
    chip, sample = tl.load(chips + r), _joined(low, high)
    at = row * width + j
    cells = _cells(table, row * 4 * width + j, width, slope_up, slope_down, inside)
    here = tl.load(gradient + at, mask=inside, other=0.0)
    had = tl.zeros((BLOCK,), tl.int32)
    for t in range(samples):
        s, number = r * samples + t, sample + t
        if _fires(row_words, s, i, out, WORDS) != 0:
            n = _coincide(words, row_words, s, i, out, j, width, inside, WORDS, BLOCK)
            most = tl.max(n, 0)
            if most > 0:
                way = _ways(signs, row_signs, s, i, out, j, width, inside)
                here = _move(
                    here, n, most, way, cells, i, first, width, number, chip, k0, k1, sigma,
                    NOISY, MULTIPLIES, EXACT, BLOCK,
                )  # fmt: skip
                had += n
        read = tl.load(slices + t)
        if BY_COLUMN:
            mine = (read >= first) & (read < first + BLOCK)
            due = inside & (j == read)
        else:
            mine = read == i
            due = inside
        if mine:
            h = tl.load(hidden + at, mask=due, other=0.0)
            sign = tl.load(read_signs + s).to(tl.float32)
            h = _read(
                h, here, at, due, reference, average, baseline, sign, tl.load(gains + s), tl.load(latches + s),
                noise, lsb, beta, block, number, chip, read_k0, read_k1, READ_NOISY, CONVERTS, BLOCK,
            )  # fmt: skip
            full = due & (tl.abs(h) >= 1.0)
            if tl.max(full.to(tl.int32), 0) > 0:
                if tl.load(armed + s) != 0:
                    way = tl.where(h > 0, 1.0, -1.0)
                    old = tl.load(weight + at, mask=full, other=0.0)
                    points = _cells(weight_table, row * 4 * width + j, width, weight_slope_up, weight_slope_down, full)
                    z = _normals(block, number, chip, weight_k0, weight_k1, WEIGHT_NOISY, BLOCK)
                    new = _pulse(old, way, _turned(h > 0, points), weight_sigma, z, WEIGHT_MULTIPLIES)
                    tl.store(weight + at, new, mask=full)
                    if weight_used is not None:
                        tl.store(weight_used + at, tl.load(weight_used + at, mask=full, other=0) + 1, mask=full)
                h = tl.where(full, 0.0 if FORGET else tl.where(h > 0, h - 1.0, h + 1.0), h)
            tl.store(hidden + at, h, mask=due)
            # The next read of a crosspoint may be another thread's.
            tl.debug_barrier()
    tl.store(gradient + at, here, mask=inside)
    if used is not None:
        tl.store(used + at, tl.load(used + at, mask=inside, other=0) + had, mask=inside)


def transfer(pair: Any, trains: tuple[Tensor, ...], reads: tuple[Tensor, ...], chips: Tensor, sample: int) -> None:
    """As :func:`mho.kernels.pulses.transfer`; trains as :func:`mho.kernels.cuda_trains.draw` gives them.

    Args:
        pair: :class:`mho.kernels.pulses.Pair`.
        trains: of the batch.
        reads: slices, signs, gains, latches and arms of :class:`mho.kernels.pulses.Reads`.
        chips: ``(chips,)`` int64.
        sample: number of the first sample.
    """
    a, w, v = pair.gradient_cells, pair.weight_cells, pair.gradient
    block, grid = layout(v)
    _transfer[grid](
        v, pair.reference, pair.average, pair.baseline, a.table, a.used, pair.hidden, pair.weight, w.table, w.used,
        *trains, *reads, chips, len(trains[1]) // v.shape[0], v.shape[1], *parted(sample),
        *signed(a.key), *signed(w.key), *signed(pair.read_key), *a.slopes, a.sigma, *w.slopes, w.sigma,
        pair.read_noise, pair.read_step, pair.beta, v.shape[2], trains[0].shape[1], *answer(a), *answer(w)[:2],
        pair.read_noise > 0, pair.read_step > 0, pair.forget, pair.by_column, block,
        num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
