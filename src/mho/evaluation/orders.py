"""Which images a chip sees first: an order of the test set for every chip, addressed like all that is random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mho.rng import stream_key

CELLS = 2**23
"""Entries of the shuffled table that are held at once."""


def image_orders(seed: int, chips: Sequence[int], m: int, images: int) -> NDArray[np.int64]:
    """The first ``m`` entries of every chip's own order of the images.

    Step i of a Fisher-Yates shuffle of ``range(images)`` swaps entry i with entry ``i + floor(u_i (images - i))``,
    where ``u_i`` has 64 bits (words 2i and 2i + 1 of the chip's Philox stream ``"images"``): of two images none is
    preferred by more than ``images / 2^64``. An order depends on (seed, chip) and not on sigma, age or device, so that
    populations are compared on the same images. The first m of a longer order are the order of m.

    Args:
        seed: seed of the deployment.
        chips: chip numbers.
        m: how many images.
        images: size of the test set.

    Returns:
        ``(chips, m)``, a row without repetition for every chip.
    """
    rows = max(1, CELLS // images)
    parts = [_shuffled(seed, chips[i : i + rows], m, images) for i in range(0, len(chips), rows)]
    return np.concatenate(parts) if parts else np.empty((0, m), np.int64)


def remaining(orders: NDArray[np.int64], images: int) -> NDArray[np.int64]:
    """``(chips, images - m)``: the images that are in no row of ``orders`` ``(chips, m)``, row by row, ascending."""
    missing = np.ones((len(orders), images), bool)
    np.put_along_axis(missing, orders, False, axis=1)
    return np.nonzero(missing)[1].reshape(len(orders), images - orders.shape[1])


def _shuffled(seed: int, chips: Sequence[int], m: int, images: int) -> NDArray[np.int64]:
    import torch

    from mho import kernels

    words = torch.empty(len(chips), 2 * m, dtype=torch.int64)
    kernels.fill_bits(words, stream_key(seed, "images"), torch.tensor(list(chips), dtype=torch.int64))
    pairs = words.numpy().astype(np.uint64).reshape(len(chips), m, 2)
    left = np.arange(images, images - m, -1).astype(np.uint64)
    # floor(u left) of a 64-bit fraction u, exactly: the products of both halves stay below 2^64 (left < 2^32).
    picks = (pairs[..., 0] * left + ((pairs[..., 1] * left) >> np.uint64(32))) >> np.uint64(32)
    picks = np.ascontiguousarray((picks.astype(np.int64) + np.arange(m)).T)
    # One image a line, chips side by side: a step of the shuffle reads and writes whole lines.
    table = np.repeat(np.arange(images, dtype=np.int32)[:, None], len(chips), axis=1)
    column = np.arange(len(chips))
    for i in range(m):
        chosen = table[picks[i], column]
        table[picks[i], column] = table[i]
        table[i] = chosen
    return table[:m].T.astype(np.int64)
