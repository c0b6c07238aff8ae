"""What every redundancy must satisfy."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from itertools import product
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mho.devices import LevelGaussian, Stack, StuckAt
from mho.errors import SpecError
from mho.mapping import BitPlanes
from mho.mapping.plane_code import Ints
from mho.memory.deployment import Chips, deploy
from mho.memory.placing import layouts
from mho.memory.redundancy import Faults, Layout, Redundancy, Resolved, Votes
from mho.memory.spec import Memory
from mho.testing.claims import check_spec, say

SHAPES = ((6, 10), (9, 3), (1, 1))
"""Columns and rows of the layers that are tried; some columns and rows of each are pruned."""
FLIPS: tuple[Literal["none", "msb", "all"], ...] = ("none", "msb", "all")
RATES = (1e-3, 0.05, 0.5, 1.0)
"""Shares of stuck cells."""


def check_redundancy(redundancy: Redundancy, *, bits: int = 8, chips: int = 5) -> None:
    """Raise unless a redundancy behaves as the rest of the package expects.

    It must be a spec with a YAML transcript; say of every plane how often it is stored, and of every layer how many
    cells it takes besides; leave weights exactly as they are where no cell is stuck, or stuck at what it holds; make
    of a chip the same whatever chips came before, and of one stuck cell no more harm than it does unguarded; at any
    share of stuck cells, give weights that the arrays could hold, in columns and rows that are read; and say
    :attr:`~mho.memory.redundancy.Redundancy.votes` if, and only if, something is put to a vote. Whether it helps where
    many cells are stuck is no matter of conformance: :func:`mho.evaluate` says.

    Args:
        redundancy: what more cells are for.
        bits: planes that it is tried on.
        chips: of every layer, flip and share of stuck cells.

    Raises:
        AssertionError: one line that says what is wrong.
    """
    check_spec(redundancy, Redundancy, "redundancy")
    _counts(redundancy, bits)
    for shape, flip in product(SHAPES, FLIPS):
        mapping = BitPlanes(bits=bits, flip=flip)
        deployed = deploy(_layer(shape), Memory(device=StuckAt(sa0=0, sa1=0), mapping=mapping, redundancy=redundancy))
        layout = layouts(deployed.model, deployed.placements)["weight"]
        more = [redundancy.extra_cells(layout.code) for _ in range(2)]
        fine = type(more[0]) is int and more[0] >= 0 and more[0] == more[1]
        say(fine, f"extra_cells() is {more[0]!r}, then {more[1]!r}; it must be a number of cells that stays")
        sound = redundancy.resolve(layout.faults(StuckAt(sa0=0, sa1=0), 0, 0), layout.code, layout)
        _fits(redundancy, sound, layout)
        say(_harm(sound, layout) == 0, "weights are off although no cell is stuck")
        _exact(deployed)
        _resolves(redundancy, layout, chips)
        _one_by_one(redundancy, layout)
        _hardly_varied(deployed, chips)


def _counts(redundancy: Redundancy, bits: int) -> None:
    """Of any number of planes a count each, or a refusal."""
    for n in range(1, 16):
        try:
            copies = redundancy.plane_copies(n)
        except SpecError:
            say(n != bits, f"it refuses {bits} planes; give check_redundancy the bits= that it takes")
            continue
        fits = isinstance(copies, tuple) and len(copies) == n and all(type(c) is int and c >= 1 for c in copies)
        say(fits, f"plane_copies({n}) is {copies!r}, not {n} numbers of 1 or more")
    say(bool(redundancy.label), "its label is empty")


def _exact(deployed: Chips) -> None:
    """Where no cell can be stuck, chips are the network on noiseless cells, bit for bit."""
    ideal, chip = deployed.ideal(), deployed.chip(1)
    same = torch.equal(chip.get_parameter("weight"), ideal.get_parameter("weight"))
    x = torch.eye(ideal.get_parameter("weight").shape[1])
    say(same and torch.equal(chip(x), ideal(x)), "chips are off although the rate of stuck cells is 0")


def _hardly_varied(deployed: Chips, chips: int) -> None:
    """Where cells vary too, but by next to nothing, chips are those on which they are only stuck."""
    memory, stuck = deployed.rules["*"], StuckAt.at_rate(0.05)
    assert memory is not None
    both = Stack(stages=(LevelGaussian(sigma=1e-7), stuck))
    alone, varied = (deploy(deployed.model, memory.replace(device=device)) for device in (stuck, both))
    x = torch.eye(deployed.model.get_parameter("weight").shape[1])
    for chip in range(chips):
        one, other = alone.chip(chip)(x), varied.chip(chip)(x)
        far = float((one - other).abs().max() / x.new_ones(()).max(one.abs().max()))
        say(
            far <= 1e-4,
            f"stuck cells do something else where cells vary by next to nothing: an output is off by {far:.3g}",
        )


def _resolves(redundancy: Redundancy, layout: Layout, chips: int) -> None:
    cases = [layout.faults(StuckAt.at_rate(rate), 0, chip) for rate in RATES for chip in range(chips)]
    first = []
    for faults in cases:
        before, integers = deepcopy(vars(faults)), layout.code.integers.copy()
        first.append(redundancy.resolve(faults, layout.code, layout))
        whole = all(np.array_equal(before[name], value) for name, value in vars(faults).items())
        whole = whole and np.array_equal(integers, layout.code.integers)
        say(whole, "resolve() changes what it is given in place")
        _fits(redundancy, first[-1], layout)
    for faults, was in reversed(list(zip(cases, first, strict=True))):
        again = redundancy.resolve(faults, layout.code, layout)
        same = all(np.array_equal(a, b) for a, b in zip(_arrays(was), _arrays(again), strict=True))
        say(same, "the same stuck cells come out otherwise once other chips were resolved")
        harmless = redundancy.resolve(_harmless(faults, layout), layout.code, layout)
        say(_harm(harmless, layout) == 0, "cells that are stuck at what they hold move a weight")


def _fits(redundancy: Redundancy, found: Resolved, layout: Layout) -> None:
    """The weights are some that the arrays could hold, and only those that are read are off."""
    code, votes = layout.code, found.votes
    say(len(found.column) == len(found.row) == len(found.steps), "column, row and steps have different lengths")
    _reads(found.column, code.read_columns, "column")
    _reads(found.row, code.read_rows, "row")
    said = "votes is True, but resolve() puts nothing to a vote" if redundancy.votes else "votes is False, but it votes"
    say((votes is not None) == redundancy.votes, said)
    if votes is not None:
        _reads(votes.column, code.read_columns, "column")
        _reads(votes.row, code.read_rows, "row")
        _counted(votes)
    held = np.abs(code.integers + _matrix(found, layout))
    top = (1 << code.bits) - 1
    say(bool((held <= top + 1e-6).all()), f"a weight becomes {held.max():g} steps; {code.bits} planes hold {top}")


def _reads(where: Ints, read: NDArray[np.bool_], which: str) -> None:
    inside = bool(((where >= 0) & (where < len(read))).all())
    say(inside, f"a weight is off in a {which} that the layer does not have")
    say(bool(read[where].all()), f"a weight is off in a {which} that is not read")


def _counted(votes: Votes) -> None:
    ends = votes.starts
    ordered = len(ends) == len(votes) * votes.copies + 1 and ends[0] == 0 and bool((np.diff(ends) >= 0).all())
    say(ordered and ends[-1] == len(votes.row) == len(votes.sign), "starts of Votes do not count its errors")
    say(votes.copies % 2 == 1, f"a vote of {votes.copies} may be a tie")
    say(bool((np.abs(votes.sign) == 1).all()), "an error that is voted on is neither +1 nor -1")


def _one_by_one(redundancy: Redundancy, layout: Layout) -> None:
    """Every cell of the planes themselves, stuck alone at what it does not hold."""
    code = layout.code
    for faults in _each(layout):
        error = faults.errors(code)
        bare = float((np.abs(error.steps) * code.gain[error.column]).sum())
        left = _harm(redundancy.resolve(faults, code, layout), layout)
        where = f"plane {int(faults.plane[0])}"
        say(left <= bare * (1 + 1e-6), f"one stuck cell in {where} does {left / bare:.3g} times its harm unguarded")


def _each(layout: Layout) -> Iterator[Faults]:
    code = layout.code
    axes = (np.arange(code.bits), (False, True), np.flatnonzero(code.read_columns), np.flatnonzero(code.read_rows))
    plane, negative, column, row = (a.ravel() for a in np.meshgrid(*axes, indexing="ij"))
    negative = negative.astype(bool)
    wrong = 1 - code.stored(plane, negative, column, row)
    every = Faults(plane, np.zeros_like(plane), negative, column, row, wrong)
    for i in range(0, len(every), max(1, len(every) // 64)):  # as many as take no time
        yield every.where(np.arange(len(every)) == i)


def _harmless(faults: Faults, layout: Layout) -> Faults:
    """Those stuck at what they hold, if nothing is moved; what extra cells hold only the redundancy knows."""
    stored = layout.code.stored(faults.plane, faults.negative, faults.column, faults.row)
    none = np.empty(0, np.int64)
    return replace(faults.where(stored == faults.stuck), extra=none, extra_stuck=none)


def _harm(found: Resolved, layout: Layout) -> float:
    """By how much weights are off in all, errors that are voted on counted as if the vote were lost."""
    gain = layout.code.gain.astype(np.float64)
    total = float((np.abs(_matrix(found, layout)) * gain[:, None]).sum())
    votes = found.votes
    if votes is None or not len(votes):
        return total
    errors = np.diff(votes.starts).reshape(len(votes), votes.copies).sum(axis=1)
    return total + float((errors * votes.scale * gain[votes.column]).sum())


def _matrix(found: Resolved, layout: Layout) -> NDArray[np.float64]:
    """``(columns, rows)`` steps by which weights are off."""
    out = np.zeros(layout.code.integers.shape)
    np.add.at(out, (found.column, found.row), found.steps)
    return out


def _arrays(found: Resolved) -> list[NDArray[Any]]:
    parts: list[NDArray[Any]] = [found.column, found.row, found.steps]
    if found.votes is not None:
        parts += [np.asarray(getattr(found.votes, f.name)) for f in fields(found.votes)]
    return parts


def _layer(shape: tuple[int, int]) -> nn.Linear:
    """A linear layer with weights of which some columns and rows are zero, the first of each never."""
    columns, rows = shape
    draws = torch.Generator().manual_seed(columns)
    layer = nn.Linear(rows, columns, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(shape, generator=draws))
        layer.weight[2::3] = 0
        layer.weight[:, 3::4] = 0
    return layer
