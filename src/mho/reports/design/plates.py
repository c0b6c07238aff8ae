"""The figures of designs: what combinations reach against what they cost, and what each measure is for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mho.codesign import Candidate, Target
from mho.reports import figures
from mho.reports.design import phrases
from mho.reports.design.phrases import ALONG, asked, brief, measured, named, scale_of, statistic
from mho.reports.design.view import Entry
from mho.reports.design.why import why
from mho.reports.figures import Drawing, Key, Spot, Trial
from mho.reports.plates import Plate
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.evaluation.statistics import Interval

SQUEEZED = 0.4
"""Where what matters takes less than this share of the y axis, a second panel shows it alone."""
ZOOMED = 2
"""Targets at most that may have a second panel."""


def plates(entry: Entry) -> list[Plate]:
    """The front, and the recommended point taken apart."""
    return [*([front(entry)] if entry.possible else []), *why(entry)]


def front(entry: Entry) -> Plate:
    """Every target's value against the first cost that differs: a panel each, and one of what is near the target."""
    design = entry.design
    panels = [panel for target in design.targets for panel in _panels(entry, target)]
    name = f"front-{entry.index + 1}" if entry.index else "front"
    return Plate(name, panels, _caption(entry), _keys(entry), {})


def _panels(entry: Entry, target: Target) -> Iterator[Drawing]:
    whole, near = _reach(entry, target), _reach(entry, target, near=True)
    squeezed = len(entry.hopeful) > 1 and near[1] - near[0] < SQUEEZED * (whole[1] - whole[0])
    heading = brief(entry.design, target)
    yield _panel(entry, target, heading, None)
    # More than four panels are no picture any more.
    if squeezed and len(entry.design.targets) <= ZOOMED:
        yield _panel(entry, target, f"{heading}, near the target", near)


def _panel(entry: Entry, target: Target, heading: str, span: tuple[float, float] | None) -> Drawing:
    design = entry.design
    return figures.front(
        _spots(entry, target),
        scale_of(design, target),
        ALONG[entry.along],
        trials=_trials(entry, target),
        target=target.limit,
        low=target.at_most is not None,
        budget=float(design.budget.get(entry.along, math.nan)),
        span=span,
        heading=heading,
        title=f"{statistic(design, target)} of {len(entry.possible)} combinations against {ALONG[entry.along]}",
    )


def _spots(entry: Entry, target: Target) -> list[Spot]:
    best = entry.choice.recommended
    return [
        Spot(
            place=entry.places[c.chosen],
            slot=entry.slot(c),
            shape=entry.shape(c),
            cost=c.number(entry.along),
            value=entry.value(c, target),
            words=_words(entry, target, c),
            front=c.chosen in entry.front,
            taken=best is not None and c.chosen == best.chosen,
        )
        for c in entry.possible
    ]


def _trials(entry: Entry, target: Target) -> list[Trial]:
    out = []
    for found in entry.choice.certificates:
        value = entry.found(found, target)
        words = f"{named(entry.design, found.chosen)}\non test data: {_value(entry, target, value)}"
        words += f"\n{found.chips:,} fresh chips\n{'holds' if found.met else 'does not hold'}"
        out.append(Trial(entry.places[found.chosen], found.costs.number(entry.along), value, words))
    return out


def _words(entry: Entry, target: Target, candidate: Candidate) -> str:
    design, best = entry.design, entry.choice.recommended
    lines = [named(design, candidate.chosen), _value(entry, target, entry.value(candidate, target))]
    lines += [phrases.cost(k, candidate.number(k)) for k in entry.costs if math.isfinite(candidate.number(k))]
    if candidate.chosen not in entry.affordable:
        lines.append("beyond the budget")
    elif best is not None and candidate.chosen == best.chosen:
        lines.append("recommended")
    elif candidate.chosen not in entry.front:
        lines.append("another combination is better and takes no more")
    return "\n".join(lines)


def _value(entry: Entry, target: Target, found: Interval) -> str:
    return f"{statistic(entry.design, target)} {measured(entry.design, target, found)}"


def _reach(entry: Entry, target: Target, near: bool = False) -> tuple[float, float]:
    """The smallest and the largest value shown; ``near``: of the front's members that are near the target."""
    spots = _spots(entry, target)
    if near:
        kept = {entry.places[c.chosen] for c in entry.hopeful}
        spots = [s for s in spots if s.place in kept]
    return figures.front_reach(spots, _trials(entry, target), target.limit)


def _keys(entry: Entry) -> list[Key]:
    design, best = entry.design, entry.choice.recommended
    out = []
    for i, name in enumerate(entry.options.get(entry.coloured, ())):
        mine = tuple(entry.places[c.chosen] for c in entry.possible if c.chosen[entry.coloured] == name)
        out.append(Key(name, "disc" if entry.shaped else "spot", i, mine))
    for i, name in enumerate(entry.options.get(entry.shaped, ())):
        mine = tuple(entry.places[c.chosen] for c in entry.possible if c.chosen[entry.shaped] == name)
        out.append(Key(name, "shape", i, mine))
    if best is not None:
        out.append(Key(f"recommended: {named(design, best.chosen)}", "ring", None, (entry.places[best.chosen],)))
    if entry.choice.certificates:
        places = {entry.places[c.chosen] for c in entry.choice.certificates}
        out.append(Key("tried on test data, fresh chips", "tried", None, tuple(sorted(places))))
    asking = dict.fromkeys(asked(design, t) for t in design.targets)
    return [*out, Key(f"asked: {', '.join(asking)}", "target"), Key("the front", "line")]


def _caption(entry: Entry) -> str:
    design, along = entry.design, ALONG[entry.along]
    what = " and ".join(statistic(design, t) for t in design.targets)
    out = f"{capital(what)} of {phrases.several(len(entry.possible), 'combination')} against {along}, on data held out."
    if entry.along != design.minimise[0]:
        out += f" {capital(ALONG[design.minimise[0]])}, to be least first, does not tell them apart."
    faint = sum(c.chosen not in entry.front for c in entry.possible)
    if faint:
        out += " Faint: another combination is better and takes no more of any cost"
        out += ", or it is beyond the budget." if len(entry.affordable) < len(entry.possible) else "."
    if figures.side_by_side(_spots(entry, design.targets[0])):
        out += " What costs the same stands side by side."
    others = [ALONG[k] for k in design.minimise if k in entry.costs and k != entry.along]
    if others and len(entry.front) > 1:
        out += f" Some below the stair are on the front for {' or '.join(others)}."
    if any(not math.isfinite(c.number(entry.along)) for c in entry.possible):
        out += " Combinations whose cost is not known are in the table alone."
    if any(t.statistic != "worst" for t in design.targets):
        out += f" Bars: {100 * design.confidence:g}{NBSP}% intervals of the front."
    if any(t.statistic == "worst" for t in design.targets):
        out += " Worst cases are searched and have none."
    return out
