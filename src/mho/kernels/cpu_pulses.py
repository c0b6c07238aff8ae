"""Pulsed cells on the CPU, compiled by numba: an array row by row, a batch at a time.

A crosspoint depends on no other, so what a batch does to one row follows from the trains of all its samples. A row is
taken through the whole batch while it lies in the first-level cache: state and cells are read and written once a batch,
and rows go to threads. Coincidences are counted as bits of words; a row that fires is moved whole, in loops that
vectorise, cells without a pulse staying as they are. Normal numbers, the dearest part, come in blocks of four columns,
and blocks without a pulse are left out.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

from mho.kernels.compiled import compiled, inlined, philox
from mho.kernels.cpu import _box_muller

SAFE = np.float32(5.0)
"""Standard deviations from a bound at which n pulses are one step: a walk in a million would touch it."""

_f32, _u32 = np.float32, np.uint32
_UP, _DOWN, _HIGH, _LOW = 0, 1, 2, 3
"""Rows of the table of cells."""


def _ones(typing: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.types.uint32(numba.types.uint32), code


_popcount: Any = intrinsic(_ones)


@inlined
def _last(number, sample):  # type: ignore[no-untyped-def]
    """The last word of a counter: which pulse of a sample it is, and the samples beyond 2^32."""
    return _u32(number) | (_u32(sample >> 32) << _u32(16))


@compiled
def normal(row, j, width, sample, chip, key):  # type: ignore[no-untyped-def]
    """The normal number that crosspoint (row, j) gets for its first pulse in a sample; four columns share a block."""
    block = np.int64(row) * ((width + 3) >> 2) + (j >> 2)
    x = philox(_u32(block), _u32(sample), _u32(chip), _last(0, sample), key[0], key[1])
    lane = j & 3
    a, b = _box_muller(x[0], x[1]) if lane < 2 else _box_muller(x[2], x[3])
    return b if lane & 1 else a


@compiled
def pulse(v, way, cells, j, slopes, sigma, multiplies, z):  # type: ignore[no-untyped-def]
    """Cell ``j`` of a row, at ``v``, after one pulse up (``way`` 1) or down (-1)."""
    up = way > 0
    a, toward, away = cells[_UP, j], cells[_HIGH, j], -cells[_LOW, j]
    if not up:
        a, toward, away = cells[_DOWN, j], away, toward
    lost = a * (slopes[0] if up else slopes[1]) / toward if toward > 0 else _f32(0)
    u = way * v
    u = u + (a - lost * u) * (_f32(1) + sigma * z) if multiplies else ((_f32(1) - lost) * u + a) + a * sigma * z
    return way * min(max(u, -away), toward)


@compiled
def scratch(width):  # type: ignore[no-untyped-def]
    """Room for a row that is moved.

    Numbers, words and normals of its cells; pulses; a list; the numbers of whole blocks; all columns; and where some
    columns are moved alone, what they hold and their cells.
    """
    whole = (width + 3) >> 2 << 2
    return (
        np.empty((8, whole), np.float32),
        np.empty((4, whole), np.uint32),
        np.empty((4, whole), np.float32),
        np.empty(width, np.uint32),
        np.empty(whole, np.int32),
        np.empty(whole, np.float32),
        np.arange(width, dtype=np.int32),
        np.empty(width, np.float32),
        np.empty((4, width), np.float32),
    )


@compiled
def _noise(room, columns, n, width, row, sample, chip, key):  # type: ignore[no-untyped-def]
    """The normal numbers of the first pulse of those of ``n`` columns that have one."""
    work, words, normals, many, listed, blocks, _, _, _ = room
    m, before = 0, np.int32(-1)
    for h in range(n):
        block, hit = columns[h] >> 2, many[h] > _u32(0)
        listed[m] = block
        m += hit & (block != before)
        before = block if hit else before
    base, low, last = np.int64(row) * ((width + 3) >> 2), _u32(sample), _last(0, sample)
    for h in range(m):
        words[0, h], words[1, h], words[2, h], words[3, h] = philox(
            _u32(base + listed[h]), low, _u32(chip), last, key[0], key[1]
        )
    for h in range(m):
        normals[0, h], normals[1, h] = _box_muller(words[0, h], words[1, h])
    for h in range(m):
        normals[2, h], normals[3, h] = _box_muller(words[2, h], words[3, h])
    for h in range(m):
        b = 4 * listed[h]
        blocks[b], blocks[b + 1], blocks[b + 2], blocks[b + 3] = (
            normals[0, h], normals[1, h], normals[2, h], normals[3, h],
        )  # fmt: skip
    z = work[0]
    if n == width:
        for h in range(n):
            z[h] = blocks[h]
    else:
        for h in range(n):
            z[h] = blocks[columns[h]]


@compiled
def _several(work, many, n, most):  # type: ignore[no-untyped-def]
    """keep^n, and the sums of keep^k and keep^2k for k < n, by the bits of n from the highest."""
    keep, power, total, squares = work[1], work[2], work[3], work[4]
    levels = 0
    while (1 << levels) <= most:
        levels += 1
    for j in range(n):
        power[j], total[j], squares[j] = _f32(1), _f32(0), _f32(0)
    for bit in range(levels - 1, -1, -1):
        for j in range(n):
            odd = (many[j] >> _u32(bit)) & _u32(1)
            p, k = power[j], keep[j]
            t, q = total[j] * (_f32(1) + p), squares[j] * (_f32(1) + p * p)
            p = p * p
            total[j] = t * k + _f32(1) if odd else t
            squares[j] = q * (k * k) + _f32(1) if odd else q
            power[j] = p * k if odd else p


@compiled
def _one_by_one(v, cells, columns, room, m, width, row, sample, chip, key, cell):  # type: ignore[no-untyped-def]
    """Take the ``m`` crosspoints that are listed in ``room`` through their pulses.

    The first has its number already. Of the others four share a block of their crosspoint.
    """
    work, words, normals, many, listed, _, _, _, _ = room
    slopes, sigma, multiplies, _ = cell
    u, a, lost, toward, away, left = work[1], work[2], work[3], work[4], work[5], work[7]
    z, ways = work[0], work[6]
    for h in range(m):
        j = listed[h]
        way = ways[j]
        up = way > 0
        step, high, low = cells[_UP if up else _DOWN, j], cells[_HIGH, j], -cells[_LOW, j]
        a[h], u[h], left[h] = step, way * v[j], _f32(many[j])
        toward[h] = high if up else low
        away[h] = low if up else high
        lost[h] = step * (slopes[0] if up else slopes[1]) / toward[h] if toward[h] > 0 else _f32(0)
        normals[3, h] = z[j]
    if sigma == 0:
        normals[:, :m] = _f32(0)  # room is not cleared, and 0 times NaN is NaN
    base, low_word = np.int64(row) * width, _u32(sample)
    most = _f32(0)
    for h in range(m):
        most = max(most, left[h])
    number = 0
    while number < most:
        # Lane 3 of a block is followed by lane 0 of the next; the first pulse stands in lane 3 before all others.
        lane = (number + 3) & 3
        if lane == 0 and sigma > 0:
            last = _last(1 + (number >> 2), sample)
            for h in range(m):
                words[0, h], words[1, h], words[2, h], words[3, h] = philox(
                    _u32(base + columns[listed[h]]), low_word, _u32(chip), last, key[0], key[1]
                )
            for h in range(m):
                normals[0, h], normals[1, h] = _box_muller(words[0, h], words[1, h])
            for h in range(m):
                normals[2, h], normals[3, h] = _box_muller(words[2, h], words[3, h])
        noise = normals[lane]
        for h in range(m):
            here = u[h]
            if multiplies:
                there = here + (a[h] - lost[h] * here) * (_f32(1) + sigma * noise[h])
            else:
                there = ((_f32(1) - lost[h]) * here + a[h]) + a[h] * sigma * noise[h]
            there = min(max(there, -away[h]), toward[h])
            u[h] = there if left[h] > number else here
        number += 1
    for h in range(m):
        v[listed[h]] = ways[listed[h]] * u[h]


@compiled
def _once(v, cells, work, many, m, slopes, sigma, multiplies):  # type: ignore[no-untyped-def]
    """Send every cell of a row one pulse, if it gets any; as :func:`pulse`."""
    z, ways = work[0], work[6]
    ups, downs, highs, lows = cells[_UP], cells[_DOWN], cells[_HIGH], cells[_LOW]
    for j in range(m):
        way = ways[j]
        up = way > 0
        # Loaded before they are chosen, which vectorises.
        a_up, a_down, high, low, here, n = ups[j], downs[j], highs[j], -lows[j], v[j], many[j]
        a = a_up if up else a_down
        toward = high if up else low
        away = low if up else high
        lost = a * (slopes[0] if up else slopes[1]) / toward if toward > 0 else _f32(0)
        u = way * here
        added = ((_f32(1) - lost) * u + a) + a * sigma * z[j]
        u = u + (a - lost * u) * (_f32(1) + sigma * z[j]) if multiplies else added
        u = way * min(max(u, -away), toward)
        v[j] = u if n > _u32(0) else here


@compiled
def _kept(cells, work, n, slopes):  # type: ignore[no-untyped-def]
    """What is kept of a cell's distance by one pulse, for a whole row."""
    keep, ways = work[1], work[6]
    ups, downs, highs, lows = cells[_UP], cells[_DOWN], cells[_HIGH], cells[_LOW]
    for j in range(n):
        up = ways[j] > 0
        a_up, a_down, high, low = ups[j], downs[j], highs[j], -lows[j]
        toward = high if up else low
        lost = (a_up if up else a_down) * (slopes[0] if up else slopes[1]) / toward if toward > 0 else _f32(0)
        keep[j] = _f32(1) - lost


