"""Position errors of nanowires on the CPU: faults by geometric gaps, and reads of the tracks that they hit.

The shifts of a layer are numbered: pass, shift within the pass, nanowire within a block of 64. Which of them fail is a
Bernoulli process, drawn as the gaps between failures (docs/decisions/0018), so that the work is one random number a
block and one a fault. Number r of a block is word block (r, block, chip) of Philox, whatever was asked for before: a
chip at inference 1000 is the chip of inference 10, aged.

Compiled by numba; see :mod:`mho.kernels.compiled`.
"""

from __future__ import annotations

import numpy as np

from mho.kernels.compiled import compiled, philox

BLOCK = 64
"""Nanowires that share one stream of gaps: as many as a word has bits."""
EDGE, ZERO, ONE, LATCHED, FRESH, WRAP, NEIGHBOUR, PUBLISHED = range(8)
FREE, CLAMP, STICK, STICK_RIGHT = range(4)

_u32, _u64 = np.uint32, np.uint64
_UNIT = 2.0**-53


@compiled
def _gap(w0, w1, scale):  # type: ignore[no-untyped-def]
    """Failures between two successes of a Bernoulli process, ``floor(log u / log(1 - p))``; scale is 1 / log(1 - p)."""
    u = (np.float64((_u64(w0) << _u64(21)) | (_u64(w1) >> _u64(11))) + 1.0) * _UNIT
    return np.floor(np.log(u) * scale)


@compiled
def _moved(offset, jump, bound, low, high):  # type: ignore[no-untyped-def]
    """The offset after one position error."""
    if bound in (STICK, STICK_RIGHT) and offset >= high:
        return offset
    if bound == STICK and offset <= low:
        return offset
    return min(max(offset + jump, low), high)


@compiled
def _random_bit(track, domain, chip, k0, k1):  # type: ignore[no-untyped-def]
    place = _u64(track) << _u64(16) | _u64(max(-32768, min(32767, domain)) + 32768)
    word, _, _, _ = philox(
        _u32(place & _u64(0xFFFFFFFF)), _u32(place >> _u64(32)), _u32(chip & 0xFFFFFFFF), _u32(chip >> 32), k0, k1
    )
    return np.float32(word & _u32(1))


