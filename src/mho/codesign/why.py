"""Why: what each measure of a combination buys alone, and in the company of the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from mho.codesign.candidate import Candidate
from mho.codesign.design import Design
from mho.codesign.measures import taken, without
from mho.frozen import FrozenDict


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one measure does for the value of a target.

    Attributes:
        alone: gain over nothing, bought alone.
        last: gain as the last one: what is lost without it.
        shapley: its share of the whole gain: the mean of what it adds over all orders of buying [shapley1953value].
    """

    alone: float
    last: float
    shapley: float


@dataclass(frozen=True, kw_only=True)
class Why:
    """A combination taken apart.

    Attributes:
        target: text of the target whose value is told.
        measures: axes on which something is bought.
        parts: every choice among them, from nothing to all, with what it reaches and costs.
        shares: axis to its share; empty where a part is impossible by itself.
    """

    target: str
    measures: tuple[str, ...]
    parts: tuple[Candidate, ...]
    shares: Mapping[str, Share]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "target": self.target,
            "measures": list(self.measures),
            "parts": [p.to_dict() for p in self.parts],
            "shares": {k: vars(v) for k, v in self.shares.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Why:
        """What :meth:`to_dict` wrote."""
        return cls(
            target=data["target"],
            measures=tuple(data["measures"]),
            parts=tuple(Candidate.from_dict(p) for p in data["parts"]),
            shares={k: Share(**v) for k, v in data["shares"].items()},
        )


def explain(design: Design, chosen: FrozenDict, judge: Callable[[Sequence[FrozenDict]], list[Candidate]]) -> Why | None:
    """Why ``chosen`` and not less; ``None`` where it buys nothing."""
    axes = taken(design.measures, chosen)
    if not axes:
        return None
    kept = [part for n in range(len(axes) + 1) for part in combinations(axes, n)]
    parts = judge([without(design.measures, chosen, part) for part in kept])
    target = design.targets[0].label(design.clock)
    sign = 1.0 if design.targets[0].at_most is None else -1.0
    worth = {
        frozenset(part): math.nan if found.refused else sign * found.values[target].value
        for part, found in zip(kept, parts, strict=True)
    }
    shares = {} if any(map(math.isnan, worth.values())) else {axis: share(axis, axes, worth) for axis in axes}
    return Why(target=target, measures=axes, parts=tuple(parts), shares=shares)


def share(axis: str, axes: Sequence[str], worth: Mapping[frozenset[str], float]) -> Share:
    """The share of one of ``axes`` in what all of them are worth; ``worth`` has every choice among them."""
    others = [a for a in axes if a != axis]
    n, total = len(axes), 0.0
    for size in range(n):
        weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
        for part in combinations(others, size):
            total += weight * (worth[frozenset((*part, axis))] - worth[frozenset(part)])
    return Share(
        alone=worth[frozenset((axis,))] - worth[frozenset()],
        last=worth[frozenset(axes)] - worth[frozenset(others)],
        shapley=total,
    )
