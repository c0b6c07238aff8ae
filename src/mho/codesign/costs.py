"""What measures cost: once for the network, once for every chip, and at every inference."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mho.evaluation.writing import Writing
from mho.memory.spec import Memory, NameRules
from mho.programming import OpenLoop, Selective

COSTS = {
    "write_cycles": "write cycles",
    "write_seconds": "writing",
    "write_joules": "J writing",
    "cells": "cells",
    "training_seconds": "training",
    "latency": "latency",
}
"""Name of every cost that is a number to what tables call it."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What one combination of measures takes.

    Attributes:
        write_cycles: to program one chip, on average.
        write_seconds: the time of that, cell after cell; ``None`` where no time of a cycle is known.
        write_joules: its energy; likewise.
        cells: of one chip, duplicates and check bits included.
        training_seconds: to train the network, once, on the machine that did; 0 for one that was given.
        latency: time of one pass over the memory, over that of the memory without protection.
        periphery: what else has to be built or done, in words; of its area and energy nothing is known here.
    """

    write_cycles: float
    write_seconds: float | None
    write_joules: float | None
    cells: int
    training_seconds: float
    latency: float
    periphery: tuple[str, ...] = ()

    @classmethod
    def of(cls, memory: Memory | NameRules, writing: Writing, network: bytes) -> Costs:
        """The costs of a network, as the store keeps it, on a memory."""
        memories = [memory] if isinstance(memory, Memory) else [m for m in memory.rules.values() if m is not None]
        return cls(
            write_cycles=writing.cycles[0],
            write_seconds=None if writing.seconds is None else writing.seconds[0],
            write_joules=None if writing.joules is None else writing.joules[0],
            cells=writing.cells,
            training_seconds=_seconds(network),
            latency=_latency(memory, memories, network),
            periphery=tuple(dict.fromkeys(word for m in memories for word in _periphery(m))),
        )

    def number(self, name: str) -> float:
        """The cost called ``name``; infinite where it is not known, so that nobody takes it for cheap."""
        value = getattr(self, name)
        return float("inf") if value is None else float(value)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"periphery": list(self.periphery)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Costs:
        """What :meth:`to_dict` wrote."""
        return cls(**{**data, "periphery": tuple(data["periphery"])})


def _seconds(content: bytes) -> float:
    """How long a network of the store was trained, as its file says."""
    size = int.from_bytes(content[:8], "little")
    said = json.loads(content[8 : 8 + size]).get("__metadata__", {}).get("mho.metadata", "{}")
    found = json.loads(said)
    # A network that studies trained before they wrote it down took nobody knows how long.
    return float(found.get("seconds", math.inf if "study" in found else 0.0))


def _latency(memory: Memory | NameRules, memories: list[Memory], network: bytes) -> float:
    """Of racetracks, detection and correction of position errors; columns of arrays are read at once, copies too."""
    if all(getattr(m.device, "correction", None) is None for m in memories):
        return 1.0
    from mho.memory import deploy
    from mho.racetrack import overhead
    from mho.zoo import unpack

    # How cells are written is no part of reading them, and rankings would need data.
    rules = {"*": memory} if isinstance(memory, Memory) else dict(memory.rules)
    once = {p: None if m is None else m.replace(programming=OpenLoop()) for p, m in rules.items()}
    return 1.0 + overhead(deploy(unpack(network), once)).fraction


def _periphery(memory: Memory) -> list[str]:
    out = []
    scheme, redundancy = memory.programming, memory.redundancy
    if scheme.verifies:
        some = isinstance(scheme, Selective)
        out.append("a read after every write" + (" of the selected cells" if some else ""))
    if redundancy is not None:
        out.append(redundancy.label)
        if redundancy.known_map:
            out.append("a map of the faults of every chip (march test)")
        if redundancy.digital:
            out.append("cells read one by one, and products computed elsewhere")
    code = getattr(memory.device, "correction", None)
    if code is not None:
        out.append(f"position errors found and put right ({code.name})")
    flip = getattr(memory.mapping, "flip", "none")
    if flip not in (None, "none"):
        out.append("flipped planes subtracted from the sum of the inputs")
    return out