@compiled
def _domain(levels, starts, places, track, k, offset, fill, row, rows, chip, k0, k1):  # type: ignore[no-untyped-def]
    """What position ``k`` of a track reads when its tape is off by ``offset``: domain ``k - offset``."""
    first = starts[track]
    length = starts[track + 1] - first
    d = k - offset
    if d < 0 or d >= length:
        if fill == EDGE:
            d = min(max(d, 0), length - 1)
        elif fill in (ZERO, ONE):
            return np.float32(fill == ONE)
        elif fill in (LATCHED, FRESH):
            return _random_bit(track, d, chip, k0, k1)
        elif fill == WRAP:
            d = d % length
        else:
            d += first
            if fill == PUBLISHED and d < first // row * row:
                return np.float32(1 - (first // row % rows) % 2)
            d = min(max(d, 0), starts[-1] - 1) - first
    at = first + d
    return levels[places[at] if len(places) else at]


@compiled
def _read(  # type: ignore[no-untyped-def]
    out, levels, starts, places, unit, units, offset, shift, last, segment, fill, row, rows, chip, k0, k1
):
    """Read the tracks of a unit: the positions that shift ``shift`` and later ones bring to a port.

    Forwards, shift j brings position j of every segment; backwards (``last`` = shifts of the pass), ``last - j``.
    """
    ordered = len(places) == 0
    for track in range(unit, len(starts) - 1, units):
        first = starts[track]
        length = starts[track + 1] - first
        # Positions from ``own`` to ``end`` read domains of this track.
        own, end = max(0, min(offset, length)), max(0, min(length, length + offset))
        for port in range(0, length, segment):
            low = port + shift if last < 0 else port
            high = min(length, port + segment if last < 0 else port + last - shift + 1)
            inside, outside = min(max(own, low), high), max(min(end, high), min(max(own, low), high))
            if ordered:
                for to in range(first + inside, first + outside):
                    out[to] = levels[to - offset]
            else:
                for to in range(first + inside, first + outside):
                    out[places[to]] = levels[places[to - offset]]
            for k in range(low, high - (outside - inside)):
                k = k if k < inside else k + outside - inside
                to = first + k if ordered else places[first + k]
                out[to] = _domain(levels, starts, places, track, k, offset, fill, row, rows, chip, k0, k1)


@compiled
def advance(  # type: ignore[no-untyped-def]
    out, levels, starts, places, shifts, active, segment, row, rows,
    offset, fault, position, dirty, counts,
    chips, k0, k1, scale, accept, step, double, jumps, bound, low, high,
    begin, end, most, slots, progressive, backward, fill, f0, f1, fresh, first_block, last_block,
):  # fmt: skip
    """Let the nanowires of some blocks live from where they are to slot ``end``, and read the pass from ``begin``.

    ``out`` ``(chips, cells)``: what the pass before read (the bits as written, at first), overwritten with what this
    pass reads; without columns only offsets move. ``levels`` ``(1 or chips, cells)``: bits as written, uint8 or
    float32. ``starts``, ``places``, ``shifts``, ``segment``, ``row``, ``rows``: of
    :class:`mho.devices.nanowires.Nanowires`. ``active`` ``(units,)`` uint8: nanowires that these faults happen to; of
    length 0 for all.

    State: ``offset`` ``(chips, units)`` int16; ``fault``, ``position`` ``(chips, blocks)`` int64: number and slot of
    each block's next draw; ``dirty`` ``(chips, blocks)`` uint64: nanowires whose last read is not that of their
    offset alone; ``counts`` ``(chips, blocks)`` int64: faults that happened, added to.

    Law: ``scale``, 1 / log(1 - p) for the largest rate p; ``accept`` ``(step + 1,)``, the rates of a read shift and
    of rewinding by 1, 2, ... positions over p; ``step``, positions of one rewinding shift; ``double``, of 2^31, the
    share of errors that count as double; ``jumps`` ``(2,)``, positions that an error and a double one go; ``bound``,
    ``low``, ``high``: what limits offsets.

    A pass has ``slots`` shifts, of which ``most`` read and the others rewind; slot ``(pass * slots + shift) * 64 +
    i`` is that shift of nanowire i of a block. The pass from slot ``begin`` to ``end`` is read: ``progressive``, so
    that a fault hits what is read after it, or whole, with the offset before the track is rewound; ``backward`` from
    its end. ``fill``: what lies beyond a track; ``f0``, ``f1``: Philox key of random bits there, ``fresh`` if drawn
    anew at every read.
    """
    units = len(shifts)
    reads = out.shape[1] > 0
    settle = begin if progressive else begin + most * BLOCK
    for c in range(len(chips)):
        chip = chips[c]
        bits = levels[c if levels.shape[0] > 1 else 0]
        for block in range(first_block, last_block):
            at, r, touched = position[c, block], fault[c, block], dirty[c, block]
            settled = False
            while True:
                w0, w1, w2, w3 = philox(
                    _u32(r & 0xFFFFFFFF), _u32(block), _u32(chip & 0xFFFFFFFF), _u32(chip >> 32), k0, k1
                )
                # A float first: the gap of a small rate may be longer than an integer holds.
                ahead = np.float64(at) + _gap(w0, w1, scale)
                over = ahead >= end
                slot = end if over else np.int64(ahead)
                if reads and not settled and slot >= settle:
                    touched = _settle(
                        out[c], bits, starts, places, units, block, offset[c], touched, segment, fill, row, rows,
                        chip, f0, f1, fresh,
                    )  # fmt: skip
                    settled = True
                if over:
                    break
                at, r = slot + 1, r + 1
                unit = block * BLOCK + slot % BLOCK
                if unit >= units or (len(active) and not active[unit]):
                    continue
                number = slot // BLOCK % slots
                if number < most:
                    if number >= shifts[unit]:
                        continue
                    rate = accept[0]
                else:
                    gone = (number - most) * step
                    if gone >= shifts[unit]:
                        continue
                    rate = accept[min(step, shifts[unit] - gone)]
                if rate < 1.0 and np.float64(w3) >= rate * 4294967296.0:
                    continue
                counts[c, block] += 1
                jump = jumps[1] if np.float64(w2 >> _u32(1)) < double else jumps[0]
                if w2 & _u32(1):
                    jump = -jump
                new = _moved(np.int64(offset[c, unit]), jump, bound, low, high)
                if new == offset[c, unit]:
                    continue
                offset[c, unit] = new
                touched |= _u64(1) << _u64(slot % BLOCK)
                if reads and progressive and slot >= begin and number < most:
                    last = np.int64(shifts[unit]) if backward else np.int64(-1)
                    _read(
                        out[c], bits, starts, places, unit, units, new, number + 1, last, segment, fill, row, rows,
                        chip, f0, f1,
                    )  # fmt: skip
            position[c, block], fault[c, block], dirty[c, block] = at, r, touched


@compiled
def _settle(  # type: ignore[no-untyped-def]
    out, levels, starts, places, units, block, offset, touched, segment, fill, row, rows, chip, k0, k1, fresh
):
    """Read whole the nanowires of a block that moved since they were last read so."""
    for i in range(min(BLOCK, units - block * BLOCK)):
        unit = block * BLOCK + i
        if (touched >> _u64(i)) & _u64(1) or (fresh and offset[unit]):
            shift, last = np.int64(0), np.int64(-1)
            _read(
                out, levels, starts, places, unit, units, np.int64(offset[unit]), shift, last, segment, fill, row, rows,
                chip, k0, k1,
            )  # fmt: skip
    return _u64(0)


@compiled
def stop(  # type: ignore[no-untyped-def]
    out, starts, places, shifts, active, dirty, segment, chips, k0, k1, scale, most, backward, first_block, last_block
):
    """Of the pass just read, bits whose shift stopped in the middle read at random; ``scale`` as in :func:`advance`."""
    units = len(shifts)
    for c in range(len(chips)):
        chip = chips[c]
        for block in range(first_block, last_block):
            ahead, r = 0.0, 0
            while True:
                w0, w1, w2, _ = philox(_u32(r), _u32(block), _u32(chip & 0xFFFFFFFF), _u32(chip >> 32), k0, k1)
                ahead += _gap(w0, w1, scale)
                if ahead >= most * BLOCK:
                    break
                slot = np.int64(ahead)
                ahead, r = ahead + 1.0, r + 1
                unit, number = block * BLOCK + slot % BLOCK, slot // BLOCK + 1
                if unit >= units or number > shifts[unit] or (len(active) and not active[unit]):
                    continue
                dirty[c, block] |= _u64(1) << _u64(slot % BLOCK)
                at = shifts[unit] - number if backward else number
                for track in range(unit, len(starts) - 1, units):
                    for k in range(starts[track] + at, starts[track + 1], segment):
                        out[c, places[k] if len(places) else k] = np.float32(w2 & _u32(1))
                        w2 = w2 >> _u32(1) | w2 << _u32(31)
