"""A metric on its way down: one line a choice, or one a layer, against inferences or against expected faults."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures import lines
from mho.reports.figures.canvas import HEIGHT, WIDTH, Drawing, Mark, Sheet, series, tie
from mho.reports.figures.places import Places, decades
from mho.reports.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.evaluation.statistics import Interval


class Course(NamedTuple):
    """One line.

    Attributes:
        label: what it is of.
        place: its number among all lines; what the legend brings forward.
        slot: its colour and marker; ``None`` for the background.
        points: amount (0 or more), the metric there, and what the point says when it is asked; by amount.
        worst: the last one on the unlucky side at each point, ``nan`` where there is none; may be empty.
        unlucky: the percentile that stands for the unlucky chip at each point; may be empty.
    """

    label: str
    place: int
    slot: int | None
    points: Sequence[tuple[float, Interval, str]]
    worst: Sequence[float] = ()
    unlucky: Sequence[Interval] = ()


def courses(
    drawn: Sequence[Course], scale: Scale, along: str, digital: float = math.nan, heading: str = "", title: str = ""
) -> Drawing:
    """Lines with interval bands against an amount on a logarithmic axis, zero apart on its left.

    Args:
        drawn: the lines, the one in question first: it lies on the others.
        scale: how their metric is shown.
        along: what the x axis is.
        digital: the metric of the network without faults, a thin line; ``nan`` for none.
        heading: above the axes.
        title: for screen readers.
    """
    seen = [v for c in drawn for _, i, _ in c.points for v in i] + [v for c in drawn for v in c.worst] + [digital]
    span = lines.aired([scale.factor * v for v in seen if math.isfinite(v)], scale.factor)
    amounts = sorted({amount for c in drawn for amount, *_ in c.points})
    place = decades(amounts)
    of: dict[float | None, float] = {a: place[a] for a in amounts}
    axis = Places(of, [(place[a], f"{a:,.3g}" if a < 1000 else f"{a:,.0f}") for a in amounts], along, False)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.blank(figure, scale.name, span, heading)
        marks: list[Mark] = []
        for course in sorted(drawn, key=lambda c: (c.slot is not None, -c.place)):
            marks = _line(axes, course, scale, place) + marks
        if math.isfinite(digital):
            lines.levels(axes, {0: scale.factor * digital})
        axis.dress(axes)
        return marks

    return Drawing(WIDTH, HEIGHT, title or f"{scale.name} against {along}: {', '.join(c.label for c in drawn)}", paint)


def _line(axes: Axes, course: Course, scale: Scale, place: dict[float, float]) -> list[Mark]:
    known = [k for k, (_, interval, _) in enumerate(course.points) if math.isfinite(interval.value)]
    points = [course.points[k] for k in known]
    x, y = [place[amount] for amount, *_ in points], [scale.axis(interval) for _, interval, _ in points]
    if course.slot is None:
        (line,) = axes.plot(x, [i.value for i in y], color=series(None)[0], linewidth=0.8, alpha=0.6, zorder=1.8)
        tie(line, course.place)
    else:
        worst = [scale.factor * course.worst[k] for k in known] if course.worst else [math.nan] * len(x)
        lines.paint(axes, lines.Trace(x, y, [], worst, []), course.slot)
    return [Mark(axes, a, i.value, course.place, words) for a, i, (*_, words) in zip(x, y, points, strict=True)]
