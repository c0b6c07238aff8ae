"""The figures of a racetrack memory, in the order of the questions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mho.reports import figures
from mho.reports.figures import Bar, Choice, Course, Key, Tint
from mho.reports.labels import listed
from mho.reports.plates import PANELS, Plate
from mho.reports.racetrack.layers import Compared, Layer
from mho.reports.racetrack.lines import Line
from mho.reports.racetrack.phrases import called, points
from mho.reports.racetrack.view import Racetracks
from mho.reports.wording import NBSP, capital, count, share, since

if TYPE_CHECKING:
    from mho.evaluation.statistics import Interval

ROWS = 40  # layers that a heat map shows; of more, those that cost most
FULL = 0.1  # a loss of a fraction that has the deepest colour, where no layer loses more
ALONG = since("inferences")
MORE = "more cycles than without protection, %"


def plates(view: Racetracks, specs: Mapping[str, str]) -> list[Plate]:
    """Accuracy against inferences; layers alone, as curves and as heat maps; overhead; what is left against it."""
    out = []
    if view.lines:
        out.append(_inferences(view, specs))
    if view.compared is not None and view.curves is not None:
        out.append(_exposure(view, view.compared, specs))
    if view.heat is not None:
        out.append(_heat(view, specs))
    if any(line.slot is not None and line.overhead > 0 for line in view.selections):
        out.append(_protection(view, specs))
    return out


def _inferences(view: Racetracks, specs: Mapping[str, str]) -> Plate:
    drawn = [line for line in view.lines if line.slot is not None]
    courses = [Course(called(view, line), line.index, line.slot, _points(view, line), line.worst) for line in drawn]
    panel = figures.courses(courses, view.scale, ALONG, view.digital)
    keys = [Key(called(view, line), "mean", line.slot, (line.index,)) for line in drawn]
    keys += [Key("mean and its interval", "mean"), Key(f"{view.extreme} chip seen", "extreme")]
    keys += [Key("without faults", "digital")] * math.isfinite(view.digital)
    what = "by protected layers" if view.selections else "of each memory" if len(drawn) > 1 else ""
    caption = f"{capital(view.scale.metric)} {what}{' ' * bool(what)}against inferences (logarithmic, zero apart)."
    hidden = len(view.lines) - len(drawn)
    caption += f" {hidden} more choices are in the last figure and in the tables." if hidden else ""
    return Plate("inferences", [panel], caption, keys, specs)


def _exposure(view: Racetracks, found: Compared, specs: Mapping[str, str]) -> Plate:
    courses = [
        Course(layer.name, layer.place, layer.slot, [(e, m, _asked(view, layer, k)) for k, (e, _, m) in
                                                     enumerate(layer.points)])
        for layer in found.layers
    ]  # fmt: skip
    along = "expected faults of a track"
    title = f"{view.scale.name} when one layer alone ages, against {along}"
    panel = figures.courses(courses, view.scale, along, view.digital, title=title)
    ranked = [layer for layer in found.ranked if layer.slot is not None]
    keys = [Key(layer.name, "mean", layer.slot, (layer.place,)) for layer in ranked]
    others = tuple(layer.place for layer in found.layers if layer.slot is None)
    keys += [Key(f"the other {len(others)} layers", "line", None, others)] * bool(others)
    keys += [Key("mean and its interval", "mean"), Key("without faults", "digital")]
    caption = (
        f"{capital(view.scale.metric)} when one layer alone ages, against the expected faults of one of its tracks: "
        "inferences × shifts × fault rate."
    )
    return Plate("layers", [panel], caption, keys, specs)


def _heat(view: Racetracks, specs: Mapping[str, str]) -> Plate:
    heat = view.heat
    assert heat is not None
    rates, bits = sorted(heat.rates), sorted(heat.bits)
    if len(rates) > PANELS:
        own = view.compared.rate if view.compared is not None else rates[0]
        rates = [rates[0], own if own in rates[1:-1] else rates[len(rates) // 2], rates[-1]]
    worst = sorted(range(len(heat.layers)), key=lambda i: -_harshest(heat.drop[i]))[:ROWS]
    rows = sorted(worst)
    deepest = max(_harshest(heat.drop), FULL if view.scale.fraction else 0.0)
    factor = 100.0 if view.scale.fraction else 1.0

    def tint(i: int, j: int, k: int) -> Tint:
        value, low, high = (float(a[i, j, k]) for a in (heat.drop, heat.low, heat.high))
        if math.isnan(value):
            return Tint(math.nan, "–", f"{heat.layers[i]}\nunknown")
        more, less = bool(heat.outside[i, j, k]), bool(heat.below[i, j, k])
        limits = "" if math.isnan(low) else f" [{factor * low:.3g}, {factor * high:.3g}]"
        words = [
            heat.layers[i],
            f"{heat.bits[k]} bits, {heat.rates[j]:g} faults a shift, {heat.inferences:,} inferences",
            f"costs {'at least ' * more}{'at most ' * less}{points(view, value)}{limits}".replace("-", "−"),
            f"{float(heat.exposure[i, j, k]):.3g} expected faults of a track",
        ]
        return Tint(
            max(value, 0.0) / deepest if deepest else 0.0,
            "≥" * more + "≤" * less + _short(factor * value),
            "\n".join(words),
        )

    panels = []
    for rate in rates:
        j = heat.rates.index(rate)
        cells = [[tint(i, j, heat.bits.index(b)) for b in bits] for i in rows]
        heading = f"{rate:g} faults a shift"
        title = f"Loss by layer and track length at {heading}"
        names = [heat.layers[i] for i in rows]
        panels.append(figures.heat(names, [f"{b}" for b in bits], cells, along="bits of a track", heading=heading,
                                   title=title))  # fmt: skip
    unit = "Percentage points" if view.scale.fraction else capital(view.scale.metric)
    caption = (
        f"{unit} lost after {heat.inferences:,} inferences when one layer alone ages, read off the layer’s curve at "
        f"{'these' if len(panels) > 1 else 'this'} fault rate{'s' * (len(panels) > 1)} and track lengths."
    )
    caption += " ≥: more faults than were measured." if bool(heat.outside.any()) else ""
    caption += " ≤: fewer faults than were measured." if bool(heat.below.any()) else ""
    caption += f" The {ROWS} of {len(heat.layers)} layers that cost most." if len(heat.layers) > ROWS else ""
    return Plate("layer-heat", panels, caption, [], specs)


def _protection(view: Racetracks, specs: Mapping[str, str]) -> Plate:
    """Bars of what the choices cost, beside what is left of the metric for it."""
    known = [s for s in view.selections if s.slot is not None]
    bars = [
        Bar(called(view, s), s.index, s.slot, 100 * s.overhead, share(s.overhead, 3), _told(view, s, -1))
        for s in sorted(known, key=lambda s: s.overhead)
    ]
    cost = figures.bars(bars, MORE, "", f"Overhead of {listed([s.name for s in known])}")
    drawn = [
        Choice(s.name, s.index, s.slot, 100 * s.overhead, s.last, _told(view, s, -1), s.best) for s in view.selections
    ]
    left = figures.pareto(drawn, view.scale, MORE, target=view.target, digital=view.digital)
    keys = [Key(called(view, s), "mean", s.slot, (s.index,)) for s in known]
    others = tuple(s.index for s in view.selections if s.slot is None)
    keys += [Key(f"{len(others)} other choices", "extreme", None, others)] * bool(others)
    keys += [Key("best for its cost", "line")] * any(s.best for s in view.selections)
    keys += [Key("target", "percentile")] * math.isfinite(view.target)
    keys += [Key("without faults", "digital")] * math.isfinite(view.digital)
    age = view.selections[0].age[-1]
    code = f" with {view.code}" if view.code else ""
    caption = (
        f"Cycles that protection{code} adds to the {count(view.base_cycles)} cycles of shifts and reads of an "
        f"inference, and the {view.scale.metric} that is left after {age:,.0f} inferences, with "
        f"{100 * view.confidence:g}{NBSP}% intervals over chips."
    )
    caption += " No choice lies above the line." if any(s.best for s in view.selections) else ""
    return Plate("protection", [cost, left], caption, keys, specs)


def _points(view: Racetracks, line: Line) -> list[tuple[float, Interval, str]]:
    return [(age, line.means[j], _told(view, line, j)) for j, age in enumerate(line.age)]


def _told(view: Racetracks, line: Line, j: int) -> str:
    """What a line says at one age when it is asked."""
    out = [called(view, line), f"{line.age[j]:,.0f} inferences", f"mean {view.scale.measured(line.means[j])}"]
    out.append(f"{view.extreme} {view.scale.said(line.worst[j])} of {line.chips:,} chips")
    if line.layers is not None:
        out.append(f"{len(line.layers)} of {len(view.every)} layers protected, {share(line.overhead, 3)} more cycles")
    return "\n".join(out)


def _asked(view: Racetracks, layer: Layer, k: int) -> str:
    """What a layer says at one point when it is asked."""
    exposure, inferences, mean = layer.points[k]
    faults = f"{exposure:.3g} expected faults of a track"
    return f"{layer.name} alone\n{faults}, {inferences:,} inferences\nmean {view.scale.measured(mean)}"


def _harshest(drop: object) -> float:
    import numpy as np

    values = np.asarray(drop, dtype=float)
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def _short(value: float) -> str:
    return (f"{value:.0f}" if abs(value) >= 9.95 else f"{value:.1f}").replace("-0.0", "0.0").replace("-", "−")
