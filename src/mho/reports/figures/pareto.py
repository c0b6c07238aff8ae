"""What is left against what it costs: every choice a point, and the line that no choice beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures import lines
from mho.reports.figures.canvas import HEIGHT, MUTED, PAPER, WIDTH, Drawing, Mark, Sheet, series, tie
from mho.reports.scale import Scale

if TYPE_CHECKING:
    from mho.evaluation.statistics import Interval


class Choice(NamedTuple):
    """One point.

    Attributes:
        label: its name.
        place: its number among all choices; what the legend brings forward.
        slot: its colour and marker; ``None`` for one without a name, drawn small in the background.
        cost: on the x axis.
        metric: what is left, with its interval.
        words: what it says when it is asked.
        best: no choice costs less and leaves more; the line goes through it.
    """

    label: str
    place: int
    slot: int | None
    cost: float
    metric: Interval
    words: str
    best: bool = False


def pareto(
    drawn: Sequence[Choice],
    scale: Scale,
    along: str,
    *,
    target: float = math.nan,
    digital: float = math.nan,
    heading: str = "",
    title: str = "",
) -> Drawing:
    """Metric against cost. The line is a stair: a budget between two points buys what the cheaper one leaves.

    Args:
        drawn: the choices.
        scale: how their metric is shown.
        along: what the x axis is.
        target: a dashed line; ``nan`` for none.
        digital: a thin line; ``nan`` for none.
        heading: above the axes.
        title: for screen readers.
    """
    known = [c for c in drawn if math.isfinite(c.metric.value) and math.isfinite(c.cost)]
    seen = [v for c in known for v in (c.metric if c.slot is not None else c.metric[:1])] + [target, digital]
    span = lines.aired([scale.factor * v for v in seen if math.isfinite(v)], scale.factor)
    longest = max((c.cost for c in known), default=0.0) or 1.0
    front = sorted((c for c in known if c.best), key=lambda c: c.cost)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.blank(figure, scale.name, span, heading)
        axes.set(xlim=(-0.05 * longest, 1.06 * longest), xlabel=along)
        if front:
            x, y = [c.cost for c in front], [scale.factor * c.metric.value for c in front]
            axes.plot([*x, 1.06 * longest], [*y, y[-1]], color=MUTED, linewidth=0.9, drawstyle="steps-post", zorder=1.6)
        if math.isfinite(target):
            axes.axhline(scale.factor * target, color=MUTED, linewidth=0.85, linestyle=lines.DASHES, zorder=1.5)
        if math.isfinite(digital):
            lines.levels(axes, {0: scale.factor * digital})
        marks = []
        for choice in sorted(known, key=lambda c: (c.slot is not None, -c.place)):
            colour, marker = series(choice.slot)
            _, low, high = at = scale.axis(choice.metric)
            if choice.slot is not None and not (math.isnan(low) or math.isnan(high)):
                tie(axes.vlines(choice.cost, low, high, color=colour, linewidth=1.2, alpha=0.7), choice.place)
            size, edge, above = (3.2, 0.0, 3) if choice.slot is None else (5.4, 0.6, 4)
            (point,) = axes.plot(
                [choice.cost], [at.value], color=colour, linestyle="", marker=marker, markersize=size,
                markeredgecolor=PAPER, markeredgewidth=edge, zorder=above,
            )  # fmt: skip
            tie(point, choice.place)
            marks.append(Mark(axes, choice.cost, at.value, choice.place, choice.words))
        return marks[::-1]

    return Drawing(WIDTH, HEIGHT, title or f"{scale.name} against {along}", paint)
