"""Two arrays and a digital accumulator on the CPU, compiled by numba: Tiki-Taka v2 and its family, row by row.

Transfers, too, stay within a row: what is read of crosspoint (i, j) is added to the accumulator of (i, j), and what
that sends goes to the weight (i, j). So a row goes through a whole batch, transfers and all, as in
:mod:`mho.kernels.cpu_pulses`.
"""

from __future__ import annotations

import numpy as np

from mho.kernels.compiled import compiled, philox
from mho.kernels.cpu_pulses import fires, normal, outer, pulse, scratch

_f32, _u32 = np.float32, np.uint32


@compiled
def _read(h, s, arrays, row, j, events, read, sample, chip, key):  # type: ignore[no-untyped-def]
    """What the accumulator of a crosspoint holds after a read of its gradient."""
    gradient, reference, average, baseline = arrays
    signs, gains, latches, _ = events
    noise, lsb, beta = read
    seen = gradient[j] - reference[j] if reference.shape[0] > 0 else gradient[j]
    if noise > 0:
        seen += noise * normal(row, j, gradient.shape[0], sample, chip, key)
    if lsb > 0:
        seen = _f32(np.rint(seen / lsb)) * lsb
    known = _f32(0)
    if baseline.shape[0] > 0:
        mean = seen
        if average.shape[0] > 0:
            mean = (_f32(1) - beta) * average[j] + beta * seen
            average[j] = mean
        known = baseline[j]
        if latches[s]:
            baseline[j] = mean
    return h + gains[s] * (_f32(signs[s]) * (seen - known))


@compiled
def transfer(  # type: ignore[no-untyped-def]
    gradient, reference, average, baseline, cells, used, hidden, weight, weight_cells, weight_used, trains,
    slices, events, chips, sample, keys, cell, weight_cell, read, forget, by_column, first, last,
):  # fmt: skip
    """Rows ``first`` to ``last`` (of all chips) through a batch; see :func:`mho.kernels.pulses.transfer`."""
    armed = events[3]
    key, weight_key, read_key = keys
    slopes, sigma, multiplies, _ = weight_cell
    out, width = gradient.shape[1], gradient.shape[2]
    samples = len(trains[5]) // gradient.shape[0]
    room = scratch(width)
    nothing, unused = np.empty(0, np.float32), np.empty(0, np.int32)
    for at in range(first, last):
        r, i = at // out, at % out
        chip = chips[r]
        row_cells, row_used = cells[r, i], used[r, i] if used.shape[0] > 0 else unused
        arrays = (
            gradient[r, i],
            reference[r, i] if reference.shape[0] > 0 else nothing,
            average[r, i] if average.shape[0] > 0 else nothing,
            baseline[r, i] if baseline.shape[0] > 0 else nothing,
        )
        for t in range(samples):
            s, number = r * samples + t, sample + t
            if fires(trains, s, i):
                outer(arrays[0], row_cells, row_used, room, trains, s, i, number, chip, key, cell)
            due = slices[t]
            if due < 0 or (not by_column and due != i):
                continue
            start, stop = (due, due + 1) if by_column else (0, width)
            for j in range(start, stop):
                h = _read(hidden[r, i, j], s, arrays, i, j, events, read, number, chip, read_key)
                if abs(h) >= 1:
                    if armed[s]:
                        z = normal(i, j, width, number, chip, weight_key) if sigma > 0 else _f32(0)
                        weight[r, i, j] = pulse(
                            weight[r, i, j], np.sign(h), weight_cells[r, i], j, slopes, sigma, multiplies, z
                        )
                        if weight_used.shape[0] > 0:
                            weight_used[r, i, j] += 1
                    h = _f32(0) if forget else (h - _f32(1) if h > 0 else h + _f32(1))
                hidden[r, i, j] = h


@compiled
def schedule(  # type: ignore[no-untyped-def]
    slices, signs, gains, latches, armed, chop, choppers, reads, sweeps, place, rates, chips, sample, every, gain,
    corrects, by_magnitude, flip_rate, regular, waits, k0, k1,
):  # fmt: skip
    """What is read after which sample, and with which sign; the choppers of every sample.

    ``choppers`` and ``reads`` ``(chips, slices)`` are the signs, and reads since the last turn; ``place`` is the slice
    that is next. See :func:`mho.kernels.pulses.schedule`.
    """
    n, position = choppers.shape[1], place[0]
    period = int(np.ceil(1 / flip_rate - 1e-9)) if flip_rate > 0 else 0  # 1 / (1 / 49) is a little more than 49
    for t in range(len(slices)):
        if chop.shape[0] > 0:
            chop[:, t] = choppers
        slices[t] = -1
        if (sample + t + 1) % every:
            continue
        slices[t] = position
        for r in range(choppers.shape[0]):
            s = r * len(slices) + t
            reads[r, position] += 1
            by = gain / rates[r, t] if by_magnitude and rates[r, t] > 0 else gain
            signs[s] = choppers[r, position]
            gains[s] = by / reads[r, position] if corrects else by
            armed[s] = not waits or sweeps[0] > period
            if regular:
                turns = period > 0 and reads[r, position] >= period
            else:
                number = sample + t
                word, _, _, _ = philox(_u32(0), _u32(number), _u32(chips[r]), _u32(number >> 32), k0, k1)
                turns = word < flip_rate * 4294967296.0
            latches[s] = turns
            if turns:
                choppers[r, position] = -choppers[r, position]
                reads[r, position] = 0
        position += 1
        if position == n:
            position = 0
            sweeps[0] += 1
    place[0] = position
