"""The second optimiser: it moves gates alone, and sees to it that every layer reaches its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import Tensor, nn

from mho.training.gates.straight import Estimator, factor

_BOOSTS = 24
"""How often, at most, the penalty of gates that lag is raised."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When gates do what, in mini-batches, and how.

    Attributes:
        look: mini-batches that only tell how large gradients are.
        close: in which a gate closes that nothing but the penalty moves.
        stop: mini-batch after which gates stay as they are.
        area: of the estimator; see :func:`mho.training.gates.straight.area`.
        start: value of a gate at the beginning, and the most it may have.
        estimator: of the gradient.
        strength: the penalty, in mean gradients of an open gate, where no number is given.
        boost: what the penalty of gates that lag is multiplied by.
        reached: what gates do whose target is reached.
    """

    look: int
    close: int
    stop: int
    area: float
    start: float
    estimator: Estimator
    strength: float
    boost: float
    reached: str


class GateOptimizer(torch.optim.Optimizer):
    """Plain gradient descent ``z <- z - lr dL/dz`` (equation 9 of [li2024zerospace]), group by group.

    A group is the gates of a layer (or of layers that share a target) along columns or rows; ``goal`` of them shall be
    closed. All that changes is in the groups, hence in the state: ``steps`` so far, ``size`` of the gradients,
    ``penalty`` and ``lr``, whether the penalty is on (``pushed``), whether the goal was ``met`` once, whether gates are
    ``settled``.

    Args:
        groups: ``params``, ``layers`` (names), ``along``, ``goal``, and ``lr`` and ``penalty`` or ``None``.
        plan: when gates do what.
    """

    def __init__(self, groups: list[dict[str, Any]], plan: Plan) -> None:
        self.plan = plan
        fresh = {"lr": None, "penalty": None, "steps": 0, "size": 0.0, "met": False, "settled": False}
        super().__init__(groups, {**fresh, "pushed": plan.look == 0, "ready": plan.look == 0})
        for group in self.param_groups:
            if group["ready"]:
                self._set_pace(group)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move the gates of every group that is not settled.

        Args:
            closure: computes gradients anew and returns the loss, which is passed on.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if not group["settled"]:
                self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        plan, learnt = self.plan, [p for p in group["params"] if p.grad is not None]
        group["steps"] += 1
        if not group["ready"]:
            slopes = [(p.grad / factor(plan.estimator, p)).abs() for p in learnt if p.grad is not None]
            group["size"] += float(torch.cat(slopes).mean()) / plan.look if slopes else 0.0
            if group["steps"] >= plan.look:
                self._set_pace(group)
            return
        for values in learnt:
            values.sub_(group["lr"] * values.grad).clamp_(max=plan.start)
        if plan.reached != "continue":
            for values in group["params"]:
                if bool((values <= 0).all()):  # a layer without an open gate gives nothing but zeros
                    values[_last(values)] = self._ajar
        closed = sum(int((values <= 0).sum()) for values in group["params"])
        group["met"] |= closed >= group["goal"]
        if plan.reached == "continue":
            return
        group["pushed"] = closed < group["goal"]
        late = group["steps"] - plan.look - plan.close
        every = max(1, (plan.stop - plan.look - plan.close) // _BOOSTS)
        if late > 0 and late % every == 0 and not group["met"]:
            group["penalty"] *= plan.boost
        if group["steps"] >= plan.stop or (group["met"] and plan.reached == "stop"):
            self._settle(group)

    def _set_pace(self, group: dict[str, Any]) -> None:
        """Choose what was not given, so that a gate which nothing else moves closes in time: ``lr mu = I / steps``."""
        if group["penalty"] is None:
            known = None if group["lr"] is None else self.plan.area / (group["lr"] * self.plan.close)
            group["penalty"] = known or self.plan.strength * group["size"] or 1.0
        if group["lr"] is None:
            group["lr"] = self.plan.area / (group["penalty"] * self.plan.close)
        group["ready"] = group["pushed"] = True

    def _settle(self, group: dict[str, Any]) -> None:
        """Where the goal was met, close the lowest gates of the group, as many as it says, and open the others.

        The highest gate of every layer is one of the others.
        """
        group["settled"], group["pushed"] = True, False
        if not group["met"]:
            return
        values: list[nn.Parameter] = group["params"]
        heights = [v.detach().clone() for v in values]
        for height in heights:
            height[_last(height)] = torch.inf
        order = torch.cat(heights).argsort(stable=True)
        closed = torch.zeros(len(order), dtype=torch.bool, device=order.device)
        closed[order[: group["goal"]]] = True
        for value, shut in zip(values, closed.split([len(v) for v in values]), strict=True):  # type: ignore[no-untyped-call]
            value.copy_(torch.where(shut, value.clamp(max=0.0), value.clamp(min=self._ajar)))

    @property
    def _ajar(self) -> float:
        """The value of a gate that is just open."""
        return 1e-3 * self.plan.start


def _last(values: Tensor) -> int:
    """Which of ``values`` closes last."""
    return int(values.argsort(stable=True)[-1])
