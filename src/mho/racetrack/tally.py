"""WHAT THE CIRCUITS SAW: shifts, position errors, and what became of them, expected and on every chip."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mho.devices.offsets import Offsets
from mho.devices.position_codes import PositionCode
from mho.devices.shift_law import Law
from mho.errors import SpecError
from mho.memory import Chips
from mho.memory.deployment import chip_numbers
from mho.racetrack.counting import Counting, StoredLayer, acted_upon, operations, outcomes, stored_layers
from mho.racetrack.events import EVENTS, Event, LayerTally, Tally

__all__ = ["EVENTS", "Event", "LayerTally", "Tally", "expected", "tally"]

AT_ONCE = 64
"""Chips whose state is held at the same time."""


def tally(
    chips: Chips,
    numbers: Tensor | range | list[int] = range(0),
    inferences: int = 1,
    *,
    counting: Counting = "physical",
) -> Tally:
    """What did the circuits see? Position errors of every layer, and what the codes made of them.

    Of layers without a code these are the very errors that the chips suffer. Layers behind one suffer only what it
    leaves; what it undoes is counted here, drawn by address from streams of its own, and never applied. After 100
    inferences a chip has had every event that it had had after 10. Shifts that stop in the middle are not counted.

    Args:
        chips: a deployed model; layers that are not on racetracks are left out.
        numbers: of the chips to count on; expectations alone if empty.
        inferences: since the weights were written.
        counting: "physical", or "published": the nanowires that the simulator of [bereholschi2024netdrift] counts, on
            which errors are drawn anew.

    Raises:
        ModelError: no layer is on nanowires.
        SpecError: ``inferences`` is negative or no integer.
    """
    if isinstance(inferences, bool) or not isinstance(inferences, int) or inferences < 0:
        raise SpecError(f"inferences={inferences!r} must be an integer, zero or more")
    ids = chip_numbers(numbers)
    layers = [_layer(one, chips.seed, ids, inferences) for one in stored_layers(chips, counting)]
    return Tally(layers=tuple(layers), numbers=tuple(ids.tolist()), inferences=inferences, counting=counting)


def expected(layer: StoredLayer, inferences: int) -> LayerTally:
    """Expectations alone: of nanowires that may be numbers alone."""
    device, code = layer.device, layer.device.correction
    passes = device.passes * inferences
    mean, variance = (dict.fromkeys(EVENTS, 0.0) for _ in range(2))
    shifts = checks = guarded = 0
    for group in layer.tracks.groups:
        own = code if layer.guards(group, code) else None
        shares = _shares(own, device.double)
        guarded += group.nanowires if own else 0
        for kind in operations(device, group.shifts):
            number = passes * group.nanowires * kind.number
            shifts += number
            checks += number * own.checks(kind.distance) if own else 0
            for event, share in shares.items():
                p = kind.rate * share
                mean[event] += number * p
                variance[event] += number * p * (1 - p)
    return LayerTally(
        name=layer.name,
        nanowires=layer.tracks.nanowires,
        protected=guarded,
        shifts=shifts,
        checks=checks,
        expected=mean,
        std={event: v**0.5 for event, v in variance.items()},
        counts={},
    )


def _shares(code: PositionCode | None, double: float) -> dict[Event, float]:
    """Events to the share of position errors that are such."""
    if code is None:
        return {"faults": 1.0, "detections": 0.0, "corrections": 0.0, "reloads": 0.0, "undetected": 1.0}
    found, moved = outcomes(code, double), acted_upon(code, double)
    return {
        "faults": 1.0,
        "detections": moved + found["reloaded"],
        "corrections": moved,
        "reloads": found["reloaded"],
        "undetected": found["undetected"],
    }


def _layer(layer: StoredLayer, seed: int, ids: Tensor, inferences: int) -> LayerTally:
    parts = [_counts(layer, seed, ids[i : i + AT_ONCE], inferences) for i in range(0, len(ids), AT_ONCE)]
    counts = {e: np.concatenate([p[e] for p in parts]) if parts else np.zeros(0, np.int64) for e in EVENTS}
    return dataclasses.replace(expected(layer, inferences), counts=counts)


def _counts(layer: StoredLayer, seed: int, ids: Tensor, inferences: int) -> dict[Event, NDArray[np.int64]]:
    """Events of some chips: position errors as the device draws them, and those that a code undoes."""
    device, wires = layer.device, layer.wires
    assert wires is not None
    counts = {event: np.zeros(len(ids), np.int64) for event in EVENTS}
    base = device.law(wires, guarded=False)
    if base is None or inferences == 0:
        return counts
    guarded = device.guards(wires)

    def drawn(law: Law, mine: NDArray[np.bool_], name: str = layer.parameter) -> NDArray[np.int64]:
        state = Offsets(wires, law, seed, name, ids, None if mine.all() else mine.view(np.uint8))
        state.advance(inferences * device.passes)
        return state.faults

    if not guarded.all():
        _count(counts, None, 1, drawn(base, ~guarded))
    code = device.correction
    if code is None or not guarded.any():
        return counts
    if code.net(1):  # a code that notices nothing: the device draws all errors at once
        _count(counts, code, 1, drawn(dataclasses.replace(base, guarded=True), guarded))
        return counts
    for size, share in ((1, 1 - device.double), (2, device.double)):
        if share:
            # Errors that leave a jump are the device's own; the others have a stream that nothing else reads.
            name = layer.parameter if code.net(size) else f"{layer.parameter}, undone errors by {size}"
            law = dataclasses.replace(
                base, rates=tuple(r * share for r in base.rates), double=0.0, jumps=(0, 0), guarded=True
            )
            _count(counts, code, size, drawn(law, guarded, name))
    return counts


def _count(
    counts: dict[Event, NDArray[np.int64]], code: PositionCode | None, size: int, number: NDArray[np.int64]
) -> None:
    """Add ``number`` errors by ``size`` positions to the events that they are."""
    for event, share in _shares(code, float(size == 2)).items():
        counts[event] += int(share) * number
