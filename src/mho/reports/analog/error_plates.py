"""The figures of errors: of programmed arrays against references and samples, of networks against any axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from mho.analog.experiments.intervals import FEWEST, bounded
from mho.analog.published_errors import PROGRAMMING_ERRORS, SIZE
from mho.reports import figures
from mho.reports.analog import comparing
from mho.reports.analog.phrases import (
    AXES,
    ERROR,
    TEST,
    amount,
    chips,
    kind,
    measured,
    place,
    seeds,
    several,
    states,
    test_error,
)
from mho.reports.analog.view import Analog
from mho.reports.figures import Course, Key, Known
from mho.reports.plates import Plate
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.analog.experiments.programming_result import Level, Programming
    from mho.analog.experiments.sweep_result import Sweep, Trained

PANELS = 6
SOURCES = {"paper": "open", "aihwkit": "other"}
"""Who reports an error, and how it is drawn."""
NAMED = {"paper": "published [rasch2024fast]", "aihwkit": "measured in aihwkit"}


def programming(view: Analog, source: Programming, specs: Mapping[str, str]) -> Plate:
    """Errors against the error of the reference, a panel a number of states."""
    shown: list[float | None] = [n for n in source.n_states if n is not None]
    found: list[tuple[float | None, list[Course], list[Known]]] = []
    for n in (shown or [None])[:PANELS]:
        drawn = []
        for label in source.labels:
            mine = [level for level in source.levels if level.label == label and level.n_states in (n, None)]
            points = [(lv.reference_std, lv.error(view.confidence), _level(view, source, lv)) for lv in mine]
            drawn.append(Course(label, view.slots[label], view.slots[label], sorted(points, key=lambda p: p[0])))
        found.append((n, drawn, _known(view, source, n) if source.size == SIZE else []))
    spans = [figures.extent(drawn, known) for _, drawn, known in found]
    span = (min(low for low, _ in spans), max(high for _, high in spans))
    panels = [
        figures.errors(drawn, ERROR, "error of the reference, σᵣ", known=known, span=span, heading=states(n),
                       title=f"error of weights against error of the reference, {states(n)}")
        for n, drawn, known in found
    ]  # fmt: skip
    keys = _lines(view, source.labels, source.chips)
    used = [who for who in SOURCES if any(k.kind == SOURCES[who] for *_, known in found for k in known)]
    keys += [Key(NAMED[who], SOURCES[who]) for who in used]
    caption = (
        f"Error of programmed weights, the standard deviation of w − ŵ in percent of a weight of 1, against the "
        f"standard deviation of the reference around the symmetry points; 0.1 is 5{NBSP}% of the range. "
        f"{_measured(view, source.chips)} over {chips(source)}."
    )
    caption += " Open markers: what others report, in settings of their own." if used else ""
    return Plate("programming", panels, caption, keys, specs)


def learning(view: Analog, source: Programming, specs: Mapping[str, str]) -> Plate:
    """Errors against samples, with the best and the worst reference, a panel each; of the fewest states."""
    n = next((n for n in source.n_states if n is not None), None)
    stds = source.reference_std
    found: list[tuple[float, list[Course]]] = []
    for std in dict.fromkeys((stds[0], stds[-1])):
        drawn = []
        for label in source.labels:
            for level in source.levels:
                if (level.label, level.reference_std) == (label, std) and level.n_states in (n, None):
                    points = [
                        (float(at), mean := bounded(errors, view.confidence),
                         f"{label}\nafter {at:,} samples\n{measured(ERROR, mean)}")
                        for at, errors in zip(source.at.tolist()[1:], level.course[1:], strict=True)
                    ]  # fmt: skip
                    every = max(len(points) // 33, 1)
                    kept = points[(len(points) - 1) % every :: every]
                    drawn.append(Course(label, view.slots[label], view.slots[label], kept))
        found.append((std, drawn))
    spans = [figures.extent(drawn) for _, drawn in found]
    span = (min(low for low, _ in spans), max(high for _, high in spans))
    panels = [
        figures.errors(drawn, ERROR, "samples", span=span, heading=f"σᵣ = {std:g}", title=f"error of weights against "
                       f"samples, error of the reference {std:g}")
        for std, drawn in found
    ]  # fmt: skip
    last = 100 * source.average_last
    caption = (
        f"The same error while arrays learn, {states(n)}; the figure before this one shows the mean of the last "
        f"{last:g}{NBSP}% of the samples."
    )
    return Plate("learning", panels, caption, _lines(view, source.labels, source.chips), specs)


def networks(view: Analog, source: Sweep, axis: str, specs: Mapping[str, str]) -> Plate:
    """Test errors against one axis, a panel for every combination of the others."""
    every = comparing.axes(source)
    others = {name: values for name, values in every.items() if name != axis and name in comparing.varied(source)}
    panels_of = list(product(*(values for values in others.values())))[:PANELS]
    level = None if source.floating is None else test_error(source.floating, view.confidence)
    found: list[tuple[str, list[Course]]] = []
    for chosen in panels_of:
        inside = dict(zip(others, chosen, strict=True))
        drawn = []
        for label in source.labels:
            mine = [
                point
                for point in source.points
                if point.label == label and all(comparing.at(point, k) == v for k, v in inside.items())
            ]
            points = [
                (at, test_error(point, view.confidence), _point(view, source, point))
                for point in mine
                if (at := comparing.at(point, axis)) is not None
            ]
            drawn.append(Course(label, view.slots[label], view.slots[label], sorted(points, key=lambda p: p[0])))
        heading = ", ".join(filter(None, (place(name, value) for name, value in inside.items())))
        found.append((heading, drawn))
    spans = [figures.extent(drawn, (), level) for _, drawn in found]
    span = (min(low for low, _ in spans), max(high for _, high in spans))
    panels = [
        figures.errors(drawn, TEST, AXES[axis], level=level, logarithmic=axis != "reference_std", span=span,
                       heading=heading, title=f"test error against {AXES[axis]}")
        for heading, drawn in found
    ]  # fmt: skip
    keys = _lines(view, source.labels, len(source.seeds)) + [Key("floating point", "digital")] * (level is not None)
    fixed = [
        place(name, values[0])
        for name, values in every.items()
        if name != axis and name not in others and values and values[0] is not None and name != "bounds"
    ]
    where = f" ({', '.join(fixed)})" if fixed else ""
    caption = f"Test error of {source.model} on {source.data} against {AXES[axis]}{where}. "
    caption += f"{_measured(view, len(source.seeds))} over {seeds(source)}."
    return Plate(f"networks-{axis.replace('_', '-')}", panels, caption, keys, specs)


def trained(view: Analog, source: Sweep, specs: Mapping[str, str]) -> Plate:
    """Test errors of a sweep without axes: a bar each."""
    bars = []
    for i, point in enumerate((*source.points, *([] if source.floating is None else [source.floating]))):
        found = test_error(point, view.confidence)
        shown = 0.0 if math.isnan(found.value) else 100 * found.value
        number = "broke off" if math.isnan(found.value) else TEST.said(found.value)
        words = _point(view, source, point)
        bars.append(figures.Bar(point.label, i, view.slots.get(point.label), shown, number, words))
    panel = figures.bars(bars, TEST.name, "", f"test error of {source.model} on {source.data}")
    caption = (
        f"Test error of {source.model} on {source.data}, {several(source.images, 'test sample')}, {seeds(source)}."
    )
    return Plate("networks", [panel], caption, [], specs)


def _lines(view: Analog, labels: Sequence[str], n: int) -> list[Key]:
    keys = [Key(label, "mean", view.slots[label], (view.slots[label],)) for label in labels]
    return [*keys, *[Key("mean and its interval", "mean")] * (n >= FEWEST)]


def _known(view: Analog, source: Programming, n: float | None) -> list[Known]:
    """What others report of the algorithms in the figure."""
    first = {level.label: level for level in source.levels if level.n_states == n}
    out = []
    for label, level in first.items():
        for one in PROGRAMMING_ERRORS:
            if (one.kind, one.n_states) != (kind(level.algorithm), n):
                continue
            # In-memory SGD of ours has no reference; theirs, when off, is another device.
            if one.reference_std and one.kind == "InMemorySGD":
                continue
            at = source.reference_std[0] if one.reference_std is None else one.reference_std
            who = {"paper": "published", "aihwkit": "measured in aihwkit"}[one.source]
            where = "any reference" if one.reference_std is None else f"σᵣ {one.reference_std:g}"
            more = "more than " if one.at_least else ""
            words = f"{label}, {states(n)}, {where}\n{who}: {more}{100 * one.error:g}{NBSP}%"
            slot = view.slots[label]
            out.append(Known(at, one.error, slot, slot, SOURCES[one.source], words))
    return out


def _level(view: Analog, source: Programming, level: Level) -> str:
    found = level.error(view.confidence)
    words = [level.label, f"{states(level.n_states)}, σᵣ {level.reference_std:g}"]
    words += [f"error {measured(ERROR, found)}", chips(source)]
    if level.gradient_mean == level.gradient_mean:
        words.append(f"pulses a sample: A {amount(level.gradient_mean)}, W {amount(level.weight_mean)}")
    elif level.weight_mean == level.weight_mean:
        words.append(f"pulses a sample: W {amount(level.weight_mean)}")
    return "\n".join(words)


def _point(view: Analog, source: Sweep, point: Trained) -> str:
    words = [point.label]
    if point.algorithm is not None:
        where = [] if point.n_states is None else [states(comparing.at(point, "n_states"))]
        where += [f"σᵣ {point.reference_std:g}"] if point.has_reference and point.reference_std is not None else []
        where += [f"bounds ×{point.bounds:g}"] if point.bounds not in (None, 1.0) else []
        words += [", ".join(where)] * bool(where)
    return "\n".join([*words, f"test error {measured(TEST, test_error(point, view.confidence))}", seeds(source)])


def _measured(view: Analog, n: int) -> str:
    known = f" with {100 * view.confidence:g}{NBSP}% intervals"
    return f"{capital('means')}{known if n >= FEWEST else ', too few for intervals,'}"
