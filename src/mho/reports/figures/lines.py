"""The lines that severity and ageing share: mean and percentile with their bands, the worst chip seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.figures.canvas import INK, MUTED, PAPER, draw, plain, series
from mho.reports.scale import Scale, Tail, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mho.evaluation.result import Population, Result
    from mho.evaluation.statistics import Interval

WIDTH, HEIGHT = 360, 270


class Trace(NamedTuple):
    """One series: where its populations stand on the x axis, and their statistics as the axis shows them."""

    places: list[float]
    mean: list[Interval]
    percentile: list[Interval]
    extreme: list[float]

    @classmethod
    def of(cls, populations: Iterable[tuple[float, Population]], scale: Scale, tail: Tail) -> Trace:
        """The trace of populations at their places."""
        known = [(x, p) for x, p in populations if not math.isnan(p.mean.value)]
        known.sort(key=lambda pair: pair[0])
        return cls(
            [x for x, _ in known],
            [_scaled(p.mean, scale) for _, p in known],
            [] if tail.k is None else [_scaled(p.percentile(tail.k), scale) for _, p in known],
            [scale.factor * tail.extreme(p) for _, p in known],
        )


def limits(results: Mapping[str, Result]) -> tuple[float, float]:
    """Limits of an axis that holds every chip of every population and the digital reference, with some air."""
    factor = scale_of(results).factor
    finite: list[float] = []
    for result in results.values():
        # A chip without a value is nan, and the least of numbers and a nan would be nan.
        values = result.values[abs(result.values) < math.inf]
        extremes = [float(values.min()), float(values.max())] if values.size else []
        finite += [factor * v for v in (*extremes, result.digital, result.ideal) if math.isfinite(v)]
    finite = finite or [0.0, 100.0]
    low, high = min(finite), max(finite)
    air = max(0.05 * (high - low), 2e-4 * factor)
    return low - air, high + air


def frame(figure: Figure, results: Mapping[str, Result], heading: str) -> Axes:
    """Axes with the metric on y, the digital reference as a thin line and ``heading`` above."""
    width, height = (72 * float(v) for v in figure.get_size_inches())
    axes = figure.add_axes((46 / width, 44 / height, 1 - 60 / width, 1 - 84 / height))
    axes.grid(axis="y")
    axes.set_ylim(*limits(results))
    axes.set_title(plain(scale_of(results).name, 30), loc="left", fontsize=11, color=MUTED, pad=9)
    axes.set_title(plain(heading, 36), loc="right", fontsize=11.5, color=INK, pad=9)
    return axes


def reference(axes: Axes, results: Mapping[str, Result]) -> None:
    """The digital network's score: one line and its number, or one coloured line for each network."""
    factor = scale_of(results).factor
    scores = {label: factor * r.digital for label, r in results.items() if math.isfinite(r.digital)}
    if len({round(s, 6) for s in scores.values()}) == 1:
        score = next(iter(scores.values()))
        axes.axhline(score, color=INK, linewidth=0.8, zorder=1.5)
        return
    for i, label in enumerate(results):
        if label in scores:
            axes.axhline(scores[label], color=series(i)[0], linewidth=0.8, zorder=1.5)


def paint(axes: Axes, trace: Trace, index: int, label: str) -> None:
    """Draw one trace; a band is missing where a limit is, and a single place gets bars instead of bands."""
    colour, marker = series(index)
    one = len(trace.places) == 1
    for statistic, shade, bar in ((trace.percentile, 0.10, 1.0), (trace.mean, 0.22, 2.4)):
        if one and statistic and _bounded(statistic[0]):
            axes.vlines(trace.places, statistic[0].low, statistic[0].high, color=colour, linewidth=bar, alpha=0.7)
        elif statistic and not one:
            known = [_bounded(s) for s in statistic]
            low, high = [s.low for s in statistic], [s.high for s in statistic]
            # A band of one known place among unknown ones has no width: a bar shows it.
            axes.fill_between(trace.places, low, high, where=known, color=colour, alpha=shade, linewidth=0)
            lone = [i for i, k in enumerate(known) if k and not any(known[max(i - 1, 0) : i] + known[i + 1 : i + 2])]
            for i in lone:
                axes.vlines(trace.places[i], low[i], high[i], color=colour, linewidth=bar, alpha=0.7)
    if trace.percentile:
        axes.plot(
            trace.places, [s.value for s in trace.percentile], color=colour, linewidth=1.2,
            linestyle=(0, (4, 2.5)), marker="_" if one else "", markersize=12, markeredgewidth=1.4,
        )  # fmt: skip
    axes.plot(trace.places, trace.extreme, color=colour, linestyle="", marker="o", markersize=2.8, zorder=3)
    axes.plot(
        trace.places, [s.value for s in trace.mean], color=colour, marker=marker, markersize=6.5,
        markeredgecolor=PAPER, markeredgewidth=1.0, label=plain(label, 24), zorder=4,
    )  # fmt: skip


def swatch(index: int | None, kind: str = "mean") -> str:
    """A legend's little picture of a series, or (``None``) of a kind: mean, percentile, extreme, digital."""
    colour, marker = (MUTED, "") if index is None else series(index)

    def sketch(figure: Figure) -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 30), ylim=(0, 12))
        axes.axis("off")
        if kind == "extreme":
            axes.plot([15], [6], color=colour, marker="o", markersize=2.8)
            return
        if kind == "mean" and index is None:
            axes.fill_between([1, 29], [2.5, 2.5], [9.5, 9.5], color=colour, alpha=0.25, linewidth=0)
        axes.plot([1, 29], [6, 6], color=INK if kind == "digital" else colour,
                  linewidth={"digital": 0.8, "percentile": 1.2}.get(kind, 1.6),
                  linestyle=(0, (4, 2.5)) if kind == "percentile" else "-")  # fmt: skip
        if marker:
            axes.plot([15], [6], color=colour, marker=marker, markersize=6.5, markeredgecolor=PAPER)

    return draw(30, 12, "", sketch)


def _scaled(interval: Interval, scale: Scale) -> Interval:
    return type(interval)(*(scale.factor * v for v in interval))


def _bounded(interval: Interval) -> bool:
    return not (math.isnan(interval.low) or math.isnan(interval.high))
