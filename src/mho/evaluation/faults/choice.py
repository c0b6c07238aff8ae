"""Which scheme to take: of those that chips do not tell from the best, the cheapest."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mho.evaluation.faults.curves import FaultCurves


def standing(found: FaultCurves, scheme: str, drop: float) -> tuple[float, float]:
    """What schemes are ranked by: the rate tolerated, then what the last rate measured leaves; more is better.

    A rate below all measured is 0, one beyond them infinity, so that of several beyond them what is left decides.
    """
    tolerated = found.tolerated(scheme, drop)
    rate = {"≥": math.inf, "≤": 0.0}.get(tolerated.sign, tolerated.value)
    left = found.mean(scheme)[-1].value * (1 if found.higher_is_better else -1)
    return rate, -math.inf if math.isnan(left) else left


def ranked(found: FaultCurves, drop: float, among: Iterable[str] | None = None) -> list[str]:
    """Schemes, the one that stands most first; of several that stand as much, as they were given."""
    wanted = found.schemes if among is None else tuple(among)
    return sorted(wanted, key=lambda scheme: standing(found, scheme, drop), reverse=True)


def told_apart(found: FaultCurves, best: str, other: str, drop: float) -> bool:
    """Whether common chips tell that ``best`` stands more; if beyond all rates, that it leaves more at the last."""
    if found.gain(best, other, drop).low > 1:
        return True
    last = found.difference(best, other)[-1]
    left = last.low if found.higher_is_better else -last.high
    return found.tolerated(best, drop).sign == "≥" and left > 0


def level(found: FaultCurves, drop: float, among: Iterable[str] | None = None) -> list[str]:
    """The scheme that stands most, and those that chips do not tell from it, ranked."""
    order = ranked(found, drop, among)
    return [scheme for scheme in order if scheme == order[0] or not told_apart(found, order[0], scheme, drop)]


def cheapest(found: FaultCurves, drop: float, among: Iterable[str] | None = None) -> str:
    """Of :func:`level` the scheme of the lowest price, and of several the one that stands most."""
    # min keeps the first of equals, and level is ranked.
    return min(level(found, drop, among), key=found.price)
