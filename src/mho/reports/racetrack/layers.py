"""What every layer alone costs: read off its curve, or off a table of drops."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mho.evaluation.statistics import Interval

if TYPE_CHECKING:
    from mho.racetrack.curves import Curves
    from mho.racetrack.heat_map import HeatMap

COLOURS = 5  # layers that have a colour of their own, those that cost most; the others are the background


class Layer(NamedTuple):
    """A layer that ages while all others stay perfect.

    Attributes:
        name: of the layer.
        place: its number in the model, from zero.
        slot: its colour and marker; ``None`` for the background.
        drop: how much worse the metric is then; positive is worse.
        exposure: expected faults of a full nanowire by then.
        outside: that exposure is more than was measured, so the true drop may be more.
        below: there are fewer, so that this is what it costs at most.
        points: exposure, inferences and mean of every point measured; empty without curves.
    """

    name: str
    place: int
    slot: int | None
    drop: Interval
    exposure: float
    outside: bool
    below: bool
    points: tuple[tuple[float, int, Interval], ...]


class Compared(NamedTuple):
    """Where layers are compared.

    Attributes:
        layers: in the order of the model.
        inferences: after which.
        bits: of a nanowire.
        rate: of faults.
    """

    layers: tuple[Layer, ...]
    inferences: int
    bits: int
    rate: float

    @property
    def ranked(self) -> list[Layer]:
        """The layer that costs most first; those of which nothing is known last."""
        return sorted(self.layers, key=lambda layer: math.inf if math.isnan(layer.drop.value) else -layer.drop.value)


def compared(curves: Curves | None, heat: HeatMap | None, inferences: int) -> Compared | None:
    """Every layer on the memory of ``curves``; without them at the harshest place of ``heat``."""
    if curves is not None:
        from mho.racetrack.exposure import on_tracks

        device, mapping = on_tracks(curves.memory)
        bits, rate = mapping.bits, device.fault_rate
        own = curves.heat_map(bits=(bits,), rates=(rate,), inferences=inferences)
    elif heat is not None:
        bits, rate, own = max(heat.bits), max(heat.rates), heat
    else:
        return None
    j, k = own.rates.index(rate), own.bits.index(bits)
    drops = [Interval(*(float(a[i, j, k]) for a in (own.drop, own.low, own.high))) for i in range(len(own.layers))]
    worst = sorted(range(len(drops)), key=lambda i: math.inf if math.isnan(drops[i].value) else -drops[i].value)
    slots = {i: slot for slot, i in enumerate(worst[:COLOURS])}
    layers = tuple(
        Layer(
            name,
            i,
            slots.get(i),
            drops[i],
            float(own.exposure[i, j, k]),
            bool(own.outside[i, j, k]),
            bool(own.below[i, j, k]),
            () if curves is None else _points(curves, i),
        )
        for i, name in enumerate(own.layers)
    )
    return Compared(layers, own.inferences, bits, rate)


def _points(curves: Curves, i: int) -> tuple[tuple[float, int, Interval], ...]:
    means = curves.of(curves.layers[i])
    return tuple((float(curves.exposure[i, j]), int(curves.inferences[i, j]), mean) for j, mean in enumerate(means))
