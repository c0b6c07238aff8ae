"""Metric against the write cycles of verification: how little of it is enough, and which weights to begin with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.figures import lines
from mho.reports.figures.canvas import HEIGHT, WIDTH, Drawing, Mark, Sheet, size, thinned
from mho.reports.figures.places import decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.reports.verified.view import Entry, Point, Verifications

STEPS = (1.0, 2.0, 5.0)  # of every decade that have a label, where there is room
TOGETHER = 3  # rankings whose means and percentiles one panel shows well; more have a panel for each statistic
LABEL = 22  # points between the middles of two labels


def verification(view: Verifications, entry: Entry, part: str = "both") -> Drawing:
    """Mean, unlucky chip and worst chip of every ranking against normalised write cycles.

    The axis is logarithmic, so that the first per cents are seen, and nothing verified stands left of it at zero.
    Panels of one page share both axes.

    Args:
        view: its rankings have one colour and marker each.
        entry: what to show.
        part: ``mean``, ``percentile`` (with the worst chip) or ``both``.
    """
    factor = view.scale.factor
    seen = [v for e in view.entries for v in (e.source.digital, *(p.extreme for ps in e.points.values() for p in ps))]
    seen += [v for e in view.entries for ps in e.points.values() for p in ps for v in (*p.mean, *(p.unlucky or ()))]
    span = lines.aired([factor * v for v in seen if math.isfinite(v)], factor)
    costs = sorted({p.nwc for e in view.entries for ps in e.points.values() for p in ps if math.isfinite(p.nwc)})
    places = decades(costs)

    def paint(figure: Sheet) -> list[Mark]:
        statistic = {"mean": "mean", "percentile": view.percentile}.get(part, "")
        heading = ", ".join(filter(None, [entry.label if len(view.entries) > 1 else "", statistic]))
        axes = lines.blank(figure, view.scale.name, span, heading)
        marks: list[Mark] = []
        # The first ranking is the one in question: it lies on the others.
        for slot, ranking in reversed(list(enumerate(view.rankings))):
            known = [p for p in entry.points.get(ranking, []) if p.nwc in places and p.chips]
            if known:
                marks = _ranking(axes, view, entry, sorted(known, key=lambda p: p.nwc), places, slot, part) + marks
        if math.isfinite(entry.source.digital):
            lines.levels(axes, {0: factor * entry.source.digital})
        _dress(axes, costs, places)
        return marks

    title = f"{view.scale.name} against normalised write cycles, {entry.label}, {part}: {', '.join(view.rankings)}"
    return Drawing(WIDTH, HEIGHT, title, paint)


def _ranking(
    axes: Axes, view: Verifications, entry: Entry, points: list[Point], places: dict[float, float], slot: int, part: str
) -> list[Mark]:
    x, axis = [places[p.nwc] for p in points], view.scale.axis
    mean, unlucky = [axis(p.mean) for p in points], [axis(p.unlucky) for p in points if p.unlucky is not None]
    extreme = [math.nan if part == "mean" else view.scale.factor * p.extreme for p in points]
    shown = {"mean": (mean, []), "percentile": (unlucky, []), "both": (mean, unlucky)}[part]
    lines.paint(axes, lines.Trace(x, *shown, extreme, []), slot)
    said = [(view.percentile, unlucky)] if part == "percentile" else [("mean", mean), (view.percentile, shown[1])]
    return [
        Mark(axes, at, i.value, slot, view.told(entry, p, statistic))
        for statistic, values in said
        for at, i, p in zip(x, values, points, strict=bool(values))
    ]


def _dress(axes: Axes, costs: list[float], places: dict[float, float]) -> None:
    """Labels at 1, 2 and 5 of every decade, and at zero; a line where the logarithm ends."""
    first, last = min(places.values()), max(places.values())
    width = size(axes.figure)[0] * axes.get_position(original=True).width
    axes.set_xlim(first - 0.05 * (last - first or 1.0), last + 0.05 * (last - first or 1.0))
    positive = [c for c in costs if c > 0]
    decade = range(math.floor(math.log10(positive[0])), math.ceil(math.log10(positive[-1])) + 1) if positive else ()
    round_ = [s * 10.0**d for d in decade for s in STEPS]
    ticks = {math.log10(v): f"{v:.3g}" for v in round_ if positive[0] * 0.93 <= v <= positive[-1] * 1.07}
    if costs[0] == 0:
        ticks[places[0.0]] = "0"
    where = sorted(ticks)
    left, right = axes.get_xlim()
    shown = thinned(where, LABEL * (right - left) / width)
    axes.set_xticks(where, minor=True)
    axes.set_xticks([where[i] for i in shown], [ticks[where[i]] for i in shown])
    axes.set_xlabel("normalised write cycles (NWC)")
