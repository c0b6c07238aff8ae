"""Slow twins of :mod:`mho.evaluation.faults`: one curve, one population, one layer at a time."""

from __future__ import annotations

import math

import mho
from mho.devices import StuckAt


def crossing(rates, drops, most) -> float:
    """Largest rate up to which ``drops`` stay within ``most``: 0 where they never do, infinity where they always do."""
    last = None
    for rate, drop in zip(rates, drops, strict=True):
        if math.isnan(drop) or drop > most:
            if last is None:
                return 0.0
            if math.isnan(drop):
                return last[0]
            before, low = last[1], math.log(last[0])
            return math.exp(low + (most - before) / (drop - before) * (math.log(rate) - low))
        last = (rate, drop)
    return math.inf


def deployed_alone(model, layer, memory, rate, *, seed=0):
    """Chips with stuck cells in one layer: all others are on the same mapping with cells that never fail."""
    perfect = memory.replace(device=StuckAt(sa0=0.0, sa1=0.0))
    faulty = memory.replace(device=StuckAt.at_rate(rate))
    return mho.deploy(model, {layer: faulty, "*": perfect}, seed=seed)
