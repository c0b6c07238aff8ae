"""The measures that suit a memory, where a user names none."""

from __future__ import annotations

from typing import Any

from mho.devices.stack import only_stuck
from mho.mapping.bit_planes import BitPlanes
from mho.memory.spec import Memory, NameRules
from mho.programming import OpenLoop, Scheme, Selective, WriteVerify
from mho.studies.sources import Checkpoint, Trained

FRACTIONS = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)
TOLERANCE = 0.06
"""Of write-verify, as the published code of SWIM has it."""


def usual(model: Trained | Checkpoint, memory: Memory | NameRules) -> dict[str, Any]:
    """Axes of measures: training where the network is trained here, verification of cells that vary, redundancy
    against stuck cells, codes against position errors."""
    memories = [memory] if isinstance(memory, Memory) else [m for m in memory.rules.values() if m is not None]
    out: dict[str, Any] = {}
    if isinstance(model, Trained) and model.method is None and not any(m.device.slips for m in memories):
        out["model.method"] = training()
        if all(only_stuck(m.device) is not None for m in memories):
            # Noise of a strength to be found takes a device that has one, and fewer ways keep all of it in view.
            out["model.method"] = {name: out["model.method"][name] for name in ("plain training", "noise injection")}
    if any(m.device.slips for m in memories):
        return out | _codes(memory)
    varies = any(only_stuck(m.device) is None for m in memories)
    if varies and not any(m.programming.verifies for m in memories):
        out["memory.programming"] = programming(memories[0].programming)
    if isinstance(memory, Memory) and memory.redundancy is None:
        if not varies:
            out["memory.mapping"] = _planes(memory)
        if not varies or isinstance(memory.mapping, BitPlanes):
            out["memory.redundancy"] = _redundancy()
    return out


def training() -> dict[str, Any]:
    """Methods that make a network tolerant; noise is that of the memory."""
    from mho.training import IntermediateSnapshots, NoiseInjection, OrientedVariationalForward, SigmaSearch
    from mho.training.methods.right_censored import RightCensored

    return {
        "plain training": None,
        "noise injection": NoiseInjection(),
        "right-censored": RightCensored(sigma=SigmaSearch(narrowing="half")),
        "OVF": OrientedVariationalForward(beta=1e-3, graphs="all"),
        "IRS": IntermediateSnapshots(beta=1e-2),
    }


def programming(once: Scheme | None = None, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """Nothing verified (``once`` as it is), the weights that matter most, everything; a cycle costs the same."""
    once = OpenLoop() if once is None else once
    cycle = {name: getattr(once, name) for name in ("cycle_seconds", "cycle_joules")}
    verify = WriteVerify(tolerance=tolerance).replace(**cycle)
    some = {f"SWIM {f:.0%}": Selective(fraction=f, verify=verify) for f in FRACTIONS}
    return {"written once": once, **some, "all verified": verify}


def _planes(memory: Memory) -> dict[str, Any]:
    """The mapping as it is, and what scales and flips do."""
    own = memory.mapping
    planes = own if isinstance(own, BitPlanes) else BitPlanes(flip="none")
    flipped = planes.replace(flip="all", granularity="tensor")
    others = {"all planes flipped": flipped, "a scale a column, all flipped": flipped.replace(granularity="channel")}
    named = "planes as they are" if isinstance(own, BitPlanes) else "mapping as it is"
    return {named: own, **{name: mapping for name, mapping in others.items() if mapping != own}}


def _redundancy() -> dict[str, Any]:
    from mho.memory import redundancy

    return {
        "no copies": None,
        "vote of 3": redundancy.Voting(),
        "better of 2": redundancy.BestOf(copies=2, planes=2),
        "columns remapped": redundancy.Remapping(),
        "cells read one by one": redundancy.CellMajority(copies=1),
        "majority of 3 cells": redundancy.CellMajority(copies=3),
        "SEC-DED code": redundancy.ECC(),
    }


def _codes(memory: Memory | NameRules) -> dict[str, Any]:
    from mho.devices.position_codes import GROGU

    if not isinstance(memory, Memory) or getattr(memory.device, "correction", memory) is not None:
        return {}  # it has one already, or none suits the device
    return {"memory.device.correction": {"no code": None, "GROGU": GROGU()}}
