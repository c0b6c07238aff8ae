"""A layer in planes of bits as its arrays compute it: every cell written, stuck, read and added up, one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def quantised(weight: Floats, bits: int, by_column: bool) -> tuple[NDArray[np.int64], Floats]:
    """Signed integers ``(columns, rows)`` and the step of every column, in float32 as the package has it."""
    size = np.abs(weight.astype(np.float32))
    scale = size.max(axis=1) if by_column else np.full(len(size), size.max(), np.float32)
    scale = np.where(scale > 0, scale, np.float32(1)).astype(np.float32)
    top = np.float32((1 << bits) - 1)
    integers = np.rint(weight.astype(np.float32) / scale[:, None] * top).astype(np.int64)
    return integers, (scale / top).astype(np.float64)


class Arrays:
    """The arrays of one layer on one chip.

    Args:
        integers: ``(columns, rows)`` signed.
        bits: n.
        flipped: whether each plane holds the opposite.
        planes: of an array, those added for duplicates counted.
        slots: ``(plane, copy, column, host_plane, host_column)`` of every duplicate.
        stuck: ``(planes, 2, columns, rows)``: -1 where a cell works, else what it reads as.
    """

    def __init__(
        self,
        integers: NDArray[np.int64],
        bits: int,
        flipped: tuple[bool, ...],
        planes: int,
        slots: list[tuple[int, int, int, int, int]],
        stuck: NDArray[np.int64],
    ) -> None:
        columns, rows = integers.shape
        self.integers, self.bits, self.flipped = integers, bits, flipped
        self.places = {(b, 0, c): (b, c) for b in range(bits) for c in range(columns)}
        self.places |= {(b, k, c): (p, h) for b, k, c, p, h in slots}
        self.cells = np.zeros((planes, 2, columns, rows), np.int64)
        for (b, k, c), (p, h) in self.places.items():
            if k == 0 and (p, h) in {place for key, place in self.places.items() if key[1] > 0}:
                continue  # a duplicate stands there
            for negative in (0, 1):
                for r in range(rows):
                    v = int(integers[c, r])
                    bit = (abs(v) >> b & 1) if (v < 0) == bool(negative) else 0
                    self.cells[p, negative, h, r] = 1 - bit if flipped[b] else bit
        self.cells = np.where(stuck >= 0, stuck, self.cells)

    def product(self, x: Floats, plane: int, copy: int, column: int, rows: list[int]) -> float:
        """``x (B+ - B-)`` of one column of one plane, from one copy and some rows."""
        p, h = self.places[plane, copy, column]
        currents = [sum(x[r] * float(self.cells[p, negative, h, r]) for r in rows) for negative in (0, 1)]
        return (currents[1] - currents[0]) if self.flipped[plane] else (currents[0] - currents[1])

    def output(
        self, x: Floats, step: Floats, copies: tuple[int, ...], *, tile: int, combine: str, read: NDArray[np.bool_],
        driven: NDArray[np.bool_],
    ) -> Floats:  # fmt: skip
        """``(columns,)``: every plane's product, that of the copies voted on tile by tile; 0 where nothing is read."""
        columns, rows = self.integers.shape
        out = np.zeros(columns)
        for c in range(columns):
            if not read[c]:
                continue
            for b in range(self.bits):
                for first in range(0, rows, tile):
                    some = [r for r in range(first, min(rows, first + tile)) if driven[r]]
                    candidates = [self.product(x, b, k, c, some) for k in range(copies[b])]
                    out[c] += 2**b * (np.median(candidates) if combine == "median" else np.mean(candidates))
        return out * step
