"""Small multiples: of many results one statistic each, in panels by their axes, before the range of all."""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

from mho.reports.figures.canvas import RULE, SERIES, WIDTH, Drawing, Mark, Sheet, inset, plain, series, tie
from mho.reports.figures.lines import aired
from mho.reports.figures.places import Places
from mho.reports.figures.words import words
from mho.reports.labels import named
from mho.reports.summary import Entry, Numbers, Summary

PANELS, LINES = 12, 8  # panels at most; lines that one panel shows well
POINTS = 1000  # that are drawn, and can be asked about, one by one
HEIGHT = 140


class Grouping(NamedTuple):
    """Which panel a result is in, and which colour it has.

    Attributes:
        panels: heading to the results in that panel.
        colours: meaning of every colour in use to the results that have it; the rest is grey.
    """

    panels: dict[str, list[Entry]]
    colours: dict[str, list[Entry]]

    def slot(self, entry: Entry) -> int | None:
        """Colour of the result."""
        return next((i for i, group in enumerate(self.colours.values()) if entry in group), None)


def grouping(summary: Summary) -> Grouping:
    """Panels by the first axes as long as panels are few, colours by the next axis that has few values.

    Without such axes: one panel, in which only the best and the worst result have a colour.
    """
    axes = {name: values for name, values in summary.axes.items() if len(values) > 1}
    by: list[str] = []
    count = 1
    for name, values in axes.items():
        if count * len(values) > PANELS or len(summary.entries) / count <= LINES:
            break
        by.append(name)
        count *= len(values)
    panels = {}
    for chosen in product(*(axes[name] for name in by)):
        inside = [e for e in summary.entries if tuple(e.axes[name] for name in by) == chosen]
        if inside:
            panels[", ".join(map(named, by, chosen))] = inside
    colour = next((n for n, values in axes.items() if n not in by and len(values) <= len(SERIES)), None)
    if colour is not None:
        groups = {named(colour, v): [e for e in summary.entries if e.axes[colour] == v] for v in axes[colour]}
    elif by:
        groups = {}
    else:
        ranked = summary.ranked()
        words = ("best", "worst") if summary.scale.fraction else ("highest", "lowest")
        groups = {f"{w}: {e.short}": [e] for w, e in zip(words, (ranked[0], ranked[-1]), strict=True)}
    return Grouping(panels, groups)


def sparse(summary: Summary, along: Places) -> bool:
    """There are too many points for a page: of every line only the last one can be asked about."""
    return len(summary.entries) * len(along.ticks) > POINTS


def multiples(
    summary: Summary, along: Places, statistic: str, at: float | None, title: str, alone: str
) -> list[Drawing]:
    """One panel for each group of results, all with the same axes.

    Args:
        summary: of many results.
        along: the x axis; sigmas or ages.
        statistic: ``mean`` or ``percentile`` (the one that stands for the unlucky chip).
        at: of the other axis, the value that is shown: an age, or a sigma.
        title: of the figure, for screen readers; the panel's heading follows.
        alone: heading of the panel if there is only one.
    """
    groups, factor = grouping(summary), summary.scale.factor

    def curve(entry: Entry) -> list[tuple[float, float, Numbers]]:
        out = []
        for n in entry.numbers:
            interval = summary.unlucky(n) if statistic == "percentile" else n.mean
            here = (n.sigma if along.aged else n.age) == at
            if here and interval is not None and not math.isnan(interval.value):
                out.append((along.place(n), factor * interval.value, n))
        return sorted(out, key=lambda point: point[0])

    curves = {e.index: curve(e) for e in summary.entries}
    everywhere: dict[float, list[float]] = {}
    for points in curves.values():
        for x, y, _ in points:
            everywhere.setdefault(x, []).append(y)
    span = sorted(everywhere)
    few = sparse(summary, along)
    limits = aired([y for ys in everywhere.values() for y in ys], factor)

    def panel(heading: str, inside: list[Entry]) -> Drawing:
        def paint(figure: Sheet) -> list[Mark]:
            axes = inset(figure, 27, 27, 9, 18)
            axes.grid(axis="y")
            axes.set_ylim(*limits)
            axes.locator_params(axis="y", nbins=5)
            axes.set_title(plain(heading or alone, 40), loc="left", pad=6)
            lows, highs = [min(everywhere[x]) for x in span], [max(everywhere[x]) for x in span]
            axes.fill_between(span, lows, highs, color=RULE, alpha=0.55, linewidth=0, zorder=0)
            marks = []
            # Grey lines first: those that have a colour lie on them.
            for entry in sorted(inside, key=lambda e: groups.slot(e) is not None):
                points, slot = curves[entry.index], groups.slot(entry)
                if not points:
                    continue
                colour, marker = series(slot)
                x, y, _ = zip(*points, strict=True)
                (line,) = axes.plot(
                    x, y, color=colour, linewidth=0.9, alpha=0.55 if slot is None and groups.colours else 0.9,
                    marker=marker if len(x) == 1 or (slot is not None and not few) else "",
                    markersize=2.6, markeredgewidth=0,
                )  # fmt: skip
                tie(line, entry.index)
                marks += [
                    Mark(axes, x, y, entry.index, words(summary, entry, n, statistic))
                    for x, y, n in points[-1 if few else 0 :]
                ]
            along.dress(axes, brief=True)
            return marks

        return Drawing(WIDTH, HEIGHT, f"{title}{f', {heading}' if heading else ''}", paint)

    return [panel(heading, inside) for heading, inside in groups.panels.items()]
