"""When an adaptive evaluation looks at its intervals, and what every look may cost of the error probability."""

from __future__ import annotations

from dataclasses import dataclass, replace

RESERVE = 0.2
"""Share of the error kept for chips beyond the plan; every such look takes half of what is left of it."""


@dataclass(frozen=True)
class Spending:
    """The error probability of one population's intervals, look by look [landemets1983].

    The shares of all looks sum to at most ``total``, so by the union bound the intervals of all looks cover together
    with probability ``1 - total``, and so does the one at which the evaluation stops (repeated confidence intervals
    [jennison1989]). Of means and yields no use is made of how looks depend on each other; of percentiles it is known
    exactly (:func:`mho.evaluation.boundaries.sequential_ranks`).

    Attributes:
        total: ``1 - confidence``.
        spent: shares of the looks so far.
        beyond: looks after the plan.
    """

    total: float
    spent: float = 0.0
    beyond: int = 0

    def planned(self) -> tuple[float, Spending]:
        """The share of the look at the complete plan, and what follows."""
        return self._take((1 - RESERVE) * self.total)

    def extension(self) -> tuple[float, Spending]:
        """The share of the next look beyond the plan, and what follows."""
        share = RESERVE * self.total / 2 ** (self.beyond + 1)
        return share, replace(self._take(share)[1], beyond=self.beyond + 1)

    def rest(self) -> tuple[float, Spending]:
        """All that is left: there will be no further look."""
        return self._take(self.total - self.spent)

    def _take(self, share: float) -> tuple[float, Spending]:
        return share, replace(self, spent=self.spent + share)
