"""Metric against bound: what a search within the bound found, beside what chance found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.figures import lines
from mho.reports.figures.canvas import (
    HEIGHT,
    MUTED,
    PAPER,
    SERIES,
    WIDTH,
    Drawing,
    Mark,
    Sheet,
    series,
    size,
    thinned,
    tie,
)
from mho.reports.figures.places import TICK, Places, decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.reports.worst.view import Entry, Random, WorstCases

ABOVE = 27  # points for a second axis above the first


def worst(cases: WorstCases) -> Drawing:
    """The worst chip found against the bound (logarithmic), the random chips, and the digital network.

    Of one network the worst of every kind of random chip is a line; of several, each network has one such line for
    all kinds. Where tolerances are known, they label a second axis above the first.

    Args:
        cases: entries have the colour and marker of their slot.
    """
    scale, places = cases.scale, decades(cases.bounds)
    ticks = [(places[b], f"{100 * b:.3g}") for b in cases.bounds]
    of: dict[float | None, float] = {b: places[b] for b in cases.bounds}
    along = Places(of, ticks, "bound on every weight, % of the full scale", False)
    tolerances, alone = cases.tolerances, len(cases.entries) == 1
    span = lines.aired([scale.factor * v for v in _seen(cases) if math.isfinite(v)], scale.factor)

    def paint(figure: Sheet) -> list[Mark]:
        above = ABOVE if tolerances else 0
        axes = lines.blank(figure, scale.name, span, cases.entries[0].label if alone else "", above)
        marks = []
        for entry in cases.entries:
            marks += _kinds(axes, cases, entry, places) if alone else _chance(axes, cases, entry, places)
        for entry in cases.entries:
            marks += _found(axes, cases, entry, places)
        digital = {e.slot: scale.factor * e.case.digital for e in cases.entries if math.isfinite(e.case.digital)}
        lines.levels(axes, digital)
        along.dress(axes)
        if tolerances:
            _second(axes, {places[b]: t for b, t in tolerances.items()})
        return marks

    names = ", ".join(e.label for e in cases.entries)
    title = f"{scale.name} of the worst chip found against the bound on its weights: {names}"
    return Drawing(WIDTH, HEIGHT + (ABOVE if tolerances else 0), title, paint)


def shade(slot: int, kind: int) -> int:
    """Colour of the n-th kind of random chip beside the one of the search."""
    return (slot + 1 + kind) % len(SERIES)


def _seen(cases: WorstCases) -> list[float]:
    seen = [v for e in cases.entries for v in (e.case.digital, *(p.found for p in e.points))]
    return seen + [v for e in cases.entries for p in e.points for r in p.random for v in (r.worst, r.best)]


def _found(axes: Axes, cases: WorstCases, entry: Entry, places: dict[float, float]) -> list[Mark]:
    known = [p for p in entry.points if math.isfinite(p.found)]
    colour, marker = series(entry.slot)
    x, y = [places[p.bound] for p in known], [cases.scale.factor * p.found for p in known]
    (line,) = axes.plot(
        x, y, color=colour, linewidth=1.4, marker=marker, markersize=5, markeredgecolor=PAPER,
        markeredgewidth=0.7, zorder=4,
    )  # fmt: skip
    tie(line, entry.slot)
    said = [cases.told(entry, p) for p in known]
    return [Mark(axes, *at, entry.slot, words) for at, words in zip(zip(x, y, strict=True), said, strict=True)]


def _kinds(axes: Axes, cases: WorstCases, entry: Entry, places: dict[float, float]) -> list[Mark]:
    """Range and mean of all random chips in grey, and the worst of each kind."""
    pooled = [(places[p.bound], r) for p in entry.points if (r := cases.chance(p)) is not None]
    x, factor, marks = [x for x, _ in pooled], cases.scale.factor, []
    low, high = [factor * r.worst for _, r in pooled], [factor * r.best for _, r in pooled]
    axes.fill_between(x, low, high, color=MUTED, alpha=0.16, linewidth=0)
    axes.plot(x, [factor * r.mean for _, r in pooled], color=MUTED, linewidth=0.85)
    for i, kind in enumerate(cases.kinds):
        slot = shade(entry.slot, i)
        drawn = [(p, r) for p in entry.points for r in p.random if r.kind == kind]
        at = [(places[p.bound], factor * r.worst) for p, r in drawn]
        _dashed(axes, at, series(slot)[0], slot)
        marks += [Mark(axes, *xy, slot, cases.drawn(entry, p, r)) for xy, (p, r) in zip(at, drawn, strict=True)]
    return marks


def _chance(axes: Axes, cases: WorstCases, entry: Entry, places: dict[float, float]) -> list[Mark]:
    """Range and worst of all random chips of one network among several."""
    drawn: list[tuple[float, Random, str]] = [
        (places[p.bound], r, cases.drawn(entry, p, r)) for p in entry.points if (r := cases.chance(p)) is not None
    ]
    factor, colour = cases.scale.factor, series(entry.slot)[0]
    low, high = [factor * r.worst for _, r, _ in drawn], [factor * r.best for _, r, _ in drawn]
    band = axes.fill_between([x for x, *_ in drawn], low, high, color=colour, alpha=0.10, linewidth=0)
    tie(band, entry.slot)
    at = [(x, y) for (x, *_), y in zip(drawn, low, strict=True)]
    _dashed(axes, at, colour, entry.slot)
    return [Mark(axes, *xy, entry.slot, words) for xy, (*_, words) in zip(at, drawn, strict=True)]


def _dashed(axes: Axes, at: list[tuple[float, float]], colour: str, slot: int) -> None:
    (line,) = axes.plot(
        [x for x, _ in at], [y for _, y in at], color=colour, linewidth=0.85, linestyle=lines.DASHES,
        marker="_" if len(at) == 1 else "", markersize=8.5,
    )  # fmt: skip
    tie(line, slot)


def _second(axes: Axes, tolerances: dict[float, float]) -> None:
    """Tolerances, above the bounds that come from them."""
    above = axes.secondary_xaxis("top")
    where, (left, right) = sorted(tolerances), axes.get_xlim()
    width = size(axes.figure)[0] * axes.get_position(original=True).width
    shown = thinned(where, TICK * 1.12 * (right - left) / width)
    above.set_xticks(where, minor=True)
    above.set_xticks([where[i] for i in shown], [f"{100 * tolerances[where[i]]:.3g}" for i in shown])
    above.set_xlabel("tolerance of a cell, % of its range")
