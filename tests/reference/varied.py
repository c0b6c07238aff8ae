"""A layer in planes of bits on cells that vary: every cell is written, read and added up, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mho.devices.base import Device
from mho.mapping.plane_code import PlaneCode
from mho.memory import Memory, deploy
from mho.memory.redundancy.faults import Faults
from mho.memory.varied import Varied
from mho.programming import Scheme
from mho.rng import Draws

Floats = NDArray[np.float64]
Line = tuple[int, int, int]
"""Plane, copy, column."""


def layer(columns: int, rows: int, seed: int, pruned: int = 0, idle: int = 0) -> nn.Linear:
    """Weights a few of which are far larger than the others, some columns and rows all zero."""
    linear = nn.Linear(rows, columns, bias=False).eval()
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        linear.weight.copy_(torch.randn(columns, rows, generator=g) ** 3)
        linear.weight[torch.randperm(columns, generator=g)[:pruned]] = 0
        linear.weight[:, torch.randperm(rows, generator=g)[:idle]] = 0
    return linear


def sampler_of(model: nn.Module, memory: Memory, seed: int = 0, age: float = 0.0) -> Varied:
    """What makes the only weight of ``model``."""
    found = deploy(model, memory, seed=seed).samplers(age=age)["weight"]
    assert isinstance(found, Varied)
    return found


class Chip:
    """The cells of one layer on one chip, by number: n planes of +, n of -, added ones in turn, then extra cells.

    Args:
        code: what the bits are.
        slots: ``(plane, copy, column, host_plane, host_column)`` of every duplicate.
        planes: of an array, those that are added counted.
        places: where columns and rows stand.
        rewritten: (negative, plane, column, row) to what is written there instead.
        extra: what extra cells are written to.
        device, scheme, age, seed, name, chip: as they were deployed.
    """

    def __init__(
        self, code: PlaneCode, slots: Sequence[tuple[int, int, int, int, int]], planes: int, *,
        places: tuple[Sequence[int], Sequence[int]], rewritten: dict[tuple[int, int, int, int], int],
        extra: Sequence[float], device: Device, scheme: Scheme, age: float, seed: int, name: str, chip: int,
    ) -> None:  # fmt: skip
        self.code, self.places = code, places
        shape, dim = code.geometry.shape, code.geometry.channel_dim
        self.stands: dict[Line, tuple[int, int]] = {
            (b, 0, c): (b, places[0][c]) for b in range(code.bits) for c in range(code.geometry.columns)
        }
        self.stands |= {(b, k, c): (p, h) for b, k, c, p, h in slots}
        self.number: dict[tuple[int, int, int, int], int] = {}  # host plane, negative, column, row
        for array in range(2 * planes):
            added = array - 2 * code.bits
            plane, negative = (
                (code.bits + added // 2, added % 2) if added >= 0 else (array % code.bits, array // code.bits)
            )
            for i, index in enumerate(np.ndindex(*shape)):
                others = [d for d in range(len(shape)) if d != dim]
                row = int(np.ravel_multi_index([index[d] for d in others], [shape[d] for d in others])) if others else 0
                self.number[plane, negative, index[dim], row] = array * prod(shape) + i
        levels = [0.0] * len(self.number) + list(extra)
        for copy in range(1 + max(k for _, k, _ in self.stands)):  # duplicates over what is pruned
            for (b, k, c), (p, h) in self.stands.items():
                for negative in (0, 1):
                    for r in range(code.geometry.rows) if k == copy else ():
                        value = int(code.integers[c, r])
                        bit = abs(value) >> b & 1 if (value < 0) == bool(negative) else 0
                        bit = rewritten.get((negative, b, c, r), bit ^ int(code.flipped[b]))
                        levels[self.number[p, negative, h, places[1][r]]] = float(bit)
        self.level = np.array(levels)
        draws = Draws(seed, name, torch.tensor([chip]), (len(levels),), torch.device("cpu"))
        written = scheme.write(device, torch.tensor(levels), draws, age)
        self.read = written.read[0].double().numpy()
        self.extra = list(range(len(self.number), len(levels)))

    def cell(self, plane: int, copy: int, negative: int, column: int, row: int) -> int:
        """The number of the cell that holds a bit."""
        there, host = self.stands[plane, copy, column]
        return self.number[there, negative, host, self.places[1][row]]

    def bits(self) -> Faults:
        """Every cell that is read as what it is read as, 0 or 1."""
        found = [
            (b, k, negative, c, r, int(self.read[self.cell(b, k, negative, c, r)] > 0.5))
            for b, k, c in self.stands
            if self.code.read_columns[c]
            for negative in (0, 1)
            for r in np.flatnonzero(self.code.read_rows).tolist()
        ]
        plane, copy, negative, column, row, stuck = np.array(found, np.int64).reshape(-1, 6).T
        extra = np.arange(len(self.extra))
        return Faults(
            plane, copy, negative.astype(bool), column, row, stuck, extra, (self.read[self.extra] > 0.5).astype(int)
        )

    def output(
        self, x: Floats, tile: int, taken: Callable[[int, int, list[float]], float], copies: Sequence[int]
    ) -> Floats:
        """``(columns,)`` what the arrays add up for inputs ``x``.

        Args:
            x: ``(rows,)``.
            tile: rows after which candidates are decided on.
            taken: ``(plane, column, candidates) -> `` what is computed with.
            copies: of every plane.
        """
        code = self.code
        out = np.zeros(code.geometry.columns)
        for c in np.flatnonzero(code.read_columns).tolist():
            for b in range(code.bits):
                for first in range(0, code.geometry.rows, tile):
                    candidates = []
                    for k in range(copies[b]):
                        current = 0.0
                        for r in range(first, min(code.geometry.rows, first + tile)):
                            if code.read_rows[r]:
                                plus, minus = (self.read[self.cell(b, k, negative, c, r)] for negative in (0, 1))
                                current += float(x[r]) * (plus - minus)
                        candidates.append(-current if code.flipped[b] else current)
                    out[c] += 2.0**b * taken(b, c, candidates)
        return out * code.gain
