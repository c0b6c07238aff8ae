"""Signed integers of a weight tensor as bits in two arrays, and where each bit stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class Geometry:
    """A weight tensor as a matrix of columns (outputs) and rows (inputs, receptive field unrolled).

    Attributes:
        shape: of the tensor.
        channel_dim: its output-channel dimension.
    """

    shape: tuple[int, ...]
    channel_dim: int = 0

    @property
    def weights(self) -> int:
        """Elements of the tensor."""
        return prod(self.shape)

    @property
    def columns(self) -> int:
        """Outputs."""
        return self.shape[self.channel_dim]

    @property
    def rows(self) -> int:
        """Inputs of an output."""
        return self.weights // max(1, self.columns)

    @property
    def _inner(self) -> int:
        return prod(self.shape[self.channel_dim % len(self.shape) + 1 :])

    def split(self, flat: Ints) -> tuple[Ints, Ints]:
        """Columns and rows of elements of the flattened tensor."""
        if self.channel_dim == 0:
            return flat // self.rows, flat % self.rows
        outer, inside = flat // (self.columns * self._inner), flat % self._inner
        return flat // self._inner % self.columns, outer * self._inner + inside

    def join(self, column: Ints, row: Ints) -> Ints:
        """Elements of the flattened tensor, by column and row."""
        if self.channel_dim == 0:
            return column * self.rows + row
        return (row // self._inner * self.columns + column) * self._inner + row % self._inner

    def matrix(self, values: NDArray[_T]) -> NDArray[_T]:
        """A tensor of this shape as ``(columns, rows)``."""
        return np.ascontiguousarray(np.moveaxis(values, self.channel_dim, 0).reshape(self.columns, -1))


@dataclass(frozen=True, eq=False)
class PlaneCode:
    """What the cells of one weight tensor hold: n planes of bits, 0 the least significant, in a + and a - array.

    Attributes:
        bits: n, of the magnitude.
        integers: ``(columns, rows)`` int16, signed.
        flipped: whether each plane holds the opposite of its bits.
        gain: ``(columns,)`` float32, value of one step; 0 in columns that are pruned.
        read_rows: ``(rows,)``: those that are driven; one whose weights are all zero has no word line to drive.
        geometry: of the tensor.
        faulty: the planes whose cells may fail; in an experiment not all of them.
    """

    bits: int
    integers: NDArray[np.int16]
    flipped: tuple[bool, ...]
    gain: NDArray[np.float32]
    read_rows: NDArray[np.bool_]
    geometry: Geometry
    faulty: tuple[int, ...]

    @cached_property
    def read_columns(self) -> NDArray[np.bool_]:
        """``(columns,)``: those that are read; a pruned one never is, whatever its cells hold."""
        read: NDArray[np.bool_] = self.gain != 0
        return read

    @cached_property
    def _flips(self) -> NDArray[np.int64]:
        return np.array(self.flipped, np.int64)

    def bit(self, plane: Ints, negative: NDArray[np.bool_], column: Ints, row: Ints) -> Ints:
        """The logical bit of each of these cells, 0 or 1: that of the magnitude, in the array of the weight's sign."""
        value = self.integers[column, row].astype(np.int64)
        return np.where((value < 0) == negative, np.abs(value) >> plane & 1, 0)

    def stored(self, plane: Ints, negative: NDArray[np.bool_], column: Ints, row: Ints) -> Ints:
        """What the cells of these bits are written to, 0 or 1."""
        return self.bit(plane, negative, column, row) ^ self._flips[plane]

    def density(self) -> NDArray[np.float64]:
        """``(bits,)`` share of ones among the logical bits of cells that are read, both arrays counted."""
        return densities(self.integers[self.read_columns][:, self.read_rows], self.bits)


def densities(integers: NDArray[np.int16], bits: int) -> NDArray[np.float64]:
    """``(bits,)`` share of ones of each plane of signed ``integers`` of any shape, both arrays counted."""
    size = np.abs(integers.astype(np.int32))
    return np.array([float((size >> b & 1).sum()) / max(1, 2 * size.size) for b in range(bits)])
