"""Every chip of a population: the shape of the crowd, and the single unlucky chips that a mean hides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.figures import lines
from mho.reports.figures.canvas import INK, MUTED, PAPER, draw, plain, series
from mho.reports.scale import Scale, Tail, scale_of, tail_of
from mho.reports.wording import age_words, sigma_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mho.evaluation.result import Population, Result

BINS, TICKS, ROWS, ROW = 56, 220, 12, 48


def distribution(
    result: Result,
    age: float | None = None,
    *,
    label: str | None = None,
    index: int = 0,
    limits: tuple[float, float] | None = None,
) -> str:
    """Distribution of the metric over chips, one ridge a sigma, as themed SVG.

    The ridge is a histogram, scaled row by row. Below it every chip has a tick (chips nearer than the line is
    wide share one), so that a single unlucky chip is seen however many chips there are. A marker shows the
    mean, a dashed line the lowest percentile.

    Args:
        result: what to show; of more than 12 sigmas, 12 spread evenly.
        age: seconds; ``None`` takes the last age.
        label: what the title calls it; ``None`` takes the result's own label.
        index: which colour and marker.
        limits: of the x axis, as it shows them; ``None`` covers all ages and sigmas of this result.

    Raises:
        SpecError: the result does not have this age.
    """
    at = result.age[-1] if age is None else age
    step = max(len(result.sigma) - 1, 1) / (ROWS - 1)
    picked = sorted({min(round(i * step), len(result.sigma) - 1) for i in range(ROWS)})
    rows = picked if len(result.sigma) > ROWS else list(range(len(result.sigma)))
    j = result.age.index(at) if at in result.age else result.age.index(result.at(sigma=result.sigma[0], age=at).age)
    everyone = list(result.populations())
    populations = [everyone[i * len(result.age) + j] for i in rows]
    name = result.label if label is None else label
    span = limits or lines.limits({name: result})
    scale, tail = scale_of({name: result}), tail_of(result)

    def paint(figure: Figure) -> None:
        width, height = (72 * float(v) for v in figure.get_size_inches())
        axes = figure.add_axes((50 / width, 44 / height, 1 - 64 / width, 1 - 70 / height))
        axes.spines[["left"]].set_visible(False)
        axes.set_xlim(*span)
        axes.set_ylim(len(rows) - 0.72, -0.98)
        axes.grid(axis="x")
        for row, population in enumerate(populations):
            _ridge(axes, population, row, scale, tail, span, index)
        if math.isfinite(result.digital):
            axes.axvline(scale.factor * result.digital, color=INK, linewidth=0.8, zorder=1.5)
        axes.set_yticks(range(len(rows)), [_sigma(p.sigma) for p in populations])
        axes.set_xlabel(plain(scale.name, 40), labelpad=5)
        axes.set_title("sigma", x=-0.03, ha="right", fontsize=11, color=MUTED, pad=4)
        axes.set_title(f"{plain(name, 24)}, {age_words(at)}", loc="right", fontsize=11.5, pad=4)

    words = f"Distribution of {result.metric} over {result.chips} chips, {name}, {age_words(at)}"
    return draw(lines.WIDTH, 70 + ROW * len(rows), words, paint)


def _ridge(
    axes: Axes,
    population: Population,
    row: int,
    scale: Scale,
    tail: Tail,
    span: tuple[float, float],
    index: int,
) -> None:
    import numpy as np

    colour, marker = series(index)
    values = scale.factor * population.values[np.isfinite(population.values)]
    axes.axhline(row, color=colour, linewidth=0.7, alpha=0.6)
    if not len(values):
        axes.text(span[0], row - 0.1, " no values", color=MUTED, fontsize=10)
        return
    counts, edges = np.histogram(values, bins=BINS, range=span)
    axes.stairs(row - 0.72 * counts / max(counts.max(), 1), edges, baseline=row, fill=True, color=colour, alpha=0.3)
    places = np.unique(np.round((values - span[0]) / (span[1] - span[0]) * TICKS)) / TICKS
    _ticks(axes, span[0] + places * (span[1] - span[0]), row, colour)
    if tail.k is not None and len(values) > 1:
        at = scale.factor * population.percentile(tail.k).value
        axes.plot([at, at], [row + 0.2, row - 0.5], color=colour, linewidth=1.2, linestyle=(0, (3, 2)))
    axes.plot([values.mean()], [row], color=colour, marker=marker, markersize=6.5, markeredgecolor=PAPER, zorder=4)
    _worst(axes, float(values.min() if tail.low else values.max()), row, scale, tail, span)


def _ticks(axes: Axes, places: object, row: int, colour: str) -> None:
    """All ticks as one path: ten thousand chips cost no more than two hundred."""
    import numpy as np
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x = np.repeat(np.asarray(places, dtype=float), 2)
    y = np.tile([row + 0.04, row + 0.2], len(x) // 2)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(x) // 2)
    axes.add_patch(PathPatch(Path(np.column_stack([x, y]), codes), edgecolor=colour, facecolor="none", linewidth=1.0))


def _worst(axes: Axes, worst: float, row: int, scale: Scale, tail: Tail, span: tuple[float, float]) -> None:
    """The unluckiest chip's number, beyond its tick where there is room, else above it."""
    text, side = scale.text(worst / scale.factor, 1), -1 if tail.low else 1
    room = (worst - span[0] if tail.low else span[1] - worst) / (span[1] - span[0])
    outward, inward = ("right", "left") if tail.low else ("left", "right")
    if room > 0.16:
        beyond = worst + side * 0.012 * (span[1] - span[0])
        axes.text(beyond, row + 0.23, text, color=INK, fontsize=10, ha=outward)
    else:
        axes.text(worst, row - 0.07, text, color=INK, fontsize=10, ha=inward)


def _sigma(sigma: float | None) -> str:
    return "own" if sigma is None else sigma_words(sigma).removeprefix("sigma ")
