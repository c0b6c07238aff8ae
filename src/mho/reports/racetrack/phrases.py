"""Parts of sentences about racetrack memories, which words, tables and figures share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mho.reports.labels import listed
from mho.reports.racetrack.layers import Layer
from mho.reports.racetrack.lines import Line
from mho.reports.racetrack.view import Racetracks
from mho.reports.wording import NBSP, age_span, ordinal, share

NAMED = 6  # layers, or choices, that a sentence lists


def points(view: Racetracks, drop: float) -> str:
    """``"18.4 points"``; of a metric that is no fraction the number itself."""
    if not view.scale.fraction:
        return f"{drop:.3g}".replace("-", "−")
    shown = f"{100 * drop:.1f}".replace("-0.0", "0.0").replace("-", "−")
    return f"{shown}{NBSP}point{'s' * (shown != '1.0')}"


def percentile(view: Racetracks) -> str:
    """``"5th percentile"``; empty where chips are too few."""
    return "" if view.tail.k is None else f"{ordinal(view.tail.k)} percentile"


def nearest(view: Racetracks) -> Line:
    """Of the choices the one that keeps most; of equal ones the cheapest."""
    return min(view.selections, key=lambda s: (view.worse(s.last.value, 0.0), s.cycles))


def layers(view: Racetracks, line: Line) -> str:
    """``"conv2 and fc1"``, ``"all 8 layers but conv1"``, ``"14 of 21 layers"``."""
    chosen, every = line.layers or (), view.every
    if len(chosen) == len(every):
        return "every layer"
    others = [layer for layer in every if layer not in chosen]
    if NAMED // 2 < len(chosen) > len(others) <= NAMED // 2:
        return f"all {len(every)} layers but {listed(others)}"
    return listed([*chosen]) if len(chosen) <= NAMED else of(chosen, every)


def called(view: Racetracks, line: Line) -> str:
    """Its name; of a choice that is called by its mask the layers that it protects."""
    return line.name if line.named or line.layers is None else layers(view, line)


def of(some: Sequence[object], every: Sequence[object]) -> str:
    """``"14 of 21 layers"``."""
    return f"{len(some)} of {len(every)} layers"


def loss(view: Racetracks, layer: Layer) -> str:
    """``"at least 7.3 points [7.0, 7.6]"``: what the layer alone costs."""
    _, low, high = layer.drop
    factor = 100 if view.scale.fraction else 1
    digits = ".1f" if view.scale.fraction else ".3g"
    limits = f" [{factor * low:{digits}},{NBSP}{factor * high:{digits}}]" if math.isfinite(low + high) else ""
    bound = "at least " * layer.outside + "at most " * layer.below
    return f"{bound}{points(view, layer.drop.value)}{limits.replace('-', '−')}"


def start(view: Racetracks, line: Line) -> float:
    """The metric before the first inference."""
    return line.means[0].value if line.age[0] == 0 else view.digital


def kept(view: Racetracks, line: Line) -> str:
    """``"90.3 % [90.0, 90.6] after 100 inferences"``."""
    return f"{view.scale.measured(line.last)} after {age_span(line.age[-1], 'inferences')}"


def price(line: Line) -> str:
    """``" for 1.23 % more cycles"``; empty of what costs nothing."""
    return f" for {share(line.overhead, 3)} more cycles" if line.overhead > 0 else ""
