"""Metric against age: does the chip that passed in the factory still pass in the field?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mho.errors import SpecError
from mho.reports.figures import lines
from mho.reports.figures.canvas import draw, thinned
from mho.reports.scale import scale_of, tail_of
from mho.reports.wording import sigma_words
from mho.units import format_duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mho.evaluation.result import Result


def ageing(results: Mapping[str, Result], sigma: float | None = None, *, legend: bool = True) -> str:
    """Mean, lowest percentile and worst chip against age (logarithmic) at one sigma, as themed SVG.

    Age zero, which a logarithm does not have, stands at the left of the smallest positive age.

    Args:
        results: label to result; one colour and marker a label.
        sigma: of the chips shown; results without it are left out. ``None``: every result at its only, or its
            largest, sigma.
        legend: name the series inside the axes.

    Raises:
        SpecError: there are no results at this sigma, or they measure different things.
    """
    scale = scale_of(results)
    chosen = {label: _sigma(result, sigma) for label, result in results.items()}
    if not any(index is not None for index in chosen.values()):
        raise SpecError(f"no result has sigma {sigma:g}")
    places = _places(results)

    def paint(figure: Figure) -> None:
        axes = lines.frame(figure, results, sigma_words(sigma) if sigma is not None else "")
        for i, (label, result) in enumerate(results.items()):
            index = chosen[label]
            if index is None:
                continue
            n = len(result.age)
            row = list(result.populations())[index * n : (index + 1) * n]
            here = [(places[p.age], p) for p in row]
            lines.paint(axes, lines.Trace.of(here, scale, tail_of(result)), i, label)
        lines.reference(axes, results)
        ages, ticks = sorted(places), sorted(places.values())
        span = (ticks[-1] - ticks[0]) or 1.0
        shown = thinned(ticks, 0.1 * span)
        axes.set_xticks(ticks, minor=True)
        axes.set_xticks([ticks[i] for i in shown], [format_duration(ages[i]) for i in shown])
        axes.set_xlim(ticks[0] - 0.06 * span, ticks[-1] + 0.06 * span)
        axes.set_xlabel("time since programming", labelpad=5)
        if legend:
            axes.legend(loc="lower left")

    where = f" at {sigma_words(sigma)}" if sigma is not None else ""
    title = f"{scale.name} against time since programming{where}: {', '.join(results)}"
    return draw(lines.WIDTH, lines.HEIGHT, title, paint)


def _sigma(result: Result, sigma: float | None) -> int | None:
    if sigma is None:
        return max(range(len(result.sigma)), key=lambda i: result.sigma[i] or 0.0)
    near = [i for i, s in enumerate(result.sigma) if s is not None and math.isclose(s, sigma, rel_tol=1e-9)]
    return near[0] if near else None


def _places(results: Mapping[str, Result]) -> dict[float, float]:
    """Age to place on the axis: decades, and zero one tick left of them."""
    ages = sorted({a for r in results.values() for a in r.age})
    decades = {a: math.log10(a) for a in ages if a > 0}
    if not decades:
        return dict.fromkeys(ages, 0.0)
    first, last = min(decades.values()), max(decades.values())
    return {a: decades.get(a, first - max(0.14 * (last - first), 0.5)) for a in ages}
