"""Offsets of the nanowires of some chips: how position errors move them from pass to pass."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.devices.nanowires import Nanowires
from mho.devices.offset_law import offset_law
from mho.devices.shift_law import BOUNDS, FILLS, Law
from mho.errors import SpecError
from mho.kernels import cpu_shifts, fill_bits
from mho.kernels.threads import in_parts
from mho.rng import stream_key

EXACT = 2**53
"""Shifts that a float counts one by one."""
MOST_FAULTS = 1e11
"""Faults of a layer that take about an hour."""


class Offsets:
    """The state of the nanowires of one layer on some chips: a small integer each.

    Whatever the steps in which it is advanced, pass t finds chip i where it is at pass t.

    Args:
        wires: where the cells lie.
        law: what shifts do.
        seed: of the deployment.
        layer: name of the parameter.
        chips: ``(chips,)`` int64 numbers.
        active: ``(units,)`` uint8: the nanowires that ``law`` is of; ``None`` for all.

    Attributes:
        offset: ``(chips, units)`` int16; o > 0 means that position k reads domain k - o.
        passes: how many complete reads are behind it.
    """

    def __init__(
        self, wires: Nanowires, law: Law, seed: int, layer: str, chips: Tensor, active: NDArray[np.uint8] | None = None
    ) -> None:
        self.wires, self.law, self.seed, self.layer = wires, law, seed, layer
        self.chips = chips.cpu().numpy()
        self.active = np.empty(0, np.uint8) if active is None else active
        self.passes = self._start = 0
        n, blocks = len(chips), -(-wires.units // cpu_shifts.BLOCK)
        self.offset = np.zeros((n, wires.units), np.int16)
        self._fault, self._position, self._counts = (np.zeros((n, blocks), np.int64) for _ in range(3))
        self._dirty = np.zeros((n, blocks), np.uint64)

    @property
    def slots(self) -> int:
        """Shifts of the longest pass, rewinding included."""
        most = self.wires.most
        return max(1, most + (-(-most // self.law.step) if self.law.step else 0))

    @property
    def faults(self) -> NDArray[np.int64]:
        """``(chips,)`` position errors so far, those that a bound stopped included."""
        return cast(NDArray[np.int64], self._counts.sum(axis=1))

    @property
    def bytes(self) -> int:
        """Memory of the state."""
        return sum(a.nbytes for a in (self.offset, self._fault, self._position, self._dirty, self._counts))

    def backward(self, number: int) -> bool:
        """Whether pass ``number`` (from 1) reads from the end."""
        return self.law.zigzag and number % 2 == 0

    def jump(self, passes: int) -> None:
        """Put aligned nanowires where ``passes`` passes leave them, by the exact law of the offset at that time."""
        bits = torch.empty(len(self.chips), self.wires.units, dtype=torch.int64)
        fill_bits(bits, self._key(f"offset after {passes} passes"), torch.from_numpy(self.chips))
        uniform = (bits.numpy() + 0.5) / 2**32
        for shifts in np.unique(self.wires.shifts):
            mine = self.wires.shifts == shifts
            if len(self.active):
                mine &= self.active.astype(bool)
            values, law = offset_law(self.law, [passes * n for n in self.law.shifts(int(shifts))])
            at = np.searchsorted(np.cumsum(law), uniform[:, mine])
            self.offset[:, mine] = values[np.minimum(at, len(values) - 1)]
        moved = np.zeros((len(self.chips), self._dirty.shape[1] * cpu_shifts.BLOCK), bool)
        moved[:, : self.wires.units] = self.offset != 0
        self._dirty[:] = np.packbits(moved, axis=1, bitorder="little").view("<u8")
        self.passes = self._start = passes

    def advance(self, until: int, levels: Tensor | None = None, out: Tensor | None = None) -> None:
        """Go on to the end of pass ``until``; bring ``out`` to what that pass reads.

        Args:
            until: number of the pass, from 1.
            levels: ``(1 or chips, cells)`` uint8 bits as written (or float32); ``None`` to move the offsets alone.
            out: ``(chips, cells)`` contiguous, of the same type; what the last pass read, or the bits as written. Only
                nanowires that moved since are read again.
        """
        law, wires, slots = self.law, self.wires, self.slots
        rate = max(law.rates)
        low, high = law.limits
        errors = f"position errors after {self._start} passes" if self._start else "position errors"
        f = self._key(f"beyond the track, pass {until}" if law.fill == "fresh" else "beyond the track")
        nothing = np.empty((len(self.chips), 0), np.uint8)
        end = (until - self._start) * slots * cpu_shifts.BLOCK
        if rate > 0:
            expected = rate * (until - self.passes) * slots * self.offset.size
            self._check(end, expected)
            in_parts(
                cpu_shifts.advance, self._dirty.shape[1], int(self._dirty.size + 32 * expected),
                nothing if out is None else out.numpy(), nothing if levels is None else levels.numpy(),
                wires.starts, wires.places, wires.shifts, self.active, wires.segment, max(1, wires.row), wires.rows,
                self.offset, self._fault, self._position, self._dirty, self._counts, self.chips,
                *self._words(errors), 0.0 if rate == 1 else 1 / np.log1p(-rate),
                np.array(law.rates) / rate, max(1, law.step),
                math.floor(law.double * 2**31), np.array(law.jumps, np.int64), BOUNDS.index(law.bound), low, high,
                end - slots * cpu_shifts.BLOCK, end, wires.most, slots, law.progressive, self.backward(until),
                FILLS.index(law.fill), *map(np.uint32, f), law.fill == "fresh",
            )  # fmt: skip
        self.passes = until

    def stopped(self, rate: float, out: Tensor) -> None:
        """Let shifts of the pass just read stop in the middle, with probability ``rate`` each."""
        if rate > 0:
            in_parts(
                cpu_shifts.stop, self._dirty.shape[1], int(self._dirty.size + rate * self.offset.size * self.slots),
                out.numpy(), self.wires.starts, self.wires.places, self.wires.shifts, self.active, self._dirty,
                self.wires.segment, self.chips, *self._words(f"stopped in pass {self.passes}"),
                0.0 if rate == 1 else 1 / np.log1p(-rate), self.wires.most, self.backward(self.passes),
            )  # fmt: skip

    def _check(self, end: int, expected: float) -> None:
        if end >= EXACT or expected > MOST_FAULTS:
            raise SpecError(
                f"Racetrack: {expected:.3g} position errors are too many to follow one by one; path=False draws where "
                "they lead at once"
            )

    def _key(self, purpose: str) -> tuple[int, int]:
        return stream_key(self.seed, f"{purpose}, guarded" if self.law.guarded else purpose, self.layer)

    def _words(self, purpose: str) -> tuple[np.uint32, np.uint32]:
        first, second = self._key(purpose)
        return np.uint32(first), np.uint32(second)