@compiled
def _few(work, many, m):  # type: ignore[no-untyped-def]
    """As :func:`_several`, for no more than three pulses."""
    keep, power, total, squares = work[1], work[2], work[3], work[4]
    for j in range(m):
        k, n = keep[j], many[j]
        k2, three, two = k * k, n > _u32(2), n > _u32(1)
        power[j] = k2 * k if three else (k2 if two else k)
        total[j] = (_f32(1) + k) * k + _f32(1) if three else (_f32(1) + k if two else _f32(1))
        squares[j] = (_f32(1) + k2) * k2 + _f32(1) if three else (_f32(1) + k2 if two else _f32(1))


@compiled
def _at_once(v, cells, room, count, sigma, multiplies, exact):  # type: ignore[no-untyped-def]
    """Send every cell of a row its pulses at once; list in ``room`` those that must be taken one by one. How many."""
    work, _, _, many, listed, _, _, _, _ = room
    z, power, total, squares, ways, near = work[0], work[2], work[3], work[4], work[6], work[5]
    ups, downs, highs, lows = cells[_UP], cells[_DOWN], cells[_HIGH], cells[_LOW]
    by_one = multiplies or exact
    fewest = _u32(0) if multiplies else _u32(1)  # noise that is added makes one pulse a step like several
    for j in range(count):
        way = ways[j]
        up = way > 0
        a_up, a_down, high, low, here, n = ups[j], downs[j], highs[j], -lows[j], v[j], many[j]
        a = a_up if up else a_down
        toward = high if up else low
        away = low if up else high
        u = way * here
        after, spread = power[j] * u + a * total[j], a * sigma * np.sqrt(squares[j])
        margin = SAFE * spread
        close = (max(u, after) + margin > toward) | (min(u, after) - margin < -away) | by_one
        single = close & (n > fewest)
        there = way * min(max(after + spread * z[j], -away), toward)
        v[j] = there if (n > _u32(0)) & (not single) else here
        near[j] = _f32(1) if single else _f32(0)
    m = 0
    for j in range(count):
        listed[m] = j
        m += near[j] > 0
    return m


