"""Racetracks the obvious way: every shift of every pass one after the other, one bit read after each."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mho.devices import Racetrack
from mho.devices.nanowires import Nanowires
from mho.rng import stream_key
from tests.reference.philox import philox4x32

BLOCK = 64
Events = dict[tuple[int, int], tuple[int, int]]
"""Two random words of every shift that fails, by its number and nanowire."""


def words(r: int, block: int, chip: int, key: tuple[int, int]) -> tuple[int, ...]:
    return philox4x32((r & 0xFFFFFFFF, block, chip & 0xFFFFFFFF, chip >> 32), key)


def failures(key: tuple[int, int], block: int, chip: int, rate: float, end: int) -> Iterator[tuple[int, int, int]]:
    """Slots below ``end`` whose shift fails, with two random words each."""
    slot, r = 0, 0
    while True:
        w = words(r, block, chip, key)
        u = (((w[0] << 21) | (w[1] >> 11)) + 1) * 2.0**-53
        slot += 0 if rate == 1 else math.floor(math.log(u) * (1 / float(np.log1p(-rate))))
        if slot >= end:
            return
        yield slot, w[2], w[3]
        slot, r = slot + 1, r + 1


class Tape:
    """The bits of one weight tensor on its nanowires, of one chip, all or none of them behind a code."""

    def __init__(self, device: Racetrack, wires: Nanowires, bits: np.ndarray, seed: int, layer: str, chip: int) -> None:
        self.device, self.wires, self.bits = device, wires, bits
        self.seed, self.layer, self.chip = seed, layer, chip
        self.offset = np.zeros(wires.units, int)
        self.faults = 0
        self.most = int(wires.shifts.max())
        self.rewinding = math.ceil(self.most / device.rewind_step) if device.rewind == "faulty" else 0
        self.places = wires.places if len(wires.places) else np.arange(wires.cells)
        self.bound = wires.bits - 1 if device.margin is None else device.margin
        if device.margin is None and device.bound.startswith("stick"):
            self.bound = wires.bits // 2
        self.bound = max(1, self.bound)
        self.jumps, self.double, self.rates, self.purpose = (1, 2), device.double, device.rates, "position errors"
        if device.correction is not None:
            self.jumps = (device.correction.net(1), device.correction.net(2))
            self.purpose += ", guarded"
            if self.jumps[0] == 0:  # what the code undoes is as if it had not been
                self.jumps = (self.jumps[1], self.jumps[1])
                self.double, self.rates = 0.0, tuple(rate * device.double for rate in device.rates)

    def key(self, purpose: str) -> tuple[int, int]:
        return stream_key(self.seed, purpose, self.layer)

    def live(self, passes: int) -> np.ndarray:
        """What pass number ``passes`` reads, ``(cells,)``."""
        rates = self.rates
        if max(rates) == 0 or self.jumps == (0, 0):
            return self.bits.copy()
        slots = max(1, self.most + self.rewinding)
        events: Events = {}
        for block in range(-(-self.wires.units // BLOCK)):
            for slot, a, b in failures(self.key(self.purpose), block, self.chip, max(rates), passes * slots * BLOCK):
                events[slot // BLOCK, block * BLOCK + slot % BLOCK] = (a, b)
        out = self.bits.copy()
        for number in range(1, passes + 1):
            read = [self.one_pass(unit, number, slots, events, rates) for unit in range(self.wires.units)]
            if number == passes:
                for pairs in read:
                    for place, value in pairs:
                        out[place] = value
        return out

    def one_pass(
        self, unit: int, number: int, slots: int, events: Events, rates: tuple[float, ...]
    ) -> list[tuple[int, float]]:
        """Read one nanowire once; places and values."""
        shifts = int(self.wires.shifts[unit])
        backward = self.device.rewind == "zigzag" and number % 2 == 0
        seen: list[tuple[int, float]] = []
        for j in range(shifts + 1):
            if j > 0:
                self.shift(unit, (number - 1) * slots + j - 1, rates[0], rates, events)
            if self.device.read_order == "progressive":
                seen += self.at_ports(unit, shifts - j if backward else j, number)
        if self.device.read_order == "block":
            for j in range(self.wires.segment):
                seen += self.at_ports(unit, j, number)
        if self.device.rewind == "faulty":
            step = self.device.rewind_step
            for i, gone in enumerate(range(0, shifts, step)):
                slot = (number - 1) * slots + self.most + i
                self.shift(unit, slot, rates[min(step, shifts - gone)], rates, events)
        return seen

    def shift(self, unit: int, slot: int, rate: float, rates: tuple[float, ...], events: Events) -> None:
        if (slot, unit) not in events:
            return
        a, b = events[slot, unit]
        if b >= rate / max(rates) * 2**32:
            return
        self.faults += 1
        jump = self.jumps[1] if (a >> 1) < math.floor(self.double * 2**31) else self.jumps[0]
        jump = -jump if a & 1 else jump
        o = self.offset[unit]
        if self.device.bound == "clamp":
            o = min(max(o + jump, -self.bound), self.bound)
        elif self.device.bound == "free":
            o = o + jump
        elif self.device.bound == "stick" and abs(o) < self.bound:
            o = min(max(o + jump, -self.bound), self.bound)
        elif self.device.bound == "stick-right" and o < self.bound:
            o = min(o + jump, self.bound)
        self.offset[unit] = o

    def at_ports(self, unit: int, position: int, number: int) -> list[tuple[int, float]]:
        """The bits at the ports of a nanowire when ``position`` of every segment should be there."""
        seen = []
        for track in range(unit, self.wires.tracks, self.wires.units):
            first, last = int(self.wires.starts[track]), int(self.wires.starts[track + 1])
            for k in range(first + position, last, self.wires.segment):
                seen.append((int(self.places[k]), self.domain(track, k - first - int(self.offset[unit]), number)))
        return seen

    def domain(self, track: int, d: int, number: int) -> float:
        first, last = int(self.wires.starts[track]), int(self.wires.starts[track + 1])
        fill = self.device.fill
        if not 0 <= d < last - first:
            if fill == "edge":
                d = 0 if d < 0 else last - first - 1
            elif fill in ("zero", "one"):
                return float(fill == "one")
            elif fill in ("latched", "fresh"):
                purpose = "beyond the track" if fill == "latched" else f"beyond the track, pass {number}"
                purpose += ", guarded" if self.device.correction else ""
                place = (track << 16) | (min(max(d, -32768), 32767) + 32768)
                return float(words(place & 0xFFFFFFFF, place >> 32, self.chip, self.key(purpose))[0] & 1)
            elif fill == "wrap":
                d %= last - first
            elif fill == "published" and first + d < first // self.wires.row * self.wires.row:
                return float((first // self.wires.row % self.wires.rows) % 2 == 0)
            else:
                d = min(max(first + d, 0), self.wires.cells - 1) - first
        return float(self.bits[self.places[first + d]])
