"""Skyrmions, shift by shift and domain by domain: the law as it is written down, and two sources of chance for it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Protocol

from reference.philox import MASK, philox4x32

from mho.devices.skyrmion import Skyrmion


class Chance(Protocol):
    """What happens when, if anything."""

    def slip(self, shift: int) -> int:
        """0, or the way that the whole track slips: 1 or -1."""

    def turn(self, shift: int, domain: int) -> tuple[float, int]:
        """A uniform number of the turn of a domain, and the way that its skyrmion goes if it goes."""


@dataclass
class Track:
    """One track; ``segment`` domains to a port."""

    bits: list[int]
    shifts: int
    segment: int


def read(track: Track, law: Skyrmion, passes: int, margin: int, chance: Chance) -> list[int]:
    """What pass number ``passes`` of a fresh track reads."""
    now, offset, shift, length = list(track.bits), 0, 0, len(track.bits)
    seen = list(track.bits)

    def at(position: int) -> int:
        domain = position - offset
        if 0 <= domain < length:
            return now[domain]
        return (now[0] if domain < 0 else now[-1]) if law.fill == "edge" else 0

    for _ in range(passes):
        for k in range(0, length, track.segment):
            seen[k] = at(k)
        for step in range(1, track.shifts + 1):
            offset = one_shift(now, offset, law, margin, shift, chance)
            shift += 1
            for k in range(step, length, track.segment):
                if step < track.segment:
                    seen[k] = at(k)
        if law.read_order == "block":
            seen = [at(k) for k in range(length)]
        for _ in range(track.shifts if law.rewind == "faulty" else 0):
            offset = one_shift(now, offset, law, margin, shift, chance)
            shift += 1
    return seen


def one_shift(now: list[int], offset: int, law: Skyrmion, margin: int, shift: int, chance: Chance) -> int:
    """One shift of the skyrmions ``now``, which change; the new offset."""
    offset = max(-margin, min(margin, offset + chance.slip(shift)))
    had_its_turn = None
    for k in range(len(now)):
        uniform, way = chance.turn(shift, k)
        if k == had_its_turn:
            continue
        if now[k] == 0:
            now[k] = int(uniform < law.nucleation_rate)
            continue
        lost = law.annihilation_rate * (law.edge_factor if k in (0, len(now) - 1) else 1)
        if uniform < lost:
            now[k] = 0
        elif uniform < lost + law.individual_rate:
            to = k + way
            if 0 <= to < len(now) and now[to] == 0:
                now[k], now[to] = 0, 1
                had_its_turn = to
    return offset


class Dice:
    """A number for every shift and every turn."""

    def __init__(self, law: Skyrmion, seed: int) -> None:
        self.law, self.random = law, random.Random(seed)

    def slip(self, shift: int) -> int:
        return self.random.choice((-1, 1)) if self.random.random() < self.law.slip_rate else 0

    def turn(self, shift: int, domain: int) -> tuple[float, int]:
        return self.random.random(), self.random.choice((-1, 1))


class Addressed:
    """The numbers of a track of a chip: events lie geometric gaps apart, turns between them come to nothing."""

    def __init__(self, law: Skyrmion, length: int, end: int, keys: tuple, stream: tuple[int, int], chip: int) -> None:
        """``stream``: numbers of the nanowire (slips) and of the track (turns)."""
        gone = law.annihilation_rate * max(1, law.edge_factor)
        largest = max(gone + law.individual_rate, law.individual_rate, law.nucleation_rate)
        slips = events(keys[0], stream[0], chip, law.slip_rate, end)
        self.slips = {slot: 1 if w2 & 1 else -1 for slot, w2, _ in slips}
        self.turns = {
            slot: (largest * ((w2 << 21 | w3 >> 11) / 2**53), 1 if w3 & 1 else -1)
            for slot, w2, w3 in events(keys[1], stream[1], chip, largest, end * length)
        }
        self.length = length

    def slip(self, shift: int) -> int:
        return self.slips.get(shift, 0)

    def turn(self, shift: int, domain: int) -> tuple[float, int]:
        return self.turns.get(shift * self.length + domain, (1.0, 1))


def events(key: tuple[int, int], stream: int, chip: int, rate: float, end: int) -> list[tuple[int, int, int]]:
    """Slots before ``end`` of a Bernoulli process, each with two words."""
    found, slot, r = [], -1, 0
    while rate:
        w0, w1, w2, w3 = philox4x32((r & MASK, stream & MASK, chip & MASK, chip >> 32), key)
        u = ((w0 << 21 | w1 >> 11) + 1) / 2**53
        slot += 1 + (math.floor(math.log(u) / math.log1p(-rate)) if rate < 1 else 0)
        if slot >= end:
            break
        found.append((slot, w2, w3))
        r += 1
    return found
