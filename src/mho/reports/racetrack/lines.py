"""Choices of protected layers, or memories, over inferences: their statistics, and which of them have a colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mho.errors import SpecError
from mho.evaluation.statistics import Interval, Values, mean_interval, percentile_interval
from mho.reports.labels import one_label_each
from mho.reports.scale import Tail

if TYPE_CHECKING:
    from mho.evaluation.result import Result
    from mho.racetrack.overhead import Overhead
    from mho.racetrack.protection import Protection

COLOURS = 6  # lines that have a colour of their own; the others are the background


@dataclass(frozen=True, kw_only=True)
class Line:
    """One choice of protected layers, or one memory, over inferences.

    Attributes:
        name: what the page calls it.
        index: its place among all lines.
        slot: its colour and marker; ``None`` for the background.
        age: inferences, ascending.
        means: of the metric over chips, at every age.
        unlucky: percentile that stands for the unlucky chip, at every age; empty where chips are too few for one.
        worst: the last chip seen on the unlucky side, at every age.
        chips: how many there are.
        layers: the protected layers; ``None`` where nothing says.
        mask: 1 for every protected layer, 0 for the others; empty where nothing says.
        overhead: cycles that protection adds to an inference, over those without it; ``nan`` where nothing says.
        cycles: that protection adds to an inference; ``nan`` where nothing says.
        share: of the cycles that protecting every layer adds; ``nan`` where nothing says.
        foretold: metric after the last age that single layers foretell; ``nan`` where nothing does.
        best: none costs less and leaves more.
    """

    name: str
    index: int
    slot: int | None = None
    age: tuple[float, ...]
    means: tuple[Interval, ...]
    unlucky: tuple[Interval, ...]
    worst: tuple[float, ...]
    chips: int
    layers: tuple[str, ...] | None = None
    mask: str = ""
    overhead: float = math.nan
    cycles: float = math.nan
    share: float = math.nan
    foretold: float = math.nan
    best: bool = False

    @property
    def named(self) -> bool:
        """It has a name of its own, other than the layers that it protects or its number in a search."""
        return self.name not in (self.mask, "+".join(self.layers or ())) and not self.name.startswith("search ")

    @property
    def last(self) -> Interval:
        """The mean after the last age."""
        return self.means[-1]


def lines(
    results: Sequence[Result], overheads: Sequence[Overhead], protection: Protection | None, tail: Tail
) -> tuple[Line, ...]:
    """The results, then the selections, each with its statistics.

    Args:
        results: of :func:`mho.evaluate`.
        overheads: of each of them, or none.
        protection: selections with their costs.
        tail: the percentile that stands for the unlucky chip.

    Raises:
        SpecError: two have one name, or a result has several sigmas.
    """
    confidence = results[0].confidence if results else 0.95
    out: list[Line] = []
    for result, label in zip(results, one_label_each([r.label for r in results], "results", "evaluate"), strict=True):
        if len(result.sigma) > 1:
            raise SpecError(f"result '{label}' has {len(result.sigma)} sigmas; a racetrack memory has none")
        line = _line(label, len(out), result.age, result.values[0], confidence, tail)
        out.append(_costed(line, overheads[len(out)]) if overheads else line)
    if overheads:
        out = _front(out, tail)
    if protection is not None:
        front = {s.name for s in protection.front}
        for s in protection.selections:
            line = _line(s.name, len(out), protection.age, s.values, protection.confidence, tail)
            out.append(
                replace(
                    line,
                    layers=s.layers,
                    mask=s.mask,
                    overhead=s.overhead,
                    cycles=s.cycles,
                    share=protection.share(s),
                    foretold=math.nan if s.predicted is None else s.predicted,
                    best=s.name in front,
                )
            )
    one_label_each([line.name for line in out], "lines", "evaluate")
    return _coloured(out, protection)


def _costed(line: Line, cost: Overhead) -> Line:
    layers = tuple(layer.name for layer in cost.layers if layer.protected)
    mask = "".join("1" if layer.protected else "0" for layer in cost.layers)
    share = math.nan if cost.share is None else cost.share
    return replace(
        line, layers=layers, mask=mask, overhead=cost.fraction, cycles=cost.extra_cycles, share=share,
    )  # fmt: skip


def _front(drawn: Sequence[Line], tail: Tail) -> list[Line]:
    """The lines, with those marked that none beats in both cost and what is left."""
    sign, best, kept = 1.0 if tail.low else -1.0, set(), -math.inf
    for line in sorted(drawn, key=lambda line: (line.cycles, -sign * line.last.value)):
        if sign * line.last.value > kept:
            best.add(line.name)
            kept = sign * line.last.value
    return [replace(line, best=line.name in best) for line in drawn]


def _line(name: str, index: int, age: Sequence[float], values: Values, confidence: float, tail: Tail) -> Line:
    order = sorted(range(len(age)), key=lambda j: age[j])
    known = [values[j][np.isfinite(values[j])] for j in order]
    unlucky = () if tail.k is None else tuple(percentile_interval(v, tail.k, confidence) for v in known)
    ends = (float(v.min() if tail.low else v.max()) if len(v) else math.nan for v in known)
    return Line(
        name=name,
        index=index,
        age=tuple(float(age[j]) for j in order),
        means=tuple(mean_interval(v, confidence) for v in known),
        unlucky=unlucky,
        worst=tuple(ends),
        chips=values.shape[-1],
    )


def _coloured(drawn: Sequence[Line], protection: Protection | None) -> tuple[Line, ...]:
    """Of many lines what was chosen has a colour, and what has a name; where none has, what no other one beats."""
    chosen = None if protection is None or protection.choice is None else protection.choice.name
    known = [line for line in drawn if line.named or line.name == chosen or len(drawn) <= COLOURS]
    if sum(line.named for line in drawn) < 2:
        known += [line for line in drawn if line.best and line not in known]
    first = sorted(known, key=lambda line: line.name != chosen)[:COLOURS]
    slots = {name: slot for slot, name in enumerate(line.name for line in drawn if line in first)}
    return tuple(replace(line, slot=slots.get(line.name)) for line in drawn)
