"""CUSTOM: the cheapest layers to protect so that a target is met, foretold by drops and settled by chips."""

from __future__ import annotations

import numpy as np

from mho.errors import SpecError, nearest
from mho.racetrack.curves import Curves
from mho.racetrack.drops import Drops
from mho.racetrack.judging import Judge
from mho.racetrack.selections import by_value, greedy


def drops_of(judge: Judge, curves: Curves, inferences: float) -> Drops:
    """What each layer costs when it alone has aged by ``inferences``, from its curve.

    A protected layer is read off the same curve, at the exposure to those errors that the code leaves; see
    :func:`mho.racetrack.drops.residual`.

    Raises:
        SpecError: a layer has no curve, or another shape; the curves are of another metric.
    """
    if curves.metric != judge.metric.name:
        raise SpecError(
            f"curves are of the metric {curves.metric}, the question of {judge.metric.name}; measure them anew"
        )
    unprotected, protected = dict[str, float](), dict[str, float]()
    for layer, parameter in judge.known.items():
        if layer not in curves.layers:
            raise SpecError(f"curves lack layer '{layer}': {nearest(layer, curves.layers)}; measure all layers")
        if curves.shapes[curves.layers.index(layer)] != judge.shape(parameter):
            raise SpecError(f"curves are of another model: its layer '{layer}' has other weights")
        memory = judge.chips.placements[parameter].memory
        for drops, share in ((unprotected, 1.0), (protected, judge.residual[layer])):
            drops[layer] = curves.drop(layer, curves.place(layer, memory, share * inferences)).value
    return Drops(unprotected, protected)


def by_target(judge: Judge, drops: Drops, target: float, age: float) -> tuple[str, ...]:
    """Layers whose protection meets ``target`` at ``age``, chosen greedily by what it saves per cycle.

    The sum of the drops that remain says where to start. Monte Carlo then adds layers until the mean meets the target,
    or lets go of the least valuable ones as long as it still does: drops do not quite add up.

    Returns:
        The layers, in the order of the model; all of them where even that does not meet the target.
    """
    known = tuple(judge.known)
    gains, allowed = drops.gains, judge.sign * (judge.baseline - target) - drops.least
    value = by_value(known, gains, judge.cycles)
    chosen = list(greedy(known, gains, judge.cycles, allowed))

    def meets(layers: list[str]) -> bool:
        mean = float(np.mean(judge.values([n for n in known if n in layers], [age])))
        return judge.sign * (mean - target) >= 0

    good = meets(chosen)
    grown = not good
    while not good and len(chosen) < len(known):
        chosen.append(next(layer for layer in value if layer not in chosen))
        good = meets(chosen)
    for layer in [] if grown else [n for n in reversed(value) if n in chosen]:
        fewer = [n for n in chosen if n != layer]
        if not meets(fewer):
            break
        chosen = fewer
    return tuple(layer for layer in known if layer in chosen)
