"""Medians of sparse products, added to outputs: the vote over duplicated planes.

For every token and group: T sums of a few inputs with signs, and ``scale`` times their median goes to one output. The
clean product, which all candidates share, has been added before (a median moves with it), so that the work is in
proportion to errors, not to weights.

What is voted on comes packed in one int32 tensor: groups G, copies T, errors E; ``(G,)`` columns; ``(G,)`` scales, the
bits of float32; ``(G T + 1,)`` starts; ``(E,)`` twice the row, plus 1 for a minus sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.kernels.compiled import compiled
from mho.kernels.threads import in_parts

HEADER = 3
BLOCK = 32
"""Tokens that are looked at together."""
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
    """Blocks ``first`` to ``last`` of tokens: their inputs stay in cache, and the loops over them vectorise."""
    sums = np.empty((copies, BLOCK), x.dtype)
    for block in range(first, last):
        begin = block * BLOCK
        n = min(BLOCK, len(x) - begin)
        for g in range(len(column)):
            for k in range(copies):
                for t in range(n):
                    sums[k, t] = 0
                for e in range(starts[g * copies + k], starts[g * copies + k + 1]):
                    row = entries[e] >> 1
                    if entries[e] & 1:
                        for t in range(n):
                            sums[k, t] -= x[begin + t, row]
                    else:
                        for t in range(n):
                            sums[k, t] += x[begin + t, row]
            c, size = column[g], scale[g]
            if copies == 3:
                for t in range(n):
                    low, high = min(sums[0, t], sums[1, t]), max(sums[0, t], sums[1, t])
                    out[begin + t, c] += size * max(low, min(high, sums[2, t]))
                continue
            for t in range(n):
                for i in range(1, copies):
                    value, j = sums[i, t], i
                    while j > 0 and sums[j - 1, t] > value:
                        sums[j, t] = sums[j - 1, t]
                        j -= 1
                    sums[j, t] = value
                out[begin + t, c] += size * sums[copies // 2, t]


def add_votes(out: Tensor, x: Tensor, packed: Tensor) -> Tensor:
    """``out`` plus what the votes add; in place where no gradient is asked for.

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
    plain = x.device.type == "cpu" and not (x.requires_grad or out.requires_grad)
    same = out.dtype == x.dtype and x.dtype in (torch.float32, torch.float64)
    if plain and same and share < DENSE and out.is_contiguous():
        flat, work = out.view(-1, out.shape[-1]).numpy(), len(tokens) * (len(entries) + len(column))
        in_parts(
            _add,
            -(-len(tokens) // BLOCK),
            work,
            flat,
            tokens.contiguous().numpy(),
            copies,
            column,
            scale,
            starts,
            entries,
        )
        return out
    signs = torch.from_numpy(1.0 - 2.0 * (entries & 1)).to(x)
    at = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    where = (at % copies * len(column) + at // copies) * rows + (entries >> 1)
    products = torch.zeros(copies * len(column) * rows, dtype=x.dtype, device=x.device)
    products.index_add_(0, torch.from_numpy(where).to(x.device), signs)
    middle = median([tokens @ one.T for one in products.view(copies, -1, rows)])
    added = middle * torch.from_numpy(scale.copy()).to(x)
    to = torch.from_numpy(column.astype(np.int64)).to(x.device)
    return out.reshape(-1, out.shape[-1]).index_add(1, to, added.to(out.dtype)).view(out.shape)


def median(candidates: Sequence[Tensor]) -> Tensor:
    """The middle one of an odd number of tensors, element by element."""
    if len(candidates) == 3:  # some ten times faster than sorting
        a, b, c = candidates
        return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))
    return torch.stack(list(candidates)).median(0).values
