"""The additive model: what layers cost alone, summed. It proposes selections; Monte Carlo judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Candidate(NamedTuple):
    """A selection as the additive model sees it.

    Attributes:
        layers: protected ones, in the order of the model.
        cycles: that protecting them takes.
        drop: summed over the layers that are not protected, beyond what these would cost protected.
    """

    layers: tuple[str, ...]
    cycles: float
    drop: float


def remaining(known: Sequence[str], drops: Mapping[str, float], protected: Sequence[str]) -> float:
    """The summed drops of the layers that are not protected; what seems to improve counts as no drop."""
    return sum(max(0.0, drops[layer]) for layer in known if layer not in protected)


def additive_front(
    known: Sequence[str], drops: Mapping[str, float], cycles: Mapping[str, float]
) -> tuple[Candidate, ...]:
    """All selections that no other one beats in both summed drop and cycles, by cycles.

    Exact: of the selections of the first k layers only those that none beats can become part of a best one
    [nemhauser1969discrete], so they are kept layer by layer. How many that is depends on the numbers: a few hundred
    for the networks here, against 2^L selections.

    Args:
        known: all layers.
        drops: what each costs alone when it is not protected, beyond what it costs when it is.
        cycles: what protecting each costs.
    """
    total = remaining(known, drops, ())
    spent, saved, masks = np.zeros(1), np.zeros(1), [0]
    for bit, layer in enumerate(known):
        more = np.concatenate([spent, spent + cycles[layer]])
        gained = np.concatenate([saved, saved + max(0.0, drops[layer])])
        both = masks + [m | 1 << bit for m in masks]
        order = np.lexsort((-gained, more))
        best = np.maximum.accumulate(gained[order])
        # In order of cycles, what saves no more than something before it is beaten.
        kept = order[np.r_[True, best[1:] > best[:-1]]]
        spent, saved, masks = more[kept], gained[kept], [both[i] for i in kept]
    return tuple(
        Candidate(tuple(layer for i, layer in enumerate(known) if mask >> i & 1), float(c), max(0.0, total - float(s)))
        for mask, c, s in zip(masks, spent, saved, strict=True)
    )


def spread(front: Sequence[Candidate], most: int, span: float) -> tuple[Candidate, ...]:
    """At most ``most`` of ``front``, with its ends, at about even distances along it.

    Args:
        front: by cycles.
        most: how many.
        span: the largest drop that means something (a network cannot do worse than guess); larger ones count as it.
    """
    if len(front) <= most:
        return tuple(front)
    x = np.array([c.cycles for c in front]) / max(max(c.cycles for c in front), 1e-300)
    y = np.minimum([c.drop for c in front], span) / max(span, 1e-300)
    way = np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
    wanted = np.linspace(0.0, way[-1], max(2, most))
    chosen = sorted({int(np.abs(way - w).argmin()) for w in wanted} | {0, len(front) - 1})
    return tuple(front[i] for i in chosen)
