"""The search of the paper's code: Adam on a weighted sum of the loss and the size of the errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from mho.errors import SpecError, nearest
from mho.evaluation.worst_case.losses import Loss
from mho.evaluation.worst_case.method import Candidate, LossName, Previous, Search
from mho.evaluation.worst_case.objective import Objective

LARGEST, SMALLEST = 12.0, -12.0
"""Decimal logarithms between which c is looked for."""


@dataclass(frozen=True, kw_only=True)
class Lagrangian(Search):
    """Adam on ``norm(d) - c loss(d)``, with c raised until errors reach the bound, then bisected [yan2022worst].

    A step a batch, all weights of a layer over its full scale. Errors are limited by c alone and may leave the box;
    they are then put back to its edge, the metric is that of what is put back, and the result says "projected".

    Attributes:
        steps: passes over the data for one c.
        searches: values of c that are tried.
        norm: ``"l2"``, the root mean square of the errors, or ``"max"``, the largest one.
        travel: how far Adam could go in all steps together, in bounds.
        start: the first c.
        losses: as :class:`SignedDescent`; hinge alone where the data are classes and none is named.
    """

    steps: int = 10
    searches: int = 10
    norm: Literal["l2", "max"] = "l2"
    travel: float = 4.0
    start: float = 1e-3
    losses: tuple[LossName, ...] | None = None

    def __post_init__(self) -> None:
        for one in self.losses if isinstance(self.losses, tuple) else ():
            if isinstance(one, str) and one not in get_args(LossName):
                raise SpecError(f"Lagrangian: losses names {one!r}: {nearest(one, get_args(LossName))}").at("losses")
        super().__post_init__()
        self.check(self.steps >= 1, "steps", "must be 1 or more")
        self.check(self.searches >= 1, "searches", "must be 1 or more")
        self.check(self.losses != (), "losses", "is empty; leave it out for those that suit the data")
        self.check(self.travel > 1, "travel", "must be more than 1: errors have to be able to reach the bound")
        self.check(10**SMALLEST <= self.start <= 10**LARGEST, "start", "must be between 1e-12 and 1e12")

    @property
    def wanted(self) -> tuple[LossName, ...] | None:
        return self.losses

    def passes(self, losses: int, bounds: int) -> int:
        return self.searches * (self.steps + 1) * (losses if self.losses else 1) * bounds

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
        best: Candidate | None = None
        for loss in losses if self.losses else losses[:1]:
            within, beyond, power = -math.inf, math.inf, math.log10(self.start)
            for _ in range(self.searches):
                delta = self._descend(objective, loss, 10**power, limit, advance)
                largest = float(delta.abs().max())
                delta.clamp_(-limit, limit)
                value = objective.look(delta, loss, None).value
                advance(1)
                if best is None or not objective.as_bad(best.value, value):
                    put_back = ", projected" if largest > limit else ""
                    best = Candidate(delta, value, f"{loss.name}, c = {10**power:.3g}{put_back}")
                if objective.bottomed(best.value):
                    return best
                if largest < limit:
                    within = power
                else:
                    beyond = power
                power = _between(within, beyond)
                if not SMALLEST <= power <= LARGEST or beyond - within < 1e-3:
                    break
        assert best is not None
        return best

    def _descend(
        self, objective: Objective, loss: Loss, c: float, limit: float, advance: Callable[[int], None]
    ) -> Tensor:
        """Errors after ``steps`` passes with one c."""
        delta = objective.zeros().requires_grad_()
        adam = torch.optim.Adam([delta], lr=self.travel * limit / (self.steps * objective.batches))
        delta.grad = torch.zeros_like(delta)

        def step() -> None:
            assert delta.grad is not None
            with torch.no_grad():
                delta.grad.copy_(self._pull(delta.detach())).add_(objective.gradient, alpha=-c)
            adam.step()

        for _ in range(self.steps):
            objective.look(delta.detach(), loss, None, each=step)
            advance(1)
        return delta.detach()

    def _pull(self, delta: Tensor) -> Tensor:
        """Gradient of the norm; zero where the norm has none."""
        if self.norm == "l2":
            size = delta.norm()
            return delta / (size * math.sqrt(len(delta))) if float(size) else torch.zeros_like(delta)
        largest = delta.abs().max()
        return torch.where(delta.abs() == largest, delta.sign(), 0.0) if float(largest) else torch.zeros_like(delta)


def _between(within: float, beyond: float) -> float:
    """The next power of ten: one further until both sides are known, then half-way."""
    if math.isinf(beyond):
        return within + 1
    if math.isinf(within):
        return beyond - 1
    return (within + beyond) / 2
