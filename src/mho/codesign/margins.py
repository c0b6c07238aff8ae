"""How far what a combination reaches is from its targets."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mho.codesign.candidate import Candidate, Stage
from mho.codesign.costs import Costs
from mho.codesign.design import Design
from mho.evaluation.statistics import Interval
from mho.frozen import FrozenDict


def candidate(
    design: Design,
    chosen: FrozenDict,
    values: Mapping[str, Interval],
    costs: Costs,
    stage: Stage,
    unbounded: tuple[str, ...] = (),
) -> Candidate:
    """A candidate with the distances of its values to their targets; infinite where chips keep within no bound."""
    targets = {t.label(design.clock): t for t in design.targets}
    margins, hopes, least = [], [], []
    for name, target in targets.items():
        missed = [-math.inf] * 2
        ends = missed if name in unbounded else [target.margin(v) for v in ends_of(values[name])]
        margins.append(-math.inf if name in unbounded else target.margin(values[name].value))
        hopes.append(max(ends))
        least.append(min(ends))
    return Candidate(
        chosen=chosen,
        values={name: values[name] for name in targets},
        margin=min(margins),
        best=min(hopes),
        sure=min(least),
        costs=costs,
        stage=stage,
        unbounded=unbounded,
    )


def ends_of(found: Interval) -> tuple[float, float]:
    """The ends of an interval; one that chips are too few for is taken twice as far away as the other one.

    That is no confidence limit: it only says which candidates are looked at more closely.
    """
    value, low, high = found
    if math.isnan(low) and math.isnan(high):
        return -math.inf, math.inf
    return (
        value - 2 * (high - value) if math.isnan(low) else low,
        value + 2 * (value - low) if math.isnan(high) else high,
    )


def impossible(chosen: FrozenDict, why: str, stage: Stage) -> Candidate:
    """A candidate that cannot be, and why."""
    nan = math.nan
    return Candidate(chosen=chosen, values={}, margin=nan, best=nan, sure=nan, costs=None, stage=stage, refused=why)
