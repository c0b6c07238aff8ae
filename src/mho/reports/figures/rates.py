"""A metric against the share of stuck cells: a line a scheme, with its band and its unlucky chip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mho.reports.figures import lines
from mho.reports.figures.canvas import HEIGHT, PAPER, WIDTH, Drawing, Mark, Sheet, series, tie
from mho.reports.figures.courses import Course
from mho.reports.figures.errors import OPEN, Known
from mho.reports.figures.places import Places, decades
from mho.reports.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATISTICS = ("both", "mean", "percentile")
"""What a panel shows of every line: its mean, its unlucky and its worst chip, or both."""


def rates(
    drawn: Sequence[Course],
    scale: Scale,
    *,
    known: Sequence[Known] = (),
    digital: float = math.nan,
    part: str = "both",
    span: tuple[float, float] | None = None,
    amounts: Sequence[float] = (),
    heading: str = "",
    title: str = "",
) -> Drawing:
    """Lines against the share of stuck cells, in percent on a logarithmic axis.

    Args:
        drawn: the lines, the one in question first: it lies on the others; their amounts are fractions of all cells.
        scale: how their metric is shown.
        known: what others report, open markers joined by a thin line of their series.
        digital: the metric of the network without cells, a thin line; ``nan`` for none.
        part: ``mean``, ``percentile`` (with the worst chip) or ``both``.
        span: smallest and largest value of all panels; of this one if ``None``.
        amounts: of all panels, so that they share their x axis; of this one if empty.
        heading: above the axes.
        title: for screen readers.
    """
    along = "stuck cells, %"
    at = sorted({*amounts, *(a for c in drawn for a, *_ in c.points), *(k.at for k in known)})
    place = decades(at)
    of: dict[float | None, float] = {a: place[a] for a in at}
    axis = Places(of, [(place[a], f"{100 * a:.3g}") for a in at], along, False)
    low, high = span if span is not None else reach(drawn, known, digital)
    limits = lines.aired([scale.factor * low, scale.factor * high], scale.factor)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.blank(figure, scale.name, limits, heading)
        marks: list[Mark] = []
        for course in sorted(drawn, key=lambda c: (c.slot is not None, -c.place)):
            marks = _line(axes, course, scale, place, part) + marks
        marks += _known(axes, known, scale.factor, place)
        if math.isfinite(digital):
            lines.levels(axes, {0: scale.factor * digital})
        axis.dress(axes)
        return marks

    names = ", ".join(c.label for c in drawn)
    return Drawing(WIDTH, HEIGHT, title or f"{scale.name} against {along}: {names}", paint)


def reach(drawn: Sequence[Course], known: Sequence[Known] = (), digital: float = math.nan) -> tuple[float, float]:
    """The smallest and the largest value of some lines."""
    shown = [c for c in drawn if c.slot is not None]
    seen = [v for c in shown for _, interval, _ in c.points for v in interval]
    seen += [v for c in shown for interval in c.unlucky for v in interval] + [v for c in shown for v in c.worst]
    seen += [i.value for c in drawn for _, i, _ in c.points] + [k.value for k in known] + [digital]
    found = [v for v in seen if math.isfinite(v)] or [0.0, 1.0]
    return min(found), max(found)


def _line(axes: Axes, course: Course, scale: Scale, place: dict[float, float], part: str) -> list[Mark]:
    points = [(k, p) for k, p in enumerate(course.points) if math.isfinite(p[1].value)]
    x = [place[amount] for _, (amount, *_) in points]
    mean = [scale.axis(interval) for _, (_, interval, _) in points]
    unlucky = [scale.axis(course.unlucky[k]) for k, _ in points] if course.unlucky else []
    shown = {"mean": (mean, []), "percentile": (unlucky, []), "both": (mean, unlucky)}[part]
    # Where chips are too few for a percentile, the worst of them is all there is to show.
    drawn = shown[0] or mean
    if course.slot is None:
        (line,) = axes.plot(x, [i.value for i in drawn], color=series(None)[0], linewidth=0.8, alpha=0.6, zorder=1.8)
        tie(line, course.place)
    else:
        worst = [scale.factor * course.worst[k] if course.worst and part != "mean" else math.nan for k, _ in points]
        lines.paint(axes, lines.Trace(x, drawn, shown[1], worst, []), course.slot)
    return [Mark(axes, a, i.value, course.place, p[2]) for a, i, (_, p) in zip(x, drawn, points, strict=True)]


def _known(axes: Axes, known: Sequence[Known], factor: float, place: dict[float, float]) -> list[Mark]:
    """Open markers, those of one series joined."""
    marks = []
    for one in dict.fromkeys(k.place for k in known):
        mine = sorted((k for k in known if k.place == one), key=lambda k: k.at)
        marker, size = OPEN[mine[0].kind]
        x, y = [place[k.at] for k in mine], [factor * k.value for k in mine]
        (line,) = axes.plot(
            x, y, color=series(mine[0].slot)[0], linewidth=0.7, marker=marker, markersize=size, markerfacecolor=PAPER,
            markeredgewidth=0.9, zorder=3.5,
        )  # fmt: skip
        tie(line, one)
        marks += [Mark(axes, a, b, one, k.words) for a, b, k in zip(x, y, mine, strict=True)]
    return marks
