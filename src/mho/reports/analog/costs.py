"""Time, wear and memory of training on arrays, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.analog.phrases import amount, lasting, nanoseconds
from mho.reports.analog.view import Analog
from mho.reports.labels import listed
from mho.reports.wording import count

if TYPE_CHECKING:
    from mho.analog.update_time import UpdateCost
    from mho.analog.wear import ArrayWear, Wear

BEARS = 1e6  # pulses of a cell that a sentence takes as an example
SYMBOLS = {"gradient": "A", "weight": "W"}


def opening(view: Analog) -> str:
    """The first of what is known, in one sentence."""
    said = [*updates(view), *pulses(view), *memories(view)]
    return said[0]


def updates(view: Analog) -> list[str]:
    """What the update of an array takes, and a whole network."""
    out = []
    if view.updates:
        quick = min(view.updates, key=lambda cost: cost.seconds)
        named = sorted(view.updates, key=lambda cost: cost.seconds)
        u = quick.update
        where = f"The update of {u.outputs}×{u.inputs} devices by one vector takes"
        out.append(f"{where} {listed([f'{nanoseconds(c.seconds)} with {c.algorithm}' for c in named])}.")
        out += _published(view.updates)
    for network in view.networks:
        slowest = network.slowest
        out.append(
            f"A sample takes a network {lasting(network.seconds)} tile after tile, {lasting(network.update_seconds)} "
            f"of it for updates; with tiles at work on different samples, one every {lasting(slowest.seconds)} "
            f"({slowest.name})."
        )
    return out


def pulses(view: Analog) -> list[str]:
    """The device that got most pulses of A and of W, published numbers beside it, and how long that goes on."""
    from mho.analog.published import PULSES_A_SAMPLE

    out = []
    for wear in view.wears:
        for array in arrays_of(wear):
            most = busiest(wear, array)
            low, high = PULSES_A_SAMPLE[array]
            name = SYMBOLS.get(array, array)
            out.append(
                f"The busiest device of {name}, in {most.tile}, got {amount(most.maximum_per_sample)} pulses a sample, "
                f"an average one {amount(_mean(wear, array))}; published for the busiest: {amount(low)} to "
                f"{amount(high)}."
            )
        lives = [
            f"{count(life)} samples for {SYMBOLS.get(array, array)}"
            for array in arrays_of(wear)
            if math.isfinite(life := busiest(wear, array).lifetime_samples(BEARS))
        ]
        if lives:
            out.append(f"Cells that bear a million pulses last {listed(lives)}.")
    return out


def memories(view: Analog) -> list[str]:
    """How long A, R and W have to keep what they hold."""
    out = []
    for found in view.retentions:
        known = [tile for tile in found.tiles if tile.period is not None]
        if known:
            longest = max(known, key=lambda tile: tile.period or 0)
            out.append(
                f"A has to remember for up to {longest.period or 0:,} vectors, {lasting(longest.gradient_seconds)} "
                f"({longest.tile}); published: 100 to 1,000 samples."
            )
        drifts = {tile.algorithm: tile.reference_drift for tile in found.tiles if tile.reference_drift is not None}
        out += [f"R of {who} may drift by {100 * drift:g} % of the range meanwhile." for who, drift in drifts.items()]
        last = max(found.tiles, key=lambda tile: tile.run)
        out.append(f"W has to last for the training: {last.run:,} vectors so far, {lasting(last.run_seconds)}.")
        leaks = [t for t in found.tiles if (t.gradient_leak or 0) > 0 or t.weight_leak > 0]
        if leaks:
            worst = max(leaks, key=lambda tile: tile.weight_leak)
            part = (
                f"{100 * worst.weight_leak:.3g} % of W, {100 * (worst.gradient_leak or 0):.3g} % of A from read to read"
            )
            out.append(f"Cells leak: in {worst.tile} {part}.")
    return out


def arrays_of(wear: Wear) -> list[str]:
    """The kinds of arrays, A before W."""
    kinds = {one.array for one in wear.arrays}
    return [*(kind for kind in SYMBOLS if kind in kinds), *sorted(kinds - set(SYMBOLS))]


def busiest(wear: Wear, array: str) -> ArrayWear:
    """The array of one kind whose busiest device got most pulses a sample."""
    return max(wear.of(array), key=lambda one: one.maximum_per_sample)


def _mean(wear: Wear, array: str) -> float:
    """Pulses of an average device of all arrays of one kind, a sample."""
    arrays = wear.of(array)
    return sum(one.mean * one.devices for one in arrays) / sum(one.devices for one in arrays) / wear.samples


def _published(costs: tuple[UpdateCost, ...]) -> list[str]:
    known = [(c, c.published_seconds) for c in costs if c.published_seconds is not None]
    if not known:
        return []
    off = max(abs(c.seconds - said) for c, said in known)
    every = f"the {len(known)} published times" if len(known) > 1 else f"the published {nanoseconds(known[0][1])}"
    if off < 0.0501e-9:
        return [f"That agrees with {every} to the digit printed."]
    return [f"That differs from {every} by up to {nanoseconds(off)}."]
