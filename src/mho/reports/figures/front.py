"""A statistic against a cost, every combination a point: the front joined, the recommended point ringed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures import lines
from mho.reports.figures.amounts import Amounts
from mho.reports.figures.canvas import HEIGHT, INK, MARKERS, MUTED, PAPER, WIDTH, Drawing, Mark, Sheet, series, tie
from mho.reports.figures.errors import OPEN
from mho.reports.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.evaluation.statistics import Interval

ACROSS = WIDTH - 40  # points of the x axis
SIDE = 4.5  # points between colours of the same cost


class Spot(NamedTuple):
    """One combination.

    Attributes:
        place: its number; what the legend and the filters bring forward.
        slot: its colour.
        shape: its marker.
        cost: on the x axis.
        value: the statistic, with its interval; limits are ``nan`` where there are none.
        words: what it says when it is asked.
        front: no combination beats it; the others are faint.
        taken: it is recommended.
    """

    place: int
    slot: int
    shape: int
    cost: float
    value: Interval
    words: str
    front: bool = False
    taken: bool = False


class Trial(NamedTuple):
    """What a combination reached on test data, an open marker.

    Attributes:
        place: of the combination.
        cost: on the x axis.
        value: the statistic, with its interval.
        words: what it says when it is asked.
    """

    place: int
    cost: float
    value: Interval
    words: str


def front(
    drawn: Sequence[Spot],
    scale: Scale,
    along: str,
    *,
    trials: Sequence[Trial] = (),
    target: float = math.nan,
    low: bool = False,
    budget: float = math.nan,
    span: tuple[float, float] | None = None,
    heading: str = "",
    title: str = "",
) -> Drawing:
    """Points, and a stair through the front: what a budget buys. Logarithmic where costs span more than a decade.

    Args:
        drawn: the combinations.
        scale: how their statistic is shown.
        along: what the x axis is.
        trials: what some of them reached on test data.
        target: a dashed line; ``nan`` for none.
        low: less is better.
        budget: an upright line; ``nan`` for none.
        span: smallest and largest value shown; all of them if ``None``. Points beyond are left out.
        heading: above the axes.
        title: for screen readers.
    """
    known = [s for s in drawn if math.isfinite(s.cost) and math.isfinite(s.value.value)]
    aside = _aside(known)
    low_end, high_end = span if span is not None else reach(known, trials, target)
    air = lines.aired([scale.factor * low_end, scale.factor * high_end], scale.factor)
    seen = [s for s in known if span is None or low_end <= s.value.value <= high_end]
    costs = [s.cost for s in known] + [budget] * math.isfinite(budget)
    axis = Amounts(costs, along)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.blank(figure, scale.name, air, heading)
        axis.dress(axes)
        if math.isfinite(target):
            axes.axhline(scale.factor * target, color=INK, linewidth=0.8, linestyle=lines.DASHES, zorder=1.5)
        if math.isfinite(budget):
            axes.axvline(axis(budget), color=MUTED, linewidth=0.8, linestyle=lines.DASHES, zorder=1.5)
            axes.annotate("budget", (axis(budget), 0), (-3, 4), xycoords=("data", "axes fraction"), ha="right",
                          textcoords="offset points", color=MUTED)  # fmt: skip
        point = (axes.get_xlim()[1] - axes.get_xlim()[0]) / ACROSS
        x = {s.place: axis(s.cost) + point * aside[s.slot] for s in known}
        _stair(axes, [(x[s.place], s) for s in known if s.front], scale.factor, low)
        marks = [_spot(axes, x[s.place], s, scale) for s in sorted(seen, key=lambda s: (s.taken, s.front, -s.place))]
        return marks[::-1] + [_trial(axes, x[t.place], t, scale) for t in trials if t.place in x]

    return Drawing(WIDTH, HEIGHT, title or f"{scale.name} against {along}", paint)


def reach(drawn: Sequence[Spot], trials: Sequence[Trial] = (), target: float = math.nan) -> tuple[float, float]:
    """The smallest and the largest value of some combinations."""
    seen = [v for s in drawn for v in (s.value if s.front else s.value[:1])] + [v for t in trials for v in t.value]
    found = [v for v in [*seen, target] if math.isfinite(v)] or [0.0, 1.0]
    return min(found), max(found)


def known_ends(value: float, low: float, high: float) -> tuple[float, float] | None:
    """Ends of an interval, the value in the place of one that is missing; ``None`` where there is nothing to draw."""
    ends = (value if math.isnan(low) else low, value if math.isnan(high) else high)
    return ends if ends[1] > ends[0] else None


def side_by_side(drawn: Sequence[Spot]) -> bool:
    """Whether combinations of different colours cost the same, and stand side by side."""
    costs = [s.cost for s in drawn]
    return len(set(costs)) < 0.7 * len(costs) and len({s.slot for s in drawn}) > 1


def _aside(drawn: Sequence[Spot]) -> dict[int, float]:
    """How many points each colour stands to the right of its cost."""
    slots = sorted({s.slot for s in drawn})
    step = min(SIDE, 3 * SIDE / max(len(slots) - 1, 1)) if side_by_side(drawn) else 0.0
    return {slot: step * (i - (len(slots) - 1) / 2) for i, slot in enumerate(slots)}


def _stair(axes: Axes, members: Sequence[tuple[float, Spot]], factor: float, low: bool) -> None:
    """The best that each cost buys, among the front."""
    corners: list[tuple[float, float]] = []
    for x_, spot in sorted(members, key=lambda m: (m[1].cost, m[1].value.value if low else -m[1].value.value)):
        value = factor * spot.value.value
        if not corners or (value < corners[-1][1] if low else value > corners[-1][1]):
            corners.append((x_, value))
    if corners:
        end = axes.get_xlim()[1]
        x, y = [c[0] for c in corners], [c[1] for c in corners]
        axes.plot([*x, end], [*y, y[-1]], color=MUTED, linewidth=0.9, drawstyle="steps-post", zorder=1.6)


def _spot(axes: Axes, x: float, spot: Spot, scale: Scale) -> Mark:
    colour, marker = series(spot.slot)[0], MARKERS[spot.shape % len(MARKERS)]
    value, low, high = scale.axis(spot.value)
    if spot.front and (ends := known_ends(value, low, high)):
        tie(axes.vlines(x, *ends, color=colour, linewidth=1.2, alpha=0.7, zorder=3), spot.place)
    if spot.taken:
        axes.plot([x], [value], color=INK, linestyle="", marker="o", markersize=11, markerfacecolor="none",
                  markeredgewidth=1.1, zorder=5)  # fmt: skip
    size, edge, strength, above = (5.6, 0.6, 1.0, 4) if spot.front or spot.taken else (3.6, 0.0, 0.42, 2)
    (point,) = axes.plot(
        [x], [value], color=colour, linestyle="", marker=marker, markersize=size, markeredgecolor=PAPER,
        markeredgewidth=edge, alpha=strength, zorder=above,
    )  # fmt: skip
    tie(point, spot.place)
    return Mark(axes, x, value, spot.place, spot.words)


def _trial(axes: Axes, x: float, trial: Trial, scale: Scale) -> Mark:
    marker, size = OPEN["open"]
    value, low, high = scale.axis(trial.value)
    if ends := known_ends(value, low, high):
        tie(axes.vlines(x, *ends, color=INK, linewidth=0.8, zorder=3), trial.place)
    (point,) = axes.plot([x], [value], color=INK, linestyle="", marker=marker, markersize=size,
                         markerfacecolor=PAPER, markeredgewidth=0.9, zorder=4.5)  # fmt: skip
    tie(point, trial.place)
    return Mark(axes, x, value, trial.place, trial.words)
