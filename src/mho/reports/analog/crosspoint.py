"""One crosspoint, drawn and in words: what A, R, P, H and W hold, and when choppers turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mho.reports import figures
from mho.reports.analog.phrases import several, title, within
from mho.reports.analog.view import Analog
from mho.reports.figures import Band, Key
from mho.reports.labels import listed
from mho.reports.plates import Plate
from mho.reports.wording import capital

if TYPE_CHECKING:
    from mho.analog.experiments.toy import Toy
    from mho.reports.figures import Drawing

PANELS = 6
SLOW = 0.5  # of how far the best one gets, below which W is said to be slow
ARRAYS = {
    "gradient": ("A", "A, the gradient array", 0),
    "reference": ("R", "R, its reference", 1),
    "average": ("P", "P, average of its reads", 2),
    "baseline": ("Pref", "Pref, what a read counts from", 3),
    "hidden": ("H", "H, what reads add up to", 4),
    "weight": ("W", "W, the weight", 5),
}
"""Name, words for the legend, and colour of every trace."""
AXES = (("A", ("gradient", "average", "reference", "baseline")), ("H", ("hidden",)), ("W", ("weight",)))
TURNED = len(ARRAYS)
THRESHOLDS = (-1.0, 1.0)
"""Of H; where it is full, W gets a pulse."""


def plate(view: Analog, specs: Mapping[str, str]) -> Plate:
    """One panel a toy, of its first chip."""
    places = list(ARRAYS)
    seen = [name for name in ARRAYS if any(name in toy.traces for toy in view.toys)]
    keys = [Key(ARRAYS[name][1], "line", ARRAYS[name][2], (places.index(name),)) for name in seen]
    keys += [Key("the chopper turns", "turn", None, (TURNED,))] * any(bool(toy.flips.any()) for toy in view.toys)
    drawn = view.toys[:PANELS]
    first = drawn[0]
    caption = f"{capital('one crosspoint')} of a {first.size}×{first.size} array, first chip, after every sample."
    if any("hidden" in toy.traces and "gradient" in toy.traces for toy in drawn):
        caption += (
            " Dashed: where H is full. A read that takes it there sends a pulse to W and lowers H within the same "
            "sample, so that H is seen to drop before it touches the line."
        )
    if any(toy.gradient for toy in drawn):
        caption += " The mean gradient is constant and asks W to rise."
    if len(view.toys) > len(drawn):
        caption += f" The first {len(drawn)} of {len(view.toys)}."
    return Plate("crosspoint", [_panel(toy) for toy in drawn], caption, keys, specs)


def _panel(toy: Toy) -> Drawing:
    places = list(ARRAYS)
    bands = []
    for name, arrays in AXES:
        traces = [(places.index(a), ARRAYS[a][2], toy.traces[a][:, 0]) for a in arrays if a in toy.traces]
        if traces:
            bands.append(Band(name, traces, THRESHOLDS if name == "H" and "gradient" in toy.traces else ()))
    told = []
    for i in figures.asked(len(toy.sample)):
        held = [f"{ARRAYS[a][0]} {float(trace[i, 0]):.3f}" for a, trace in toy.traces.items() if a in ARRAYS]
        told.append("\n".join([title(toy), f"after {toy.sample[i]:,} samples", *held]).replace("-", "−"))
    turns = toy.sample[np.flatnonzero(toy.flips[:, 0])]
    return figures.traces(bands, toy.sample, turns, told=told, turned=TURNED, heading=title(toy),
                          title=f"what one crosspoint holds, {title(toy)}")  # fmt: skip


def opening(view: Analog) -> str:
    """With which algorithms W goes where its gradient asks it to go."""
    asked = [toy for toy in view.toys if toy.gradient]
    if not asked:
        widest = max(view.toys, key=lambda toy: float(abs(toy.traces["weight"][-1]).mean()))
        end = _signed(float(widest.traces["weight"][-1].mean()))
        return f"Without a gradient W should stay at 0; the farthest, of {title(widest)}, ends at {end}."
    best = max(_end(toy) for toy in asked)
    said = [
        ("follows a constant gradient with", [t for t in asked if _end(t) >= SLOW * best > 0]),
        ("follows more slowly with", [t for t in asked if 0 <= _end(t) < SLOW * best]),
        ("goes the wrong way with", [t for t in asked if _end(t) < 0 or best <= 0]),
    ]
    return f"W {listed([f'{verb} {listed([within(t) for t in toys])}' for verb, toys in said if toys])}."


def told(view: Analog) -> list[str]:
    """Where W of every toy ends up, and whether that is where its gradient asked it to go."""
    out = []
    if any(toy.gradient for toy in view.toys):
        out.append("A constant gradient asks W to rise, from 0 to the bound of its cell.")
    for toy in view.toys:
        w = toy.traces["weight"]
        ends = w[-1].astype(float)
        who = f"{title(toy)}: after {toy.sample[-1]:,} samples W is {_signed(ends.mean())}"
        if toy.chips > 1:
            who += f" (mean of {several(toy.chips, 'chip')}, {_signed(ends.min())} to {_signed(ends.max())})"
        moves = float((w[1:] != w[:-1]).sum()) / toy.chips
        who += f", in {several(round(moves), 'step')}"
        who += ", the wrong way" if toy.gradient and ends.mean() < 0 else ""
        turns = toy.flips.sum() / toy.chips
        turned = f"; its chopper turned {several(round(turns), 'time')}" if turns else ""
        out.append(f"{who}{turned}.")
    return out


def _end(toy: Toy) -> float:
    return float(toy.traces["weight"][-1].mean())


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
