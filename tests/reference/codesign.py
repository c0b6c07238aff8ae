"""Fronts and shares by definition: every pair, every order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations


def front(points: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Points (margin, costs...) that no other beats: none has as much margin for as little, and differs."""
    kept = []
    for p in points:
        beaten = False
        for q in points:
            no_worse = q[0] >= p[0] and all(a <= b for a, b in zip(q[1:], p[1:], strict=True))
            beaten = beaten or (no_worse and q != p)
        if not beaten:
            kept.append(p)
    return kept


def shapley(players: Sequence[str], worth: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """The mean of what each adds, over all orders of arrival."""
    total = dict.fromkeys(players, 0.0)
    orders = list(permutations(players))
    for order in orders:
        there: frozenset[str] = frozenset()
        for player in order:
            total[player] += worth(there | {player}) - worth(there)
            there |= {player}
    return {player: sum_ / len(orders) for player, sum_ in total.items()}
