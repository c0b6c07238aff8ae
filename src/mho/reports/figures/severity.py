"""Metric against sigma: how fast do the average chip and the unlucky chip give way?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mho.reports.figures import lines
from mho.reports.figures.canvas import draw, plain, thinned
from mho.reports.scale import Scale, scale_of, tail_of
from mho.reports.wording import age_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mho.evaluation.result import Population, Result


def severity(results: Mapping[str, Result], age: float | None = None, *, legend: bool = True) -> str:
    """Mean, lowest percentile and worst chip against sigma at one age, as themed SVG.

    The y axis covers all ages of all results, so that panels of different ages compare. Results of a single
    sigma each stand side by side, under their labels.

    Args:
        results: label to result; one colour and marker a label.
        age: seconds; ``None`` takes the last age of the first result. Results without this age are left out.
        legend: name the series inside the axes.

    Raises:
        SpecError: there are no results, or they measure different things.
    """
    scale = scale_of(results)
    at = next(iter(results.values())).age[-1] if age is None else age
    columns = all(len(r.sigma) == 1 for r in results.values())
    places = _columns(results) if columns else _numbers(results)

    def paint(figure: Figure) -> None:
        axes = lines.frame(figure, results, age_words(at))
        for i, (label, result) in enumerate(results.items()):
            if at not in result.age:
                continue
            here = [(places[_key(label, s, columns)][0], p) for s, p in _populations(result, at)]
            lines.paint(axes, lines.Trace.of(here, scale, tail_of(result)), i, label)
        lines.reference(axes, results)
        ticks = sorted(set(places.values()))
        span = (ticks[-1][0] - ticks[0][0]) or 1.0
        axes.set_xlim(ticks[0][0] - 0.06 * span, ticks[-1][0] + 0.06 * span)
        shown = thinned([x for x, _ in ticks], 0 if columns else 0.085 * span)
        longest = max(4, 44 // len(ticks))
        axes.set_xticks([x for x, _ in ticks], minor=True)
        axes.set_xticks([ticks[i][0] for i in shown], [plain(ticks[i][1], longest) for i in shown])
        axes.set_xlabel("" if columns else "sigma, fraction of the conductance range", labelpad=5)
        if columns:
            axes.set_xlim(ticks[0][0] - 0.5, ticks[-1][0] + 0.5)
        if legend and not columns:
            axes.legend(loc="lower left")

    return draw(lines.WIDTH, lines.HEIGHT, _title(results, scale, at), paint)


def _populations(result: Result, age: float) -> list[tuple[float | None, Population]]:
    j = result.age.index(age)
    return [(p.sigma, p) for n, p in enumerate(result.populations()) if n % len(result.age) == j]


def _key(label: str, sigma: float | None, columns: bool) -> object:
    return label if columns else sigma


def _columns(results: Mapping[str, Result]) -> dict[object, tuple[float, str]]:
    return {label: (float(i), label) for i, label in enumerate(results)}


def _numbers(results: Mapping[str, Result]) -> dict[object, tuple[float, str]]:
    """Place and tick of every sigma; a device's own sigma, which has no number here, stands on the right."""
    known = sorted({s for r in results.values() for s in r.sigma if s is not None})
    places: dict[object, tuple[float, str]] = {s: (s, f"{s:g}") for s in known}
    if any(s is None for r in results.values() for s in r.sigma):
        places[None] = (known[-1] + 0.18 * ((known[-1] - known[0]) or 1.0), "own")
    return places


def _title(results: Mapping[str, Result], scale: Scale, age: float) -> str:
    return f"{scale.name} against sigma, {age_words(age)}: {', '.join(results)}"
