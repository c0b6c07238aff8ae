"""The samples of experiments: addressed, so that every algorithm and every number of chips sees the same."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mho.analog.experiments.settings import Inputs
from mho.rng import Draws

BLOCK = 1000
"""Samples that are drawn at a time; part of their address."""


def stream(seed: int, purpose: str, chips: Tensor, size: int, samples: int, law: Inputs = "normal") -> Iterator[Tensor]:
    """Vectors for every chip, block by block.

    Args:
        seed: of the experiment.
        purpose: what the vectors are, such as ``"inputs"``.
        chips: ``(chips,)`` int64 chip numbers.
        size: entries of a vector.
        samples: how many vectors; fewer are the first ones of more.
        law: standard "normal", or "uniform" on [-1, 1].

    Yields:
        ``(chips, n, size)`` float32, n at most :data:`BLOCK`.
    """
    for block in range(-(-samples // BLOCK)):
        draws = Draws(
            seed=seed, layer="experiment", chips=chips, shape=(BLOCK, size), device=torch.device("cpu"), cycle=block + 1
        )
        normal = law == "normal"
        vectors = draws.normal(purpose) if normal else (draws.bits(purpose).double() / 2**31 - 1).float()
        yield vectors[:, : min(BLOCK, samples - block * BLOCK)]


def targets(seed: int, chips: Tensor, size: int, std: float) -> Tensor:
    """The weights that are to be programmed, normal with ``std``: ``(chips, size, size)`` float32."""
    shape = (size, size)
    draws = Draws(seed=seed, layer="experiment", chips=chips, shape=shape, device=torch.device("cpu"))
    return std * draws.normal("targets")
