"""Which candidates nobody beats, which might turn out so, and which is the cheapest."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mho.codesign.candidate import Candidate
from mho.codesign.design import Design

HOPE = 0.05
"""Share of its limit by which a candidate may miss a target, at its interval's hopeful end, and be looked at again."""
EQUAL = 0.02
"""Costs that differ by less, or not much more, are equal: no measure is taken for a thousandth of another cost."""


def affordable(design: Design, found: Sequence[Candidate]) -> list[Candidate]:
    """Those that are possible, and within the budget."""
    return [c for c in found if not c.refused and all(c.number(n) <= most for n, most in design.budget.items())]


def pareto(design: Design, found: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other beats in the margin and every cost, cheapest first."""
    listed = affordable(design, found)
    kept = [c for c in listed if not any(_beats(d, c, design.minimise) for d in listed)]
    return sorted(kept, key=lambda c: price(design, c))


def price(design: Design, candidate: Candidate) -> tuple[float, ...]:
    """What the cheapest has least of: the costs in the order of ``minimise``, in steps of 2 %; then fewer misses."""
    return (*(_steps(candidate.number(name)) for name in design.minimise), -candidate.margin)


def hope(design: Design) -> float:
    """How far a candidate may miss its target, and still be of interest."""
    return HOPE * max(abs(t.limit) for t in design.targets)


def _steps(cost: float) -> float:
    if cost <= 0:
        return -math.inf
    return cost if math.isinf(cost) else round(math.log(cost) / EQUAL)


def near(design: Design, found: Sequence[Candidate]) -> list[Candidate]:
    """Those that intervals leave a chance to be the cheapest that meet the targets; all that do best if none can.

    One is out if another takes no more of anything and surely meets the targets, or is surely better, as far as the
    intervals go: past the targets, more is worth nothing to the choice. The front shows it as it was seen at first.
    """
    listed = affordable(design, found)
    open_ = [c for c in listed if not any(_surely_beats(d, c, design.minimise) for d in listed)]
    hopeful = [c for c in open_ if c.best >= -hope(design)]
    most = max((c.best for c in open_), default=math.nan)
    return hopeful or [c for c in open_ if c.best == most]


def _beats(d: Candidate, c: Candidate, costs: Sequence[str]) -> bool:
    theirs, ours = ([-x.margin, *map(x.number, costs)] for x in (d, c))
    return all(a <= b for a, b in zip(theirs, ours, strict=True)) and theirs != ours


def _surely_beats(d: Candidate, c: Candidate, costs: Sequence[str]) -> bool:
    if d is c or any(d.number(n) > c.number(n) for n in costs):
        return False
    costs_less = any(d.number(n) < c.number(n) for n in costs)
    return d.sure > c.best or (d.sure >= 0 and costs_less)
