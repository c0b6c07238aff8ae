"""Skyrmions on nanowires, compiled by numba: a track at a time, from event to event.

What may happen to a track is numbered: its collective slips by shift, what befalls its domains by (shift, domain).
Either is a Bernoulli process drawn as the gaps between events, the second at the largest rate of any domain and
thinned, so that the work is two random numbers a track and one an event. Event number r of a track is word block
(r, track, chip) of Philox: a read at any age starts from the bits as written and finds the same life of the track.
"""

from __future__ import annotations

import numpy as np

from mho.kernels.compiled import compiled, philox
from mho.kernels.cpu_shifts import _gap

TILE = 256
"""Tracks that a thread takes at a time."""

NEVER = 1.0
"""A scale for :func:`_event` that no rate has."""

_u32, _u64 = np.uint32, np.uint64
_UNIT = 2.0**-53


@compiled
def _event(at, r, stream, chip, k0, k1, scale):  # type: ignore[no-untyped-def]
    """The first slot from ``at`` on where something happens (a float: it may be beyond any integer), and two words."""
    if scale > 0:
        return np.inf, _u32(0), _u32(0)
    w0, w1, w2, w3 = philox(_u32(r), _u32(stream), _u32(chip & 0xFFFFFFFF), _u32(chip >> 32), k0, k1)
    return np.float64(at) + _gap(w0, w1, scale), w2, w3


@compiled
def _emit(out, state, first, length, places, segment, offset, edge, low, high):  # type: ignore[no-untyped-def]
    """Read positions ``low`` to ``high`` of every segment of a track that is off by ``offset``."""
    for at in range(low, min(high + 1, segment)):
        for k in range(at, length, segment):
            d = k - offset
            inside = min(max(d, 0), length - 1)
            value = state[inside] if edge or d == inside else 0
            out[places[first + k] if len(places) else first + k] = value


@compiled
def _turn(state, length, k, w2, w3, vanish, vanish_end, move, appear):  # type: ignore[no-untyped-def]
    """What befalls domain ``k``; the domain that its skyrmion is in afterwards if that is a later one, else -1."""
    u = np.float64((_u64(w2) << _u64(21)) | (_u64(w3) >> _u64(11))) * _UNIT
    if not state[k]:
        state[k] = u < appear
        return -1
    gone = vanish_end if k == 0 or k == length - 1 else vanish
    if u < gone:
        state[k] = 0
    elif u < gone + move:
        to = k + 1 if w3 & _u32(1) else k - 1
        if 0 <= to < length and not state[to]:
            state[k], state[to] = 0, 1
            return to
    return -1


@compiled
def read(  # type: ignore[no-untyped-def]
    out, bits, starts, places, shifts, segment, chips, s0, s1, e0, e1, slip_scale, event_scale,
    vanish, vanish_end, move, appear, margin, passes, rewinds, progressive, edge, first_tile, last_tile,
):  # fmt: skip
    """Overwrite what pass number ``passes`` reads differently from what was written.

    Args:
        out: ``(chips, cells)`` float32 that holds the bits as written.
        bits: ``(1 or chips, cells)`` float32, those bits.
        starts: of :class:`mho.devices.nanowires.Nanowires`, as the next three.
        places: where a storage position's cell is.
        shifts: of a pass, by nanowire.
        segment: domains of a port.
        chips: ``(chips,)`` int64 numbers.
        s0: first word of the Philox key of collective slips.
        s1: its second.
        e0: first word of the key of what befalls domains.
        e1: its second.
        slip_scale: 1 / log(1 - rate) of slips; or :data:`NEVER`.
        event_scale: the same of the largest rate of a domain.
        vanish: rate over that largest one.
        vanish_end: the same in the first and the last domain.
        move: rate over the largest one.
        appear: rate over the largest one.
        margin: largest offset, either way.
        passes: from 1.
        rewinds: whether things happen while a track is rewound, too.
        progressive: a position is read when it comes to the port; otherwise all are read at the end of the pass.
        edge: beyond its ends a track reads as its last domain; otherwise 0.
        first_tile: tiles are :data:`TILE` tracks of a chip, chip by chip.
        last_tile: the one after the last.
    """
    tracks, units = len(starts) - 1, len(shifts)
    tiles = (tracks + TILE - 1) // TILE
    state = np.empty(np.max(starts[1:] - starts[:-1]), np.uint8)
    for tile in range(first_tile, last_tile):
        c = tile // tiles
        chip, row = chips[c], bits[c if bits.shape[0] > 1 else 0]
        for track in range(tile % tiles * TILE, min(tile % tiles * TILE + TILE, tracks)):
            unit, first = track % units, starts[track]
            length, one_pass = starts[track + 1] - first, np.int64(shifts[unit])
            begin = (passes - 1) * one_pass * (2 if rewinds else 1)
            end = begin + one_pass
            slip, way, _ = _event(0, 0, unit, chip, s0, s1, slip_scale)
            event, w2, w3 = _event(0, 0, track, chip, e0, e1, event_scale)
            if slip >= end and event >= end * length:
                continue
            for k in range(length):
                state[k] = row[places[first + k] if len(places) else first + k] > 0.5
            slips, events, offset, emitted = 0, 0, 0, 0
            moved_at, moved_to = np.int64(-1), np.int64(-1)
            while True:
                # In a shift the whole track slips first, then the domains have their turns.
                now, whole = end, True
                if slip < end:
                    now = np.int64(slip)
                if event < end * length and np.int64(event) // length < now:
                    now, whole = np.int64(event) // length, False
                if now == end:
                    break
                if progressive and now >= begin:
                    _emit(out[c], state, first, length, places, segment, offset, edge, emitted, now - begin)
                    emitted = now - begin + 1
                if whole:
                    slips += 1
                    offset = min(max(offset + (1 if way & _u32(1) else -1), -margin), margin)
                    slip, way, _ = _event(now + 1, slips, unit, chip, s0, s1, slip_scale)
                    continue
                events += 1
                k = np.int64(event) - now * length
                if moved_at != now or moved_to != k:  # a skyrmion that moved on in this shift has had its turn
                    to = _turn(state, length, k, w2, w3, vanish, vanish_end, move, appear)
                    if to > k:
                        moved_at, moved_to = now, to
                event, w2, w3 = _event(now * length + k + 1, events, track, chip, e0, e1, event_scale)
            _emit(out[c], state, first, length, places, segment, offset, edge, emitted, segment - 1)
