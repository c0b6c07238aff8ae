"""Error-correcting codes: check cells beside the bits, decoded when the array is read out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.faults import Resolved
from mho.memory.redundancy.hamming import Hamming

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mho.mapping.plane_code import PlaneCode
    from mho.memory.redundancy.faults import Faults
    from mho.memory.redundancy.layout import Layout


@dataclass(frozen=True, kw_only=True)
class ECC(Redundancy):
    """An extended Hamming code [hamming1950] corrects one wrong bit of a word and notices two.

    A word is ``data_bits`` cells of one column, plane and polarity, of rows that are read, one after the other (the
    last word of a column may be shorter, at the same number of check cells), and its check cells, which fail as other
    cells do. Bits are encoded as they are stored, flips included. What the decoder does is decided by the pattern of
    wrong bits alone: one is corrected; two are noticed and left as they are; three or more are taken for one, which
    may spoil a right bit, or for none.

    Check bits protect what is read, not what is summed: the array must be read out bit by bit, and the product
    computed elsewhere.

    Attributes:
        data_bits: k, data cells a word; 64 take 8 check cells.
        planes: how many are protected, the most significant first; all if ``None``.
    """

    references: ClassVar[tuple[str, ...]] = ("hamming1950",)
    digital: ClassVar[bool] = True

    data_bits: int = 64
    planes: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(1 <= self.data_bits <= 4096, "data_bits", "must be 1 to 4096 cells of a word")
        self.check(self.planes is None or self.planes >= 1, "planes", "must be 1 or more, or null for all")

    @property
    def label(self) -> str:
        return f"SEC-DED ({self.data_bits + self.check_bits}, {self.data_bits})"

    @property
    def check_bits(self) -> int:
        """Check cells of a word."""
        return Hamming(self.data_bits).check_bits

    def extra_cells(self, code: PlaneCode) -> int:
        planes, words = self._shape(code)
        return 2 * planes * int(code.read_columns.sum()) * words * self.check_bits

    def extra_levels(self, code: PlaneCode) -> NDArray[np.float32]:
        (planes, words), hamming = self._shape(code), Hamming(self.data_bits)
        columns, rows = np.flatnonzero(code.read_columns)[:, None], np.flatnonzero(code.read_rows)
        out = np.empty((2, planes, len(columns), words, hamming.check_bits), np.float32)
        data = np.zeros((len(columns), words * hamming.k), np.float32)
        for negative, plane in np.ndindex(2, planes):
            which = np.array(plane + code.bits - planes), np.array(bool(negative))
            data[:, : len(rows)] = code.stored(*which, columns, rows)
            words_of = data.reshape(len(columns), words, hamming.k)
            out[negative, plane] = words_of @ hamming.generator.T.astype(np.float32) % 2
        return out.ravel()

    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        planes, words = self._shape(code)
        errors = faults.errors(code)
        coded = errors.plane >= code.bits - planes
        bare, errors = errors.where(~coded), errors.where(coded)
        hamming, rows = Hamming(self.data_bits), np.flatnonzero(code.read_rows)
        lines = (2, code.bits, code.integers.shape[0], words)

        rank = np.cumsum(code.read_rows) - 1
        at = rank[errors.row]
        word = np.ravel_multi_index((errors.negative.astype(int), errors.plane, errors.column, at // hamming.k), lines)
        offset = at % hamming.k
        checks, place = self._wrong_checks(faults, code, hamming, rows, lines)

        touched, which = np.unique(np.concatenate([word, checks]), return_inverse=True)
        position = np.concatenate([hamming.positions[offset], place])
        toggled = hamming.toggled(position, which, len(touched))
        last = len(rows) - np.unravel_index(touched, lines)[3] * hamming.k  # rows of a word, where it is the last
        acts = (toggled >= 0) & (toggled < last)
        touched, toggled = touched[acts], toggled[acts]
        negative, plane, column, number = np.unravel_index(touched, lines)
        row = rows[number * hamming.k + toggled]

        was, now = word * hamming.k + offset, touched * hamming.k + toggled
        left = errors.where(~np.isin(was, now))
        spoilt = ~np.isin(now, was)
        negative, plane, column, row = (a[spoilt] for a in (negative, plane, column, row))
        change = 1 - 2 * code.bit(plane, negative.astype(bool), column, row).astype(np.int64)
        return Resolved(
            np.concatenate([bare.column, left.column, column]),
            np.concatenate([bare.row, left.row, row]),
            np.concatenate([bare.steps, left.steps, (change << plane) * (1 - 2 * negative)]),
        )

    def _shape(self, code: PlaneCode) -> tuple[int, int]:
        """Protected planes, and words along a column."""
        planes = code.bits if self.planes is None else self.planes
        self.check(planes <= code.bits, "planes", f"must be at most the {code.bits} that the mapping has")
        return planes, -(-int(code.read_rows.sum()) // self.data_bits)

    def _wrong_checks(
        self, faults: Faults, code: PlaneCode, hamming: Hamming, rows: NDArray[np.int64], lines: tuple[int, ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Check cells that read wrong: word and position in it."""
        planes, words = self._shape(code)
        columns = np.flatnonzero(code.read_columns)
        sizes = (2, planes, len(columns), words, hamming.check_bits)
        negative, plane, kept, word, check = np.unravel_index(faults.extra, sizes)
        plane, column = plane + code.bits - planes, columns[kept]
        at = word[:, None] * hamming.k + np.arange(hamming.k)
        row = rows[np.minimum(at, len(rows) - 1)]
        stored = code.stored(plane[:, None], negative[:, None].astype(bool), column[:, None], row)
        meant = (stored * (at < len(rows)) * hamming.generator[check]).sum(axis=1) % 2
        wrong = (meant != faults.extra_stuck) & np.isin(plane, code.faulty)
        number = np.ravel_multi_index((negative, plane, column, word), lines)
        return number[wrong], hamming.check_positions[check[wrong]]