@compiled
def _moved(v, cells, columns, n, room, most, width, row, sample, chip, key, cell):  # type: ignore[no-untyped-def]
    """Send ``n`` cells, those of ``columns`` of a row, the pulses in ``room``, at most ``most`` each."""
    work, _, _, many, _, _, _, _, _ = room
    slopes, sigma, multiplies, exact = cell
    if sigma > 0:
        _noise(room, columns, n, width, row, sample, chip, key)
    else:
        work[0, :n] = _f32(0)
    if most == 1:
        _once(v, cells, work, many, n, slopes, sigma, multiplies)
        return
    _kept(cells, work, n, slopes)
    if most > 3:
        _several(work, many, n, most)
    else:
        _few(work, many, n)
    m = _at_once(v, cells, room, n, sigma, multiplies, exact)
    if m:
        _one_by_one(v, cells, columns, room, m, width, row, sample, chip, key, cell)


@compiled
def move(v, cells, used, room, most, row, sample, chip, key, cell):  # type: ignore[no-untyped-def]
    """Send a row the pulses in ``room``, at most ``most`` each."""
    many, columns = room[3], room[6]
    if used.shape[0] > 0:
        for j in range(v.shape[0]):
            used[j] += np.int32(many[j])
    _moved(v, cells, columns, v.shape[0], room, most, v.shape[0], row, sample, chip, key, cell)


