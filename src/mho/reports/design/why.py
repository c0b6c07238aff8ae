"""Figures of why: what every part of the recommended combination reaches, and what each measure adds to it."""

from __future__ import annotations

import math

from mho.codesign import Candidate, Target, Why
from mho.evaluation.statistics import Interval
from mho.reports import figures
from mho.reports.design.phrases import (
    NOTHING,
    asked,
    both,
    cost,
    gain,
    measured,
    named,
    option,
    scale_of,
    statistic,
)
from mho.reports.design.view import Entry
from mho.reports.figures import Bar, Drawing, Key, Step
from mho.reports.plates import Plate
from mho.reports.scale import Scale
from mho.reports.wording import NBSP, capital

PARTS = 16
"""Bars at most; of more parts, nothing, single measures, all but one, and all."""
SHAPLEY = "shapley1953value"


def why(entry: Entry) -> list[Plate]:
    """One figure; none where nothing is bought, or nothing is known of the parts."""
    found = entry.choice.why
    if found is None or len(found.parts) < 2:
        return []
    target = entry.design.targets[0]
    panels = [_parts(entry, found, target)]
    if len(found.measures) > 1 and found.shares:
        panels.append(_steps(entry, found, target))
    name = f"why-{entry.index + 1}" if entry.index else "why"
    return [Plate(name, panels, _caption(entry, found, target), _keys(entry, target), {})]


def _parts(entry: Entry, found: Why, target: Target) -> Drawing:
    design, scale = entry.design, scale_of(entry.design, target)
    bars, slots = [], entry.measure_slots()
    for i, part in enumerate(found.parts):
        taken = entry.choice.taken(part)
        if len(found.parts) > PARTS and 1 < len(taken) < len(found.measures) - 1:
            continue
        value = Interval(*(scale.factor * v for v in entry.value(part, target)))
        slot = slots[taken[0]] if len(taken) == 1 else None
        shown = "not possible" if part.refused else scale.said(entry.value(part, target).value)
        low, high = _limits(value)
        bars.append(
            Bar(_label(entry, found, part), i, slot, value.value if value.value == value.value else 0.0, shown,
                _words(entry, target, part), low, high, scale.factor * target.limit)
        )  # fmt: skip
    along, heading = capital(_unit(entry, target, scale)), "what the parts reach"
    return figures.bars(bars, along, heading, f"{statistic(design, target)} of every part of the combination")


def _steps(entry: Entry, found: Why, target: Target) -> Drawing:
    """From nothing to all, every measure with its share."""
    design, scale = entry.design, scale_of(entry.design, target)
    sign = 1.0 if target.at_most is None else -1.0
    nothing, whole = found.parts[0], found.parts[-1]
    rows = [_end(entry, target, nothing, 0, capital(NOTHING))]
    at, slots = entry.value(nothing, target).value, entry.measure_slots()
    for i, path in enumerate(found.measures):
        share = found.shares[path]
        words = f"{option(design, path, whole.chosen[path])}\nits share {gain(design, target, share.shapley)}"
        words += f"\nalone {gain(design, target, share.alone)}\nas the last one {gain(design, target, share.last)}"
        label, shown = option(design, path, whole.chosen[path]), gain(design, target, share.shapley).partition(NBSP)[0]
        start, end = scale.factor * at, scale.factor * (at + sign * share.shapley)
        rows.append(Step(label, i + 1, slots[path], start, end, shown, words))
        at += sign * share.shapley
    rows.append(_end(entry, target, whole, len(rows), capital(both(found.measures))))
    title = f"share of each measure in the gain of {statistic(design, target)}"
    return figures.steps(
        rows, capital(_unit(entry, target, scale)), target=scale.factor * target.limit, heading="who does how much",
        title=title,
    )  # fmt: skip


def _end(entry: Entry, target: Target, part: Candidate, place: int, label: str) -> Step:
    scale, value = scale_of(entry.design, target), entry.value(part, target)
    at = scale.factor * value.value
    low, high = _limits(Interval(*(scale.factor * v for v in value)))
    return Step(label, place, None, at, at, scale.said(value.value), _words(entry, target, part), low, high)


def _limits(value: Interval) -> tuple[float, float]:
    """Ends of an interval that are known; ``nan`` of a worst case, which has none."""
    if math.isnan(value.low) and math.isnan(value.high):
        return math.nan, math.nan
    low, high = (value.value if math.isnan(v) else v for v in value[1:])
    return (low, high) if high > low else (math.nan, math.nan)


def _label(entry: Entry, found: Why, part: Candidate) -> str:
    taken = entry.choice.taken(part)
    if len(taken) == len(found.measures) > 1:
        return capital(both(found.measures))
    return named(entry.design, part.chosen) if taken else capital(NOTHING)


def _words(entry: Entry, target: Target, part: Candidate) -> str:
    head = named(entry.design, part.chosen)
    if part.refused:
        return f"{head}\nnot possible: {part.refused}"
    out = f"{head}\n{statistic(entry.design, target)} {measured(entry.design, target, entry.value(part, target))}"
    return f"{out}\n{cost(entry.along, part.number(entry.along))}"


def _unit(entry: Entry, target: Target, scale: Scale) -> str:
    return statistic(entry.design, target) + (", %" if scale.fraction else "")


def _keys(entry: Entry, target: Target) -> list[Key]:
    return [Key(f"asked: {asked(entry.design, target)}", "target")]


def _caption(entry: Entry, found: Why, target: Target) -> str:
    design = entry.design
    out = f"{capital(statistic(design, target))} with every choice among the measures of {_who(entry)}, on data held "
    out += f"out, with {100 * design.confidence:g}{NBSP}% intervals." if target.statistic != "worst" else "out."
    if len(found.measures) > 1 and found.shares:
        out += f" The share of a measure is the mean of what it adds over all orders of buying [{SHAPLEY}]; shares add "
        out += "up to the whole gain."
    if len(found.parts) > PARTS:
        out += f" {len(found.parts):,} parts; those in between are in the table."
    return out


def _who(entry: Entry) -> str:
    recommended = entry.choice.recommended is not None
    return "the recommended combination" if recommended else "the combination that comes nearest"
