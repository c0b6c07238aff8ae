"""An error against what makes it worse: a line an algorithm with its band, and what others report as open markers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures import lines
from mho.reports.figures.canvas import HEIGHT, INK, PAPER, WIDTH, Drawing, Mark, Sheet, series, tie
from mho.reports.figures.courses import Course
from mho.reports.figures.places import Places, decades
from mho.reports.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.evaluation.statistics import Interval

FEW = 14  # places on the x axis that get a tick each, and whose points get markers
WIDE = 4.0  # an axis is logarithmic where the largest error is this many times the smallest
OPEN = {"open": ("D", 4.2), "other": ("s", 3.8), "cross": ("x", 4.2)}
"""Markers of what others report, and of the worst possible chip, by the kind of their line of the legend; sizes."""


class Known(NamedTuple):
    """What somebody else reports.

    Attributes:
        at: amount on the x axis.
        value: the error.
        slot: colour of the line it belongs to.
        place: of the line it belongs to.
        kind: "open" or "other", as in a legend.
        words: what it says when it is asked.
    """

    at: float
    value: float
    slot: int | None
    place: int
    kind: str
    words: str


def errors(
    drawn: Sequence[Course],
    scale: Scale,
    along: str,
    *,
    known: Sequence[Known] = (),
    level: Interval | None = None,
    logarithmic: bool = False,
    span: tuple[float, float] | None = None,
    heading: str = "",
    title: str = "",
) -> Drawing:
    """Lines with interval bands.

    Args:
        drawn: the lines, the one in question first: it lies on the others.
        scale: how errors are shown.
        along: what the x axis is.
        known: open markers.
        level: what a network without arrays has: a thin line.
        logarithmic: the x axis is.
        span: smallest and largest error of all panels; of this one if ``None``.
        heading: above the axes.
        title: for screen readers.
    """
    amounts = sorted({amount for c in drawn for amount, *_ in c.points} | {k.at for k in known})
    place = decades(amounts) if logarithmic else {a: a for a in amounts}
    of: dict[float | None, float] = {a: place[a] for a in amounts}
    axis = Places(of, [(place[a], f"{a:g}") for a in amounts], along, False)
    low, high = span if span is not None else extent(drawn, known, level)
    steep = low > 0 and high > WIDE * low
    limits = (low * 0.85, high * 1.18) if steep else lines.aired([low, high], 1.0)
    limits = tuple(scale.factor * v for v in limits)  # type: ignore[assignment]

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.blank(figure, scale.name, limits, heading)
        if steep:
            axes.set_yscale("log")
            ticks = _ticks(*limits)
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.set_yticks([], minor=True)
            axes.set_ylim(*limits)
        marks: list[Mark] = []
        for course in sorted(drawn, key=lambda c: (c.slot is not None, -c.place)):
            marks = _line(axes, course, scale, place, limits[0]) + marks
        for one in known:
            marks.append(_open(axes, one, scale.factor, place[one.at]))
        if level is not None and math.isfinite(level.value):
            axes.axhline(scale.factor * level.value, color=INK, linewidth=0.6, zorder=1.5)
        axis.dress(axes)
        if len(amounts) > FEW:
            round_ = _round(amounts[0], amounts[-1])
            axes.set_xticks([], minor=True)
            axes.set_xticks(round_, [f"{tick:,g}" for tick in round_])
        return marks

    return Drawing(WIDTH, HEIGHT, title or f"{scale.name} against {along}: {', '.join(c.label for c in drawn)}", paint)


def extent(drawn: Sequence[Course], known: Sequence[Known] = (), level: Interval | None = None) -> tuple[float, float]:
    """The smallest and the largest error of some lines; limits of intervals count where they are above zero."""
    seen = [v for c in drawn for _, interval, _ in c.points for v in interval] + [k.value for k in known]
    seen += [] if level is None else [level.value]
    # Of few chips a limit may be next to nothing: the axis belongs to what was measured.
    floor = 0.5 * min((i.value for c in drawn for _, i, _ in c.points if i.value > 0), default=0.0)
    found = [v for v in seen if math.isfinite(v) and v >= floor] or [0.0, 1.0]
    return min(found), max(found)


def _line(axes: Axes, course: Course, scale: Scale, place: dict[float, float], floor: float) -> list[Mark]:
    points = [point for point in course.points if math.isfinite(point[1].value)]
    x, y = [place[amount] for amount, *_ in points], [scale.axis(interval) for _, interval, _ in points]
    held = [type(i)(i.value, max(i.low, floor) if math.isfinite(i.low) else i.low, i.high) for i in y]
    if len(place) > FEW:
        colour = series(course.slot)[0]
        (line,) = axes.plot(x, [i.value for i in held], color=colour, zorder=4)
        band = axes.fill_between(
            x, [i.low for i in held], [i.high for i in held], color=colour, alpha=0.22, linewidth=0
        )
        tie(line, course.place)
        tie(band, course.place)
    else:
        lines.paint(axes, lines.Trace(x, held, [], [math.nan] * len(x), []), course.slot or 0)
    return [Mark(axes, a, i.value, course.place, words) for a, i, (*_, words) in zip(x, y, points, strict=True)]


def _open(axes: Axes, one: Known, factor: float, at: float) -> Mark:
    marker, size = OPEN[one.kind]
    (drawn,) = axes.plot(
        [at], [factor * one.value], color=series(one.slot)[0], linestyle="", marker=marker, markersize=size,
        markerfacecolor=PAPER, markeredgewidth=0.9, zorder=5,
    )  # fmt: skip
    tie(drawn, one.place)
    return Mark(axes, at, factor * one.value, one.place, one.words)


def _round(low: float, high: float) -> list[float]:
    """A few round numbers within the limits."""
    from matplotlib.ticker import MaxNLocator

    return [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def _ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... within the limits."""
    decades_ = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [round(m * 10.0**k, 10) for k in decades_ for m in (1, 2, 5) if low <= m * 10.0**k <= high]
