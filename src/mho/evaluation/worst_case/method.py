"""What every method of search has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from torch import Tensor

from mho.spec import Spec

if TYPE_CHECKING:
    from mho.evaluation.worst_case.losses import Loss
    from mho.evaluation.worst_case.objective import Objective

LossName = Literal["hinge", "cross-entropy", "mse"]


class Candidate(NamedTuple):
    """A perturbation and what it does.

    Attributes:
        delta: ``(n,)`` errors of all weights, over their reach.
        value: the metric on the data searched.
        won: the loss and the start that led to it.
    """

    delta: Tensor
    value: float
    won: str


class Previous(NamedTuple):
    """What was found within a smaller bound."""

    candidate: Candidate
    limit: float


@dataclass(frozen=True, kw_only=True)
class Search(Spec):
    """Abstract way to search a box."""

    references: ClassVar[tuple[str, ...]] = ("yan2022worst",)

    @property
    def wanted(self) -> tuple[LossName, ...] | None:
        """Losses that the method names itself; ``None`` for those that suit the data."""
        return None

    @abstractmethod
    def search(
        self,
        objective: Objective,
        losses: Sequence[Loss],
        limit: float,
        *,
        previous: Previous | None,
        seed: int,
        advance: Callable[[int], None],
    ) -> Candidate:
        """The worst perturbation found within ``-limit`` and ``limit``.

        Args:
            objective: what a perturbation does.
            losses: what to climb.
            limit: largest error, a float32 number.
            previous: what a smaller limit gave.
            seed: of all that is random.
            advance: told of every pass over the data.
        """

    @abstractmethod
    def passes(self, losses: int, bounds: int) -> int:
        """About how many passes over the data ``bounds`` searches take."""
