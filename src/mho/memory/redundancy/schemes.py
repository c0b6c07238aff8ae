"""What may be done against stuck cells, by name: the paper's scheme, its parts, and others at the same cells."""

from __future__ import annotations

from mho.devices import StuckAt
from mho.errors import unknown
from mho.mapping.bit_planes import BitPlanes
from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.best_of import BestOf
from mho.memory.redundancy.closest import ClosestValue
from mho.memory.redundancy.ecc import ECC
from mho.memory.redundancy.majority import CellMajority
from mho.memory.redundancy.remapping import Remapping
from mho.memory.redundancy.voting import Voting
from mho.memory.spec import Memory

RATE = 1e-3
"""Share of stuck cells of the schemes as they are listed."""


def _scheme(mapping: BitPlanes, redundancy: Redundancy | None = None) -> Memory:
    return Memory(device=StuckAt.at_rate(RATE), mapping=mapping, redundancy=redundancy)


_NONE, _MSB, _ALL = BitPlanes(flip="none"), BitPlanes(flip="msb"), BitPlanes(flip="all")
_COLUMNS = BitPlanes(flip="none", granularity="channel")

SCHEMES: dict[str, Memory] = {
    "none": _scheme(_NONE),
    "flip": _scheme(_MSB),
    "flip-all": _scheme(_ALL),
    "flip-auto": _scheme(BitPlanes(flip="auto")),
    "vote": _scheme(_NONE, Voting()),
    "paper": _scheme(_MSB, Voting()),
    "mean": _scheme(_MSB, Voting(combine="mean")),
    "tiles": _scheme(_MSB, Voting(scope=128)),
    "cells": _scheme(_MSB, CellMajority()),
    "best-of-2": _scheme(_MSB, BestOf(copies=2, planes=2)),
    "best-of-3": _scheme(_MSB, BestOf(copies=3, planes=1)),
    "remap": _scheme(_MSB, Remapping()),
    "closest": _scheme(_NONE, ClosestValue()),
    "ecc": _scheme(_NONE, ECC()),
    "clip": _scheme(BitPlanes(flip="none", clip=6.0)),
    "channel": _scheme(_COLUMNS),
    "channel-flip-all": _scheme(_COLUMNS.replace(flip="all")),
    "channel-flip-all-remap": _scheme(_COLUMNS.replace(flip="all"), Remapping()),
    "channel-vote": _scheme(_COLUMNS.replace(flip="msb"), Voting()),
    "flip-all-vote": _scheme(_ALL, Voting()),
    "channel-flip-all-vote": _scheme(_COLUMNS.replace(flip="all"), Voting()),
}
"""Name to a memory at a rate of :data:`RATE`. "flip", "paper" and those around them flip the MSB plane alone."""

TITLES: dict[str, str] = {
    "none": "nothing",
    "flip": "MSB plane flipped",
    "flip-all": "all planes flipped",
    "flip-auto": "planes flipped where sparse",
    "vote": "vote of 3 MSB planes",
    "paper": "MSB flipped, vote of 3 (paper)",
    "mean": "MSB flipped, mean of 3",
    "tiles": "MSB flipped, vote of 3 a tile of 128 rows",
    "cells": "MSB flipped, majority of 3 cells",
    "best-of-2": "MSB flipped, better of 2 (two planes)",
    "best-of-3": "MSB flipped, best of 3",
    "remap": "MSB flipped, columns remapped",
    "closest": "closest value that stuck cells allow",
    "ecc": "SEC-DED code",
    "clip": "clipped at 6 sigma",
    "channel": "scale a column",
    "channel-flip-all": "scale a column, all flipped",
    "channel-flip-all-remap": "scale a column, all flipped, columns remapped",
    "channel-vote": "scale a column, MSB flipped, vote of 3",
    "flip-all-vote": "all flipped, vote of 3",
    "channel-flip-all-vote": "scale a column, all flipped, vote of 3",
}
"""Name to what tables call it; that some need a known map of faults, tables say beside."""


def scheme(name: str, rate: float) -> Memory:
    """The memory called ``name`` with so large a share of stuck cells.

    Args:
        name: one of :data:`SCHEMES`.
        rate: probability that a cell is stuck, SA0 : SA1 = 1.75 : 9.04.

    Raises:
        UnknownNameError: no scheme has this name.
    """
    if name not in SCHEMES:
        raise unknown("scheme", name, SCHEMES)
    return SCHEMES[name].replace(device=StuckAt.at_rate(rate))
