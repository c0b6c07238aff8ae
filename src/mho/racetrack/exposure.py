"""How much a nanowire has been exposed to faults: the one number on which track length, rate and age act together."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from mho.devices.nanowires import Nanowires
from mho.devices.racetrack import Racetrack
from mho.errors import ModelError, SpecError
from mho.mapping.tracks import Tracks
from mho.memory import Memory
from mho.memory.deployment import Chips, Placement

EXPOSURES = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Expected faults of a nanowire: from where no network notices to where every nanowire has moved."""

NOT_ON_NANOWIRES = "no layer is on nanowires; deploy on Memory(device=Racetrack(...), mapping=Tracks(...))"


def on_tracks(memory: Memory) -> tuple[Racetrack, Tracks]:
    """The racetrack and the tracks of ``memory``.

    Raises:
        SpecError: it is another device or mapping.
    """
    device, mapping = memory.device, memory.mapping
    if not isinstance(device, Racetrack):
        raise SpecError(
            f"Memory: device={type(device).__name__}(...) takes no position code, and no shift faults of its count as "
            "exposure; give device=mho.devices.Racetrack(...)"
        ).at("device")
    if not isinstance(mapping, Tracks):
        raise SpecError(
            f"Memory: mapping={type(mapping).__name__}(...) has no tracks; give mapping=mho.mapping.Tracks(bits=64)"
        ).at("mapping")
    return device, mapping


@lru_cache(maxsize=1024)
def longest(mapping: Tracks, shape: tuple[int, ...]) -> Nanowires:
    """The longest nanowire of a weight tensor, alone.

    Args:
        mapping: weights to tracks.
        shape: of the weight tensor, output channels first.
    """
    # Only where weights lie counts, so that they need not be there.
    wires = mapping.nanowires(torch.zeros(()).expand(shape))
    return replace(
        wires,
        starts=np.array([0, wires.lengths.max(initial=1)]),
        places=np.empty(0, np.int64),
        shifts=np.array([wires.most], np.int32),
        planes=np.zeros(1, np.int8),
    )


def exposure_of(memory: Memory, shape: tuple[int, ...]) -> float:
    """``passes x shifts x rate``: expected faults of the longest nanowire of a weight tensor in one inference.

    Args:
        memory: a racetrack and its tracks.
        shape: of the weight tensor, output channels first.
    """
    device, mapping = on_tracks(memory)
    return float(device.exposure(longest(mapping, shape))[0])


def ages(wanted: tuple[float, ...], each: float) -> list[int]:
    """Whole inferences, at least one, at which the exposure is closest to each of those ``wanted``.

    Args:
        wanted: exposures, ascending.
        each: exposure of one inference; 0 (a nanowire of one bit is never shifted) leaves the layer as it is.
    """
    return [max(1, round(w / each)) if each > 0 else 0 for w in wanted]


def check_exposures(exposures: object) -> tuple[float, ...]:
    """``exposures`` ascending, the defaults if ``None``.

    Raises:
        SpecError: one is not a finite number above zero.
    """
    if exposures is None:
        return EXPOSURES
    try:
        found = sorted(float(e) for e in exposures)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise SpecError(
            f"exposures={exposures!r} must be a list of expected faults per nanowire, such as (0.1, 1)"
        ) from None
    if not found or not all(0 < e < math.inf for e in found):
        raise SpecError(f"exposures={exposures!r} must be more than zero and finite, and one at least")
    return tuple(found)


def check_shared(chips: Chips, known: dict[str, str]) -> Memory:
    """The one memory that all layers on tracks share.

    Raises:
        ModelError: no layer is on tracks.
        SpecError: layers are on different memories.
    """
    placements: list[Placement] = [chips.placements[name] for name in known.values()]
    if not placements:
        raise ModelError(NOT_ON_NANOWIRES)
    memories = {p.memory for p in placements}
    rates = [max(on_tracks(memory)[0].rates) for memory in memories]
    if len(memories) > 1:
        raise SpecError("layers are on different racetrack memories; compare layers on one memory")
    if max(rates) == 0:
        raise SpecError("Racetrack: fault_rate=0: nothing ever moves, so no layer can be told from another")
    return next(iter(memories))
