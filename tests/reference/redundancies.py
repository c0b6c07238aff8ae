"""Redundancy the obvious way: every cell of every copy is written, gets stuck and is read, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product

import numpy as np

from mho.mapping.plane_code import PlaneCode
from mho.memory.redundancy.faults import Faults, Resolved

Cell = tuple[int, int, int, int, int]
"""Plane, copy, whether in the - array, column, row."""


def integers(code: PlaneCode, resolved: Resolved) -> np.ndarray:
    """What a chip computes with, ``(columns, rows)``, from the errors that are left."""
    out = code.integers.astype(np.int64)
    for column, row, steps in zip(resolved.column, resolved.row, resolved.steps, strict=True):
        out[column, row] += int(steps)
    return out


def meant(code: PlaneCode, plane: int, negative: int, column: int, row: int) -> int:
    """What a cell shall hold."""
    value = int(code.integers[column, row])
    magnitude = abs(value) if (value < 0) == bool(negative) else 0
    bit = magnitude >> plane & 1
    return 1 - bit if code.flipped[plane] else bit


def stuck_cells(faults: Faults) -> dict[Cell, int]:
    names = ("plane", "copy", "negative", "column", "row", "stuck")
    lists = [getattr(faults, name).tolist() for name in names]
    return {(p, k, int(s), c, r): v for p, k, s, c, r, v in zip(*lists, strict=True)}


def value(code: PlaneCode, bits: Sequence[Sequence[int]]) -> int:
    """The integer of stored bits, ``bits[negative][plane]``."""
    logical = [[1 - v if code.flipped[b] else v for b, v in enumerate(array)] for array in bits]
    return sum((logical[0][b] - logical[1][b]) << b for b in range(code.bits))


def read_cells(code: PlaneCode) -> list[tuple[int, int]]:
    """Columns and rows that are read."""
    return [(int(c), int(r)) for c in np.flatnonzero(code.read_columns) for r in np.flatnonzero(code.read_rows)]


def majority(faults: Faults, code: PlaneCode, copies: Sequence[int]) -> np.ndarray:
    stuck, out = stuck_cells(faults), code.integers.astype(np.int64)
    for c, r in read_cells(code):
        bits = [
            [
                int(2 * sum(stuck.get((b, k, s, c, r), meant(code, b, s, c, r)) for k in range(copies[b])) > copies[b])
                for b in range(code.bits)
            ]
            for s in (0, 1)
        ]
        out[c, r] = value(code, bits)
    return out


def best_of(faults: Faults, code: PlaneCode, copies: Sequence[int]) -> np.ndarray:
    stuck, out = stuck_cells(faults), code.integers.astype(np.int64)
    rows = np.flatnonzero(code.read_rows).tolist()
    for c in np.flatnonzero(code.read_columns).tolist():
        used = []
        for b in range(code.bits):
            wrong = [
                sum(stuck.get((b, k, s, c, r), w) != w for s in (0, 1) for r in rows for w in [meant(code, b, s, c, r)])
                for k in range(copies[b])
            ]
            used.append(wrong.index(min(wrong)))
        for r in rows:
            bits = [
                [stuck.get((b, used[b], s, c, r), meant(code, b, s, c, r)) for b in range(code.bits)] for s in (0, 1)
            ]
            out[c, r] = value(code, bits)
    return out


def closest(faults: Faults, code: PlaneCode) -> np.ndarray:
    """The distance of the nearest value that each weight can be written to, by trying all."""
    stuck, out = stuck_cells(faults), np.zeros(code.integers.shape, np.int64)
    for c, r in read_cells(code):
        bound = [[stuck.get((b, 0, s, c, r)) for b in range(code.bits)] for s in (0, 1)]
        arrays = [
            [
                bits
                for bits in product((0, 1), repeat=code.bits)
                if all(w in (v, None) for v, w in zip(bits, held, strict=True))
            ]
            for held in bound
        ]
        out[c, r] = min(abs(value(code, pair) - int(code.integers[c, r])) for pair in product(*arrays))
    return out


def harm(faults: Faults, code: PlaneCode, *, rows: bool, squares: bool) -> np.ndarray:
    """What every column (row) that is read would suffer at every place, ``(read, places)``."""
    kept = np.flatnonzero(code.read_rows if rows else code.read_columns).tolist()
    others = np.flatnonzero(code.read_columns if rows else code.read_rows).tolist()
    total = np.zeros((len(kept), len(code.read_rows if rows else code.read_columns)))
    for (b, _, s, c, r), v in stuck_cells(faults).items():
        if (c if rows else r) not in others:
            continue
        for i, logical in enumerate(kept):
            column, row = (c, logical) if rows else (logical, r)
            worth = abs(float(code.gain[column])) * 2.0**b
            total[i, r if rows else c] += (meant(code, b, s, column, row) != v) * (worth**2 if squares else worth)
    return total


def least(harm: np.ndarray) -> float:
    """The least sum of all ways to give columns places, by trying all."""
    read, places = harm.shape
    return min(sum(harm[i, p] for i, p in enumerate(at)) for at in permutations(range(places), read))


def encode(data: Sequence[int]) -> dict[int, int]:
    """An extended Hamming word, position to bit: check bits where positions are powers of two, overall parity at 0."""
    r = 1
    while 2**r < len(data) + r + 1:
        r += 1
    word, rest = {}, list(data)
    for position in range(1, len(data) + r + 1):
        word[position] = 0 if position & (position - 1) == 0 else rest.pop(0)
    for j in range(r):
        word[1 << j] = sum(bit for position, bit in word.items() if position >> j & 1) % 2
    word[0] = sum(word.values()) % 2
    return word


def decode(word: dict[int, int]) -> dict[int, int]:
    """The word after the decoder has acted on it."""
    out, syndrome = dict(word), 0
    for position, bit in word.items():
        syndrome ^= position * bit
    if sum(word.values()) % 2 and syndrome in out:
        out[syndrome] ^= 1
    return out


def check_order(k: int) -> list[int]:
    """Positions of the check bits of a word of ``k``, in the order of their cells."""
    return [p for p in sorted(encode([0] * k)) if p & (p - 1) == 0 and p] + [0]


def ecc(faults: Faults, code: PlaneCode, k: int, planes: int) -> np.ndarray:
    stuck, extra = stuck_cells(faults), dict(zip(faults.extra.tolist(), faults.extra_stuck.tolist(), strict=True))
    rows, columns = np.flatnonzero(code.read_rows).tolist(), np.flatnonzero(code.read_columns).tolist()
    held = {
        (b, s, c, r): stuck.get((b, 0, s, c, r), meant(code, b, s, c, r))
        for b in range(code.bits)
        for s in (0, 1)
        for c, r in read_cells(code)
    }
    number = 0
    for s in (0, 1):
        for b in range(code.bits - planes, code.bits):
            for c in columns:
                for start in range(0, len(rows), k):
                    part = rows[start : start + k]
                    # A short word is encoded as if zeros followed, which are not stored and cannot be corrected.
                    word = encode([meant(code, b, s, c, r) for r in part] + [0] * (k - len(part)))
                    data = [p for p in sorted(word) if p & (p - 1)]
                    for row, position in zip(part, data, strict=False):
                        word[position] = held[b, s, c, row]
                    for position in check_order(k):
                        word[position] = extra.get(number, word[position])
                        number += 1
                    fixed = decode(word)
                    for row, position in zip(part, data, strict=False):
                        held[b, s, c, row] = fixed[position]
    out = code.integers.astype(np.int64)
    for c, r in read_cells(code):
        out[c, r] = value(code, [[held[b, s, c, r] for b in range(code.bits)] for s in (0, 1)])
    return out
