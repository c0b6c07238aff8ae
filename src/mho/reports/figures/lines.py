"""The lines that severity and ageing share: mean and percentile with their bands, the worst chip seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures.canvas import INK, MUTED, PAPER, Mark, Sheet, inset, plain, series, tie
from mho.reports.figures.words import words
from mho.reports.summary import Entry, Numbers, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mho.evaluation.statistics import Interval

DASHES = (0, (4, 2.5))


class Trace(NamedTuple):
    """One series: where its populations stand on the x axis, and their statistics as the axis shows them."""

    places: list[float]
    mean: list[Interval]
    unlucky: list[Interval]
    extreme: list[float]
    numbers: list[Numbers]

    @classmethod
    def of(cls, summary: Summary, placed: list[tuple[float, Numbers]]) -> Trace:
        """The trace of populations at their places; those without a value are left out."""
        known = sorted((x, n) for x, n in placed if not math.isnan(n.mean.value))
        axis = summary.scale.axis
        return cls(
            [x for x, _ in known],
            [axis(n.mean) for _, n in known],
            [axis(i) for _, n in known if (i := summary.unlucky(n)) is not None],
            [summary.scale.factor * n.extreme for _, n in known],
            [n for _, n in known],
        )

    def marks(self, axes: Axes, summary: Summary, entry: Entry) -> list[Mark]:
        """What can be asked about: every mean and every percentile."""
        out = []
        for statistic, name in ((self.mean, "mean"), (self.unlucky, "percentile")):
            for x, interval, n in zip(self.places, statistic, self.numbers, strict=bool(statistic)):
                out.append(Mark(axes, x, interval.value, entry.index, words(summary, entry, n, name)))
        return out


def limits(summary: Summary) -> tuple[float, float]:
    """Limits of an axis that holds every statistic of every population and the digital reference, with some air."""
    factor = summary.scale.factor
    seen: list[float] = []
    for entry in summary.entries:
        seen += [entry.result.digital, entry.result.ideal]
        for n in entry.numbers:
            seen += [n.extreme, *n.mean]
            unlucky = summary.unlucky(n)
            seen += unlucky or []
    return aired([factor * v for v in seen if math.isfinite(v)], factor)


def aired(seen: list[float], factor: float) -> tuple[float, float]:
    """Limits somewhat wider than ``seen``; all of them in what the axis shows."""
    low, high = min(seen, default=0.0), max(seen, default=100.0)
    air = max(0.05 * (high - low), 2e-4 * factor)
    return low - air, high + air


def frame(figure: Sheet, summary: Summary, heading: str, below: float = 0.0) -> Axes:
    """Axes with the metric on y, ``heading`` above, and ``below`` points more than usual under them."""
    return blank(figure, summary.scale.name, limits(summary), heading, below=below)


def blank(
    figure: Sheet, name: str, span: tuple[float, float], heading: str, above: float = 0.0, below: float = 0.0
) -> Axes:
    """Axes with ``name`` on y and ``heading`` above; ``above`` points between these, ``below`` more under the axes."""
    axes = inset(figure, 31, 30 + below, 9, 21 + above)
    axes.grid(axis="y")
    axes.set_ylim(*span)
    axes.set_title(plain(name, 30), loc="left", color=MUTED, pad=6 + above)
    axes.set_title(plain(heading, 36), loc="right", color=INK, pad=6 + above)
    return axes


def reference(axes: Axes, summary: Summary) -> None:
    """The digital network's score: one line, or one coloured line for each network."""
    factor = summary.scale.factor
    levels(axes, {e.index: factor * e.result.digital for e in summary.entries if math.isfinite(e.result.digital)})


def levels(axes: Axes, scores: dict[int, float]) -> None:
    """Scores by series, as horizontal lines: one in ink where all are the same."""
    if len({round(s, 6) for s in scores.values()}) == 1:
        axes.axhline(next(iter(scores.values())), color=INK, linewidth=0.6, zorder=1.5)
        return
    for index, score in scores.items():
        tie(axes.axhline(score, color=series(index)[0], linewidth=0.6, zorder=1.5), index)


def paint(axes: Axes, trace: Trace, index: int) -> None:
    """Draw one trace; a band is missing where a limit is, and a single place gets bars instead of bands."""
    colour, marker = series(index)
    one = len(trace.places) == 1
    for statistic, shade, bar in ((trace.unlucky, 0.10, 0.7), (trace.mean, 0.22, 1.7)):
        if not statistic:
            continue
        known = [_bounded(s) for s in statistic]
        low, high = [s.low for s in statistic], [s.high for s in statistic]
        if not one and any(known):
            band = axes.fill_between(trace.places, low, high, where=known, color=colour, alpha=shade, linewidth=0)
            tie(band, index)
        # A band of one known place among unknown ones has no width: a bar shows it.
        for i, k in enumerate(known):
            if k and not any(known[max(i - 1, 0) : i] + known[i + 1 : i + 2]):
                tie(axes.vlines(trace.places[i], low[i], high[i], color=colour, linewidth=bar, alpha=0.7), index)
    drawn = []
    if trace.unlucky:
        drawn += axes.plot(
            trace.places, [s.value for s in trace.unlucky], color=colour, linewidth=0.85,
            linestyle=DASHES, marker="_" if one else "", markersize=8.5, markeredgewidth=1.0,
        )  # fmt: skip
    drawn += axes.plot(trace.places, trace.extreme, color=colour, linestyle="", marker="o", markersize=2, zorder=3)
    drawn += axes.plot(
        trace.places, [s.value for s in trace.mean], color=colour, marker=marker, markersize=4.6,
        markeredgecolor=PAPER, markeredgewidth=0.7, zorder=4,
    )  # fmt: skip
    for line in drawn:
        tie(line, index)


def _bounded(interval: Interval) -> bool:
    return not (math.isnan(interval.low) or math.isnan(interval.high))
