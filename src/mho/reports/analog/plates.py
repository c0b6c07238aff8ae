"""The figures of training on arrays, in the order of the questions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mho.analog.published import PULSES_A_SAMPLE
from mho.reports import figures
from mho.reports.analog import comparing, crosspoint, error_plates
from mho.reports.analog.costs import SYMBOLS, arrays_of
from mho.reports.analog.phrases import (
    amount,
    nanoseconds,
)
from mho.reports.analog.view import Analog
from mho.reports.figures import Key, Row
from mho.reports.plates import Plate

if TYPE_CHECKING:
    from mho.analog.wear import Wear
    from mho.reports.figures import Drawing

PANELS = 6
SOURCES = {"paper": "open", "aihwkit": "other"}
"""Who reports an error, and how it is drawn."""
NAMED = {"paper": "published [rasch2024fast]", "aihwkit": "measured in aihwkit"}


def plates(view: Analog, specs: Mapping[str, str]) -> list[Plate]:
    """Traces, errors of programmed arrays and their courses, test errors, update times, wear."""
    out = [crosspoint.plate(view, specs)] if view.toys else []
    for programming in view.programmings:
        out += [error_plates.programming(view, programming, specs), error_plates.learning(view, programming, specs)]
    for sweep in view.sweeps:
        moving = comparing.varied(sweep)
        out += [error_plates.networks(view, sweep, axis, specs) for axis in moving]
        # One bar by itself says no more than its number.
        if not moving and len(sweep.points) + (sweep.floating is not None) > 1:
            out.append(error_plates.trained(view, sweep, specs))
    if view.updates:
        out.append(_updates(view, specs))
    return [*out, *(_wear(wear) for wear in view.wears)]


def _updates(view: Analog, specs: Mapping[str, str]) -> Plate:
    rows = []
    for i, cost in enumerate(view.updates):
        said = cost.published_seconds
        words = f"{cost.algorithm}\n{nanoseconds(cost.seconds)}"
        for part in cost.rows():
            words += f"\n{part['part']}: {nanoseconds(part['seconds'])}"
        words += "" if said is None else f"\npublished: {nanoseconds(said)}"
        known = math.nan if said is None else said * 1e9
        rows.append(Row(cost.algorithm, i, view.slots[cost.algorithm], cost.seconds * 1e9, nanoseconds(cost.seconds),
                        words, known=known))  # fmt: skip
    u = view.updates[0].update
    panel = figures.rows(rows, "time of an update, ns", "", "time of an update by algorithm")
    keys = [Key("computed", "dot")]
    keys += [Key("published [rasch2024fast]", "open")] * any(c.published_seconds is not None for c in view.updates)
    caption = f"Time of the update of {u.outputs}×{u.inputs} devices by one vector, on a logarithmic axis."
    return Plate("update-times", [panel], caption, keys, {})


def _wear(wear: Wear) -> Plate:
    """Pulses a sample, a panel for A and one for W, a row a tile."""
    panels: list[Drawing] = []
    for array in arrays_of(wear):
        rows = []
        for i, one in enumerate(wear.of(array)):
            mean = one.mean / one.samples
            words = (
                f"{one.tile}, {SYMBOLS.get(array, array)}\nmean {amount(mean)} pulses a sample\n"
                f"most {amount(one.maximum_per_sample)}\n{one.devices:,} devices, {one.vectors:,} vectors"
            )
            rows.append(Row(one.tile, i, 0 if array == "gradient" else 1, mean, "", words, most=one.maximum_per_sample))
        name = {"gradient": "gradient array, A", "weight": "weight array, W"}.get(array, array)
        panels.append(
            figures.rows(rows, "pulses a sample", name, f"pulses a sample of the {name}", PULSES_A_SAMPLE[array])
        )
    keys = [Key("average device", "dot"), Key("device that got most", "tick")]
    keys += [Key("published for the device that got most", "range")]
    caption = (
        f"Pulses that devices got per sample of the network, after {wear.samples:,.0f} samples. The published range is "
        "of AGAD, LeNet on MNIST."
    )
    return Plate("wear", panels, caption, keys, {})
