"""Ranks of a percentile's limits when one looks more than once: counts of chips are binomial walks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

REACH = 12.0
"""Standard deviations of a binomial count that are kept; what is beyond adds up to less than 1e-30."""


@dataclass(frozen=True)
class Looks:
    """When an evaluation looked at its intervals: chips there were, and the share of the error each look may spend.

    Attributes:
        history: ``(chips, share)`` of every look, the last one now.
    """

    history: tuple[tuple[int, float], ...] = ()

    @property
    def share(self) -> float:
        """The last look's share: the error of an interval that knows nothing of the earlier looks."""
        return self.history[-1][1]

    def then(self, chips: int, share: float) -> Looks:
        """One look more."""
        return Looks((*self.history, (chips, share)))

    def part(self, fraction: float) -> Looks:
        """The same looks with a part of the error each."""
        return Looks(tuple((chips, fraction * share) for chips, share in self.history))

    def written(self) -> list[list[float]]:
        """Plain data for JSON."""
        return [list(look) for look in self.history]

    @classmethod
    def read(cls, history: Iterable[tuple[float, float]]) -> Looks:
        """What :meth:`written` wrote."""
        return cls(tuple((int(chips), float(share)) for chips, share in history))


def sequential_ranks(looks: Looks, p_low: float, p_high: float) -> tuple[int, int]:
    """Ranks (from 1) of a percentile's limits at the last look: 0 or n + 1 where no chip can be one.

    At every look the lower limit is above the percentile just if fewer chips than its rank lie below, and that count is
    a binomial walk of known probability. So the probability that any look so far is wrong is computed look by look,
    walks that were wrong before left out [armitage1969], and the ranks are the tightest for which it stays within the
    shares spent so far [landemets1983]. Adding the looks' errors up as if they never came together would cost ranks.
    The numbers of chips at each look are taken as given.

    Args:
        looks: chips and shares; each side has half of a share.
        p_low: probability, at least, that a chip counts as at or below the percentile.
        p_high: probability, at most, that it counts as below.
    """
    low = _ranks(looks.history, p_low)[-1]
    n = looks.history[-1][0]
    # Chips that do not count as below are a walk too: the upper limit is the lower one seen from the other end.
    return low, n + 1 - _ranks(looks.history, 1 - p_high)[-1]


@lru_cache(maxsize=4096)
def _ranks(history: tuple[tuple[int, float], ...], p: float) -> tuple[int, ...]:
    """The largest rank at every look with ``P(count < rank at any look so far) <= half the shares so far``."""
    from scipy.stats import binom

    start, alive = 0, np.ones(1)  # probabilities of counts start, start + 1, ... of walks that were never wrong
    chips, wrong, allowed = 0, 0.0, 0.0
    out = []
    for n, share in history:
        spread = REACH * np.sqrt((n - chips) * p * (1 - p)) + REACH
        first = max(0, int((n - chips) * p - spread))
        step = binom.pmf(np.arange(first, min(n - chips, int((n - chips) * p + spread)) + 1), n - chips, p)
        alive, start, chips = np.convolve(alive, step), start + first, n
        allowed += share / 2
        below = wrong + np.cumsum(alive)  # entry i: wrong so far if the rank is start + i + 1
        kept = int(np.searchsorted(below, allowed, side="right"))
        wrong = float(below[kept - 1]) if kept else wrong
        alive, start = alive[kept:], start + kept
        out.append(start)
    return tuple(out)


def single(chips: int, error: float) -> Looks:
    """One look, as a plain evaluation has."""
    return Looks(((chips, error),))
