"""The x axis of a curve: where a population stands, and what the ticks say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures.canvas import plain, size, thinned
from mho.reports.summary import Numbers, Summary
from mho.reports.wording import since
from mho.units import age_heading, format_age

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICK = 20  # points between the middles of two labels


class Places(NamedTuple):
    """Sigmas, or ages, along an axis.

    Attributes:
        of: sigma or age to its place.
        ticks: places and their labels, ascending.
        label: what the axis shows.
        aged: the axis shows ages.
        word: the label where there is room for one word.
    """

    of: dict[float | None, float]
    ticks: list[tuple[float, str]]
    label: str
    aged: bool
    word: str = "sigma"

    def place(self, numbers: Numbers) -> float:
        """Where the population stands."""
        return self.of[numbers.age if self.aged else numbers.sigma]

    def dress(self, axes: Axes, *, brief: bool = False) -> None:
        """Limits, ticks and label (one word if ``brief``); of ticks that would collide, the left one has no label."""
        where = [x for x, _ in self.ticks]
        span = (where[-1] - where[0]) or 1.0
        axes.set_xlim(where[0] - 0.06 * span, where[-1] + 0.06 * span)
        width = size(axes.figure)[0] * axes.get_position(original=True).width
        shown = thinned(where, TICK * 1.12 * span / width)
        axes.set_xticks(where, minor=True)
        axes.set_xticks([where[i] for i in shown], [self.ticks[i][1] for i in shown])
        axes.set_xlabel(self.word if brief else self.label)


def sigmas(summary: Summary) -> Places:
    """All sigmas; a device's own sigma, which has no number here, stands on the right."""
    known = summary.sigmas
    places: dict[float | None, float] = {s: s for s in known}
    ticks = [(s, f"{s:g}") for s in known]
    if any(n.sigma is None for e in summary.entries for n in e.numbers):
        own = known[-1] + 0.18 * ((known[-1] - known[0]) or 1.0) if known else 0.0
        places[None] = own
        ticks.append((own, "own"))
    return Places(places, ticks, "sigma, fraction of the conductance range", False)


def ages(summary: Summary) -> Places:
    """All ages in decades; zero, which a logarithm does not have, stands left of the smallest positive age."""
    known = summary.ages
    at = decades(known)
    places: dict[float | None, float] = {a: at[a] for a in known}
    ticks = [(at[a], plain(format_age(a, summary.clock))) for a in known]
    return Places(places, ticks, since(summary.clock), True, age_heading(summary.clock))


def decades(values: list[float]) -> dict[float, float]:
    """Values to their places on a logarithmic axis, where zero stands left of the smallest positive one."""
    known = {v: math.log10(v) for v in values if v > 0}
    first, last = min(known.values(), default=0.0), max(known.values(), default=0.0)
    zero = first - max(0.14 * (last - first), 0.5) if known else 0.0
    return {v: known.get(v, zero) for v in values}
