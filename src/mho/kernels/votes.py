"""Medians of sparse products, added to outputs: the vote over duplicated planes.

For every token and group: T sums of a few inputs with signs, and ``scale`` times their median goes to one output. The
clean product, which all candidates share, has been added before (a median moves with it), so that the work is in
proportion to errors, not to weights.

What is voted on comes packed in one int32 tensor: groups G, copies T, errors E; ``(G,)`` columns; ``(G,)`` scales, the
bits of float32; ``(G T + 1,)`` starts; ``(E,)`` twice the row, plus 1 for a minus sign.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.kernels.compiled import compiled
from mho.kernels.threads import in_parts

HEADER = 3
DENSE = 0.02
"""Errors a place in a group's column from which on a dense product of the groups' columns is faster."""


def pack(
    copies: int, column: NDArray[np.int64], scale: NDArray[np.float32], starts: NDArray[np.int64],
    row: NDArray[np.int64], sign: NDArray[np.int64],
) -> NDArray[np.int32]:  # fmt: skip
    """The parts of a vote in one array; see above."""
    entries = 2 * row + (sign < 0)
    header = [len(column), copies, len(row)]
    parts = [header, column, scale.astype(np.float32).view(np.int32), starts, entries]
    return np.concatenate([np.asarray(part).astype(np.int32) for part in parts])


def unpack(
    packed: NDArray[np.int32],
) -> tuple[int, NDArray[np.int32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Copies, columns, scales, starts and entries of what :func:`pack` packed, padding ignored."""
    groups, copies, errors = (int(n) for n in packed[:HEADER])
    cuts = np.cumsum([HEADER, groups, groups, groups * copies + 1, errors])
    column, scale, starts, entries = (packed[a:b] for a, b in pairwise(cuts))
    return copies, column, scale.view(np.float32), starts, entries


@compiled
def _add(out, x, copies, column, scale, starts, entries, first, last):  # type: ignore[no-untyped-def]
    sums = np.empty(copies, x.dtype)
    for t in range(first, last):
        for g in range(len(column)):
            for k in range(copies):
                total = x.dtype.type(0)
                for e in range(starts[g * copies + k], starts[g * copies + k + 1]):
                    value = x[t, entries[e] >> 1]
                    total = total - value if entries[e] & 1 else total + value
                sums[k] = total
            for i in range(1, copies):  # insertion sort: there are three, rarely more
                value, j = sums[i], i
                while j > 0 and sums[j - 1] > value:
                    sums[j] = sums[j - 1]
                    j -= 1
                sums[j] = value
            out[t, column[g]] += scale[g] * sums[copies // 2]


def add_votes(out: Tensor, x: Tensor, packed: Tensor) -> Tensor:
    """``out`` plus what the votes add, a new tensor unless nothing is added.

    Args:
        out: ``(..., columns)`` products without the errors of what is voted on.
        x: ``(..., rows)`` inputs.
        packed: of :func:`pack`, int32.
    """
    copies, column, scale, starts, entries = unpack(packed.cpu().numpy())
    if not len(column):
        return out
    rows = x.shape[-1]
    tokens = x.reshape(-1, rows)
    share = len(entries) / (len(column) * copies * rows)
    plain = x.device.type == "cpu" and not x.requires_grad and x.dtype in (torch.float32, torch.float64)
    if plain and out.dtype == x.dtype and share < DENSE:
        result = out.reshape(-1, out.shape[-1]).clone()
        work = len(tokens) * (len(entries) + len(column))
        in_parts(
            _add, len(tokens), work, result.numpy(), tokens.contiguous().numpy(), copies, column, scale, starts, entries
        )
        return result.view(out.shape)
    signs = torch.from_numpy(1.0 - 2.0 * (entries & 1)).to(x)
    where = np.repeat(np.arange(len(starts) - 1), np.diff(starts)).astype(np.int64) * rows + (entries >> 1)
    products = torch.zeros((len(starts) - 1) * rows, dtype=x.dtype, device=x.device)
    products.index_add_(0, torch.from_numpy(where).to(x.device), signs)
    candidates = (tokens @ products.view(-1, rows).T).view(len(tokens), -1, copies)
    added = candidates.median(-1).values * torch.from_numpy(scale.copy()).to(x)
    flat = out.reshape(-1, out.shape[-1])
    at = torch.from_numpy(column.astype(np.int64)).to(x.device)
    return flat.index_add(1, at, added.to(out.dtype)).view(out.shape)
