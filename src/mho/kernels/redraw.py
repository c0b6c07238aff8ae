"""Redraw Gaussian cells until they are near enough: compiled by numba on the CPU, the same numbers in plain torch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import torch
from torch import Tensor

from mho.kernels import reference

Key = tuple[int, int]


def redraw(
    read: Tensor,
    cycles: Tensor,
    level: Tensor,
    mean: Tensor,
    std: Tensor,
    *,
    keys: Sequence[Key],
    chips: Tensor,
    chosen: Tensor | None,
    tolerance: float,
) -> Tensor:
    """Write every cell that is off by more than ``tolerance`` again, as often as there are keys.

    Args:
        read: ``(chips, n)`` float32, what a first write left; overwritten.
        cycles: ``(chips, n)`` int32 ones; overwritten with the writes that each cell took.
        level: ``(n,)`` float32 targets.
        mean: ``(n,)`` float32, of what a write leaves.
        std: ``(n,)`` float32, likewise.
        keys: of the second write, the third, ...
        chips: ``(chips,)`` int64 chip numbers.
        chosen: ``(n,)`` bool: cells that are verified; ``None`` for all.
        tolerance: largest error that is accepted.

    Returns:
        ``(chips, n)`` bool: cells that are still off.
    """
    run = in_torch
    if read.device.type == "cpu":
        with suppress(ImportError):  # numba is a dependency; source checkouts may run without it
            from mho.kernels.cpu_redraw import redraw as run
    return run(read, cycles, level, mean, std, keys, chips, chosen, tolerance)


def in_torch(
    read: Tensor,
    cycles: Tensor,
    level: Tensor,
    mean: Tensor,
    std: Tensor,
    keys: Sequence[Key],
    chips: Tensor,
    chosen: Tensor | None,
    tolerance: float,
) -> Tensor:
    """As :func:`redraw`, cycle by cycle over the cells that are still off."""
    n = len(level)
    pending = (read - level).abs() > tolerance
    if chosen is not None:
        pending &= chosen
    at = pending.flatten().nonzero()[:, 0]
    chip, element = chips.to(at.device)[at.div(n, rounding_mode="floor")], at.remainder(n)
    for cycle, key in enumerate(keys, 2):
        if not len(at):
            break
        back = mean[element] + std[element] * reference.normals_at(key, chip, element)
        read.view(-1)[at] = back
        cycles.view(-1)[at] = cycle
        still = (back - level[element]).abs() > tolerance
        at, chip, element = at[still], chip[still], element[still]
    failed = torch.zeros(read.shape, dtype=torch.bool, device=read.device)
    failed.view(-1)[at] = True
    return failed
