"""Which candidates nobody beats, which might turn out so, and which is the cheapest."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mho.codesign.candidate import Candidate
from mho.codesign.design import Design
from mho.errors import SpecError

HOPE = 0.05
"""Share of its limit by which a candidate may miss a target, at its interval's hopeful end, and be looked at again."""
EQUAL = 0.05
"""Costs that differ by less are equal: no measure is taken for a hundredth of another cost."""


def affordable(design: Design, found: Sequence[Candidate]) -> list[Candidate]:
    """Those that are possible, and within the budget."""
    return [c for c in found if not c.refused and all(c.number(n) <= most for n, most in design.budget.items())]


def pareto(design: Design, found: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other beats in the margin and every cost, cheapest first."""
    listed = affordable(design, found)
    kept = [c for c in listed if not any(_beats(d, c, design.minimise) for d in listed)]
    return sorted(kept, key=lambda c: price(design, c))


def price(design: Design, candidate: Candidate) -> tuple[float, ...]:
    """The costs in the order of ``minimise``, then misses."""
    return (*map(candidate.number, design.minimise), -candidate.margin)


def cheapest_first(design: Design, found: Sequence[Candidate]) -> list[Candidate]:
    """``found``, the one to take first: of those with the least of the first cost, to 5 %, the one with the least of
    the second, and so on; then the others likewise."""
    left, out = list(found), []
    while left:
        least = left
        for name in design.minimise:
            most = min(c.number(name) for c in least) * (1 + EQUAL)
            least = [c for c in least if c.number(name) <= most]
        out.append(min(least, key=lambda c: price(design, c)))
        left.remove(out[-1])
    return out


def hope(design: Design) -> float:
    """How far a candidate may miss its target, and still be of interest."""
    return HOPE * max(abs(t.limit) for t in design.targets)


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


def check_known(design: Design, found: Sequence[Candidate]) -> None:
    """Raise where nothing is possible, or nobody knows a cost that shall be small.

    Raises:
        SpecError: with the reason of the first combination; or naming the cost, and what would tell it.
    """
    possible = [c for c in found if not c.refused]
    if not possible:
        raise SpecError(f"no combination of these measures is possible: {found[0].refused}")
    for name in (*design.minimise, *design.budget):
        if all(math.isinf(c.number(name)) for c in possible):
            told = {"write_seconds": "cycle_seconds", "write_joules": "cycle_joules"}.get(name)
            remedy = f"give the programming {told}" if told else "leave it out"
            raise SpecError(f"nobody knows {name} here: {remedy}").at(
                "minimise" if name in design.minimise else "budget"
            )