@compiled
def move_some(v, cells, used, columns, n, room, most, row, sample, chip, key, cell):  # type: ignore[no-untyped-def]
    """As :func:`move`, of the first ``n`` of ``columns`` alone: they are taken out, moved and put back."""
    _, _, _, many, _, _, _, held, some = room
    ups, downs, highs, lows = cells[_UP], cells[_DOWN], cells[_HIGH], cells[_LOW]
    if used.shape[0] > 0:
        for h in range(n):
            used[columns[h]] += np.int32(many[h])
    for h in range(n):
        j = columns[h]
        held[h] = v[j]
        some[_UP, h], some[_DOWN, h], some[_HIGH, h], some[_LOW, h] = ups[j], downs[j], highs[j], lows[j]
    _moved(held, some, columns, n, room, most, v.shape[0], row, sample, chip, key, cell)
    for h in range(n):
        v[columns[h]] = held[h]


@compiled
def coincide(room, row, row_words, row_signs, words, signs, n):  # type: ignore[no-untyped-def]
    """Put the pulses of a row and ``n`` columns into ``room``: bits that their trains have in common. The most."""
    ways, many = room[0][6], room[3]
    most = _u32(0)
    mine, sign, first = row_words[0, row], row_signs[row], words[0]
    for j in range(n):
        many[j] = _popcount(mine & first[j])
    for w in range(1, row_words.shape[0]):
        mine, other = row_words[w, row], words[w]
        for j in range(n):
            many[j] += _popcount(mine & other[j])
    for j in range(n):
        most = max(most, many[j])
    for j in range(n):
        ways[j] = signs[j] * sign
    return most


@inlined
def fires(trains, s, row):  # type: ignore[no-untyped-def]
    """Whether a row has any bit in train ``s``."""
    row_words = trains[2]
    any_bit = _u32(0)
    for w in range(row_words.shape[1]):
        any_bit |= row_words[s, w, row]
    return any_bit != 0


@compiled
def outer(v, cells, used, room, trains, s, row, sample, chip, key, cell):  # type: ignore[no-untyped-def]
    """Send a row the coincidences of train ``s``."""
    words, signs, row_words, row_signs, columns, counts = trains
    width, n = v.shape[0], counts[s]
    most = coincide(room, row, row_words[s], row_signs[s], words[s], signs[s], n)
    if most == 0:
        return
    if n == width:
        move(v, cells, used, room, most, row, sample, chip, key, cell)
    else:
        move_some(v, cells, used, columns[s], n, room, most, row, sample, chip, key, cell)


@compiled
def descend(v, cells, used, trains, chips, sample, key, cell, first, last):  # type: ignore[no-untyped-def]
    """Rows ``first`` to ``last`` (of all chips) of ``v`` ``(chips, out, in)`` through a batch of trains."""
    out = v.shape[1]
    samples = len(trains[5]) // v.shape[0]
    room = scratch(v.shape[2])
    unused = np.empty(0, np.int32)
    for at in range(first, last):
        r, i = at // out, at % out
        # Rows are cut out once: a cut costs as much as a short row.
        row, row_cells, row_used = v[r, i], cells[r, i], used[r, i] if used.shape[0] > 0 else unused
        for t in range(samples):
            s = r * samples + t
            if fires(trains, s, i):
                outer(row, row_cells, row_used, room, trains, s, i, sample + t, chips[r], key, cell)


@compiled
def press(v, cells, used, wanted, chips, sample, key, cell, first, last):  # type: ignore[no-untyped-def]
    """Send ``wanted`` ``(chips, out, in)`` pulses, up where positive, to the rows ``first`` to ``last``."""
    out = v.shape[1]
    room = scratch(v.shape[2])
    work, many = room[0], room[3]
    unused = np.empty(0, np.int32)
    for at in range(first, last):
        r, i = at // out, at % out
        most = _u32(0)
        for j in range(v.shape[2]):
            n = wanted[r, i, j]
            many[j], work[6, j] = _u32(abs(n)), _f32(1) if n > 0 else _f32(-1)
            most = max(most, many[j])
        if most:
            row_used = used[r, i] if used.shape[0] > 0 else unused
            move(v[r, i], cells[r, i], row_used, room, most, i, sample, chips[r], key, cell)


@compiled
def add_up(total, x, d, rate, first, last):  # type: ignore[no-untyped-def]
    """``total -= rate d x^T`` sample after sample, rows ``first`` to ``last`` (of all chips)."""
    out, width = total.shape[1], total.shape[2]
    for at in range(first, last):
        r, i = at // out, at % out
        own = r if x.shape[0] > 1 else 0
        for t in range(d.shape[1]):
            share = rate * d[r, t, i]
            for j in range(width):
                total[r, i, j] -= share * x[own, t, j]
