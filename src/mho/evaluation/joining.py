"""Results at single points put together into one with all its severities and ages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.result import Result
from mho.evaluation.sampled import Screening
from mho.evaluation.writing import Writing


def join(grid: Sequence[Sequence[Result]]) -> Result:
    """One result from results of one population each, ``grid[severity][age]``, all of the same question.

    Adaptive results may differ in how many chips they took: the shorter ones are filled with ``nan``.
    """
    first = grid[0][0]
    screenings = [[r.screening for r in line] for line in grid]
    assert all(r.sigma == line[0].sigma and len(r) == 1 for line in grid for r in line)
    return replace(
        first,
        values=_padded([[r.values for r in line] for line in grid], np.nan),
        ekl=None
        if first.ekl is None
        else _padded([[r.ekl for r in line if r.ekl is not None] for line in grid], np.nan),
        sigma=tuple(line[0].sigma[0] for line in grid),
        age=tuple(r.age[0] for r in grid[0]),
        screening=None if first.screening is None else _screening(screenings),
        writing=Writing.joined([line[0].writing for line in grid if line[0].writing is not None]),
    )


def _screening(grid: Sequence[Sequence[Screening | None]]) -> Screening:
    found = [[s for s in line if s is not None] for line in grid]

    def chips(name: str, fill: float = np.nan) -> NDArray[Any]:
        return _padded([[getattr(s, name) for s in line] for line in found], fill)

    return replace(
        found[0][0],
        first=chips("first"),
        low=chips("low"),
        high=chips("high"),
        images=chips("images", 0),
        look=np.array([[s.look[0, 0] for s in line] for line in found]),
        looks=tuple(tuple(s.looks[0][0] for s in line) for line in found),
        spent=sum(s.spent for line in found for s in line),
    )


def _padded(grid: Sequence[Sequence[NDArray[Any]]], fill: float) -> NDArray[Any]:
    """``(sigma, age, chip)`` from arrays ``(1, 1, chips)`` of several lengths."""
    chips = max(part.shape[2] for line in grid for part in line)
    out = np.full((len(grid), len(grid[0]), chips), fill, dtype=grid[0][0].dtype)
    for i, line in enumerate(grid):
        for j, part in enumerate(line):
            out[i, j, : part.shape[2]] = part[0, 0]
    return out
