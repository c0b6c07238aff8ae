"""Redrawing on the CPU, compiled by numba: a cell at a time, until it is near enough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mho.kernels.compiled import compiled, philox
from mho.kernels.cpu import _box_muller, _f32, _u32
from mho.kernels.threads import in_parts

TILE = 4096
"""Cells that a thread takes at a time."""


@compiled
def _redraw(  # type: ignore[no-untyped-def]
    read, cycles, failed, level, mean, std, chosen, keys, chips, tolerance, first, last
):
    n = read.shape[1]
    tiles = (n + TILE - 1) // TILE
    every = chosen.shape[0] == 0
    for tile in range(first, last):
        row = tile // tiles
        start = (tile % tiles) * TILE
        low, high = _u32(chips[row]), _u32(chips[row] >> 32)
        for e in range(start, min(start + TILE, n)):
            target = level[e]
            if abs(read[row, e] - target) <= tolerance or not (every or chosen[e]):
                continue
            block, lane, near = e >> 2, e & 3, False
            for k in range(keys.shape[0]):
                x = philox(_u32(block), _u32(block >> 32), low, high, keys[k, 0], keys[k, 1])
                a, b = _box_muller(x[0], x[1]) if lane < 2 else _box_muller(x[2], x[3])
                back = mean[e] + std[e] * (b if lane & 1 else a)
                read[row, e] = back
                cycles[row, e] = k + 2
                if abs(back - target) <= tolerance:
                    near = True
                    break
            failed[row, e] = not near


def redraw(
    read: Tensor,
    cycles: Tensor,
    level: Tensor,
    mean: Tensor,
    std: Tensor,
    keys: Sequence[tuple[int, int]],
    chips: Tensor,
    chosen: Tensor | None,
    tolerance: float,
) -> Tensor:
    """As :func:`mho.kernels.redraw.in_torch`; everything contiguous, on the CPU."""
    failed = torch.zeros(read.shape, dtype=torch.bool)
    picked = np.empty(0, np.bool_) if chosen is None else chosen.numpy()
    words = np.array(keys, dtype=np.uint32).reshape(-1, 2)
    arrays = [t.numpy() for t in (read, cycles, failed, level, mean, std)]
    tiles = read.shape[0] * -(-read.shape[1] // TILE)
    in_parts(_redraw, tiles, read.numel(), *arrays, picked, words, chips.cpu().numpy(), _f32(tolerance))
    return failed
