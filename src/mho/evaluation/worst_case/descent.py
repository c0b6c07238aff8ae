"""Projected signed descent on the errors of all weights, with the whole data set in every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from mho.errors import SpecError, nearest
from mho.evaluation.worst_case.chips import draw
from mho.evaluation.worst_case.losses import Loss
from mho.evaluation.worst_case.method import Candidate, LossName, Previous, Search
from mho.evaluation.worst_case.objective import Objective
from mho.rng import Draws

Start = Literal["zero", "uniform", "gaussian"]

CONTINUED = 0.25
"""First step of a search that continues from a smaller bound, over that of one that starts anew."""


@dataclass(frozen=True, kw_only=True)
class SignedDescent(Search):
    """``d <- clip(d + a_t sign(v_t), -th, th)``, ``v_t = m v_(t-1) + g_t / mean|g_t|``, full-batch gradients.

    Steps fall linearly from ``step`` times the bound to nothing. One error for all samples (a chip) and the box are
    those of [yan2022worst]; momentum, the falling steps and softened losses are ours (docs/decisions/0014). Of every
    run the iterate with the worst metric is kept, and the worst run wins.

    Attributes:
        steps: passes over the data of one run.
        losses: those of which each makes runs of its own; ``None`` for those that suit the data: hinge and
            cross-entropy for classes, the squared error for values.
        starts: where runs start. A run from what the next smaller bound gave is added to them.
        step: the first step, in bounds.
        momentum: m, of the gradients.
        soften: start with a loss that every sample has a part in, and sharpen it: the temperature of cross-entropy
            falls from half the mean margin to a twentieth, kappa of the hinge from twice the mean margin to zero.
    """

    steps: int = 20
    losses: tuple[LossName, ...] | None = None
    starts: tuple[Start, ...] = ("zero",)
    step: float = 2.0
    momentum: float = 0.5
    soften: bool = True

    def __post_init__(self) -> None:
        for field, options in (("losses", get_args(LossName)), ("starts", get_args(Start))):
            said = getattr(self, field)
            for one in said if isinstance(said, tuple) else ():
                if isinstance(one, str) and one not in options:
                    raise SpecError(f"SignedDescent: {field} names {one!r}: {nearest(one, options)}").at(field)
        super().__post_init__()
        self.check(self.steps >= 2, "steps", "must be 2 or more: the first pass looks at the start")
        self.check(self.losses != (), "losses", "is empty; leave it out for those that suit the data")
        self.check(bool(self.starts), "starts", "is empty; name one, such as 'zero'")
        self.check(self.step > 0, "step", "must be more than zero")
        self.check(0 <= self.momentum < 1, "momentum", "must be at least 0 and less than 1")

    @property
    def wanted(self) -> tuple[LossName, ...] | None:
        return self.losses

    def passes(self, losses: int, bounds: int) -> int:
        return self.steps * losses * (len(self.starts) * bounds + bounds - 1)

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
        for loss in losses:
            for name, start, step in self._starts(objective, limit, previous, seed):
                found = self._run(objective, loss, limit, start, step, advance)
                found = found._replace(won=f"{loss.name}, {name}")
                if best is None or not objective.as_bad(best.value, found.value):
                    best = found
                if objective.bottomed(best.value):
                    return best
        assert best is not None
        return best

    def _starts(
        self, objective: Objective, limit: float, previous: Previous | None, seed: int
    ) -> Iterator[tuple[str, Tensor, float]]:
        """Name, errors and first step of every run."""
        for kind in self.starts:
            delta = objective.zeros()
            if kind != "zero":
                chip = torch.zeros(1, dtype=torch.int64, device=delta.device)
                draws = Draws(seed, f"start: {kind}", chip, (objective.n,), delta.device)
                delta.copy_(draw(kind, draws, limit)[0])
            yield kind, delta, self.step
        if previous is not None:
            grown = previous.candidate.delta * (limit / previous.limit)
            yield "smaller bound", grown.clamp_(-limit, limit), self.step * CONTINUED

    def _run(
        self,
        objective: Objective,
        loss: Loss,
        limit: float,
        delta: Tensor,
        step: float,
        advance: Callable[[int], None],
    ) -> Candidate:
        best, value, velocity = delta.clone(), None, torch.zeros_like(delta)
        for t in range(self.steps):
            progress = t / (self.steps - 1)
            said = objective.look(delta, loss, progress if self.soften else None)
            advance(1)
            # Of equally bad ones the last: the loss has had longer to grow.
            if value is None or objective.as_bad(said.value, value):
                value = said.value
                best.copy_(delta)
            size = objective.gradient.abs().mean()
            if t == self.steps - 1 or objective.bottomed(said.value) or not float(size):
                break
            velocity.mul_(self.momentum).add_(objective.gradient / size)
            delta.add_(velocity.sign(), alpha=step * limit * (1 - progress)).clamp_(-limit, limit)
        assert value is not None
        return Candidate(best, value, loss.name)
