"""Every chip of a population: the shape of the crowd, and the single unlucky chips that a mean hides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mho.reports.figures import lines
from mho.reports.figures.canvas import INK, MUTED, PAPER, WIDTH, Drawing, Mark, Sheet, inset, plain, series
from mho.reports.figures.words import words
from mho.reports.summary import Entry, Numbers, Summary
from mho.reports.wording import age_words, sigma_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS, TICKS, ROWS, ROW = 56, 220, 12, 34
Span = tuple[float, float]


def distribution(summary: Summary, entry: Entry, age: float | None = None, *, span: Span | None = None) -> Drawing:
    """Distribution of the metric over chips, one ridge a sigma.

    The ridge is a histogram, scaled row by row. Below it every chip has a tick (chips nearer than the line is
    wide share one), so that a single unlucky chip is seen however many chips there are. A marker shows the
    mean, a dashed line the lowest percentile.

    Args:
        summary: what the entry is one of.
        entry: what to show; of more than 12 sigmas, 12 spread evenly.
        age: ``None`` takes the last age.
        span: limits of the x axis, as it shows them; ``None`` covers every chip of this result.

    Raises:
        SpecError: the result does not have this age.
    """
    result = entry.result
    at = result.age[-1] if age is None else age
    step = max(len(result.sigma) - 1, 1) / (ROWS - 1)
    picked = sorted({min(round(i * step), len(result.sigma) - 1) for i in range(ROWS)})
    sigmas = [result.sigma[i] for i in (picked if len(result.sigma) > ROWS else range(len(result.sigma)))]
    populations = [result.at(sigma=s, age=at) for s in sigmas]
    numbers = [entry.at(p.sigma, p.age) for p in populations]
    limits = span or crowd(summary, entry)

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, 34, 30, 9, 18)
        axes.spines[["left"]].set_visible(False)
        axes.set_xlim(*limits)
        axes.set_ylim(len(sigmas) - 0.68, -0.98)
        axes.grid(axis="x")
        if summary.scale.fraction:  # no tick where no accuracy is
            axes.set_xticks([x for x in axes.get_xticks() if max(limits[0], 0) <= x <= min(limits[1], 100)])
        marks = []
        for row, (population, n) in enumerate(zip(populations, numbers, strict=True)):
            assert n is not None
            marks += _ridge(axes, population.values, n, row, summary, entry)
        if math.isfinite(result.digital):
            axes.axvline(summary.scale.factor * result.digital, color=INK, linewidth=0.6, zorder=1.5)
        axes.set_yticks(range(len(sigmas)), [_sigma(s) if entry.severe else "" for s in sigmas])
        axes.set_xlabel(plain(summary.scale.name, 40))
        if entry.severe:
            axes.set_title("sigma", x=-0.03, ha="right", color=MUTED, pad=3)
        axes.set_title(f"{plain(entry.short, 28)}, {age_words(at, summary.clock)}", loc="right", pad=3)
        return marks

    title = f"Distribution of {result.metric} over {result.chips} chips, {entry.label}, {age_words(at, summary.clock)}"
    return Drawing(WIDTH, 48 + ROW * len(sigmas), title, paint)


def crowd(summary: Summary, entry: Entry) -> Span:
    """Limits of an axis that holds every chip of the result, and the unluckiest one's number beyond it."""
    factor, result = summary.scale.factor, entry.result
    # A chip without a value is nan, and the least of numbers and a nan would be nan.
    values = result.values[abs(result.values) < math.inf]
    seen = [float(values.min()), float(values.max())] if values.size else []
    seen = [factor * v for v in (*seen, result.digital, result.ideal) if math.isfinite(v)]
    low, high = lines.aired(seen, factor)
    room = 0.12 * (high - low)
    return (low - room, high) if summary.tail.low else (low, high + room)


def _ridge(axes: Axes, chips: Any, n: Numbers, row: int, summary: Summary, entry: Entry) -> list[Mark]:
    import numpy as np

    slot = entry.index if not summary.many else 0
    colour, marker = series(slot)
    span, factor = axes.get_xlim(), summary.scale.factor
    values = factor * chips[np.isfinite(chips)]
    axes.axhline(row, color=colour, linewidth=0.5, alpha=0.6)
    if not len(values):
        axes.text(span[0], row - 0.1, " no values", color=MUTED)
        return []
    counts, edges = np.histogram(values, bins=BINS, range=span)
    axes.stairs(row - 0.72 * counts / max(counts.max(), 1), edges, baseline=row, fill=True, color=colour, alpha=0.3)
    places = np.unique(np.round((values - span[0]) / (span[1] - span[0]) * TICKS)) / TICKS
    _ticks(axes, span[0] + places * (span[1] - span[0]), row, colour)
    mean = factor * n.mean.value
    marks = [Mark(axes, mean, row, entry.index, words(summary, entry, n, "mean"))]
    unlucky = summary.unlucky(n)
    if unlucky is not None and len(values) > 1:
        at = factor * unlucky.value
        axes.plot([at, at], [row + 0.2, row - 0.5], color=colour, linewidth=0.85, linestyle=(0, (3, 2)))
        marks.append(Mark(axes, at, row - 0.15, entry.index, words(summary, entry, n, "percentile")))
    axes.plot([mean], [row], color=colour, marker=marker, markersize=4.6, markeredgecolor=PAPER, zorder=4)
    _worst(axes, float(values.min() if summary.tail.low else values.max()), row, summary)
    return marks


def _ticks(axes: Axes, places: Any, row: int, colour: str) -> None:
    """All ticks as one path: ten thousand chips cost no more than two hundred."""
    import numpy as np
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x = np.repeat(np.asarray(places, dtype=float), 2)
    y = np.tile([row + 0.04, row + 0.2], len(x) // 2)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(x) // 2)
    axes.add_patch(PathPatch(Path(np.column_stack([x, y]), codes), edgecolor=colour, facecolor="none", linewidth=0.7))


def _worst(axes: Axes, worst: float, row: int, summary: Summary) -> None:
    """The unluckiest chip's number, beyond its tick."""
    span, low = axes.get_xlim(), summary.tail.low
    beyond = worst + (-1 if low else 1) * 0.012 * (span[1] - span[0])
    text = summary.scale.text(worst / summary.scale.factor, 1)
    axes.text(beyond, row + 0.25, text, color=INK, ha="right" if low else "left")


def _sigma(sigma: float | None) -> str:
    return "own" if sigma is None else sigma_words(sigma).removeprefix("sigma ")
