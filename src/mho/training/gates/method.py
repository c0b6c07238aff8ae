"""Differentiable structured pruning: gates on columns and rows that are trained along with the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.errors import ModelError
from mho.training.gates.straight import Estimator
from mho.training.method import Method, Step, Taught

if TYPE_CHECKING:
    from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class Gates(Method):
    """The loss, plus ``mu`` times the number of open gates (equation 7), with an optimiser of their own for the gates.

    A gate is ``M = 1[z > 0]`` of one auxiliary value z a column (output) or row (input) of a linear layer; the layer
    computes ``diag(M_r) W diag(M_c)``. Backwards, ``dL/dz = dL/dM * softplus(z)`` (equation 10), and plain gradient
    descent moves z (equation 9): an optimiser that normalises gradients would hide mu. The weights, and they alone,
    follow the recipe's optimiser, its weight decay too.

    The paper gives no mu, no rate and no start. Here gates start at ``start`` and never rise above it; a gate that
    nothing but the penalty moves closes after ``I / (lr mu)`` steps (see
    :func:`mho.training.gates.straight.area`), which is set to the share ``pace`` of the run. What mu means
    depends on how large the task's gradients are, so unless it is given, it is ``strength`` times their mean size in
    the layer, measured over the first twentieth of the run.

    The paper has one mu and no target per layer, which leaves layers far apart; a layer below (T-1)/(n+T-1) pruned
    columns has no room for its duplicates. Here every layer (or pool of layers) has the target ``columns``: from
    ``pace`` on, the penalty of a layer that lags is multiplied by ``boost`` time and again; when a layer has reached
    its target, its gates stop, and exactly the target stays closed: the gates with the lowest z.

    It trains a network that has gates: :func:`mho.training.prune` does all of it, or
    ``mho.train(training.with_gates(model), data, method=training.Gates(columns=0.3))``.

    Source: [li2024zerospace], section 3.1; softplus as estimator: [xiao2019autoprune]. Targets, start, order, pace
    and boosting are ours.

    Attributes:
        columns: fraction of the columns of every layer that shall be closed, rounded up; ``None`` for no such gates.
            0.2 is the least that has room for two duplicates of the top bit of 8.
        rows: likewise of rows; they save energy and faults, and no duplicate fits into them.
        pools: layers with one target together, such as query, key and value, that share their inputs; see
            :func:`mho.training.pools`.
        penalty: mu; measured if ``None``.
        lr: rate of the gates; such that they close in time if ``None``.
        estimator: what takes the place of softplus: see :func:`mho.training.gates.straight.factor`.
        start: z at the beginning, of the largest column (row) of a layer where ``order`` is "norm".
        order: gates start in proportion to the Euclidean norm of their column (row), so that small ones come first, or
            all "equal".
        strength: where ``penalty`` is ``None``: mu in mean gradients of a gate.
        pace: fraction of the run after which an unimportant gate closes, where ``penalty`` and ``lr`` are not both
            given.
        boost: factor on the penalty of a layer that lags, up to 24 times; 1 for the paper's fixed mu.
        reached: of a layer at its target: "stop" its gates at once; "hold" it there without a penalty, so that gates
            whose column is missed open again and others take their place, until the end; or "continue", as in the
            paper, to wherever mu leads. At a target, every layer of a pool keeps a gate open.
    """

    references: ClassVar[tuple[str, ...]] = ("li2024zerospace", "xiao2019autoprune")
    compiles: ClassVar[bool] = False

    columns: float | None = 0.2
    rows: float | None = None
    pools: tuple[tuple[str, ...], ...] = ()
    penalty: float | None = None
    lr: float | None = None
    estimator: Estimator = "softplus"
    start: float = 1.0
    order: Literal["norm", "equal"] = "norm"
    strength: float = 1.0
    pace: float = 0.4
    boost: float = 1.5
    reached: Literal["stop", "hold", "continue"] = "stop"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("columns", "rows"):
            value = getattr(self, name)
            self.check(value is None or 0 < value < 1, name, "must be a fraction between 0 and 1, such as 0.3")
        self.check(self.columns is not None or self.rows is not None, "columns", "and rows=None leave nothing to gate")
        for name in ("penalty", "lr"):
            value = getattr(self, name)
            self.check(value is None or 0 < value <= 1e30, name, "must be positive, and at most 1e30")
        self.check(0 < self.start <= 10, "start", "must be positive, and at most 10")
        self.check(0 < self.strength <= 1e30, "strength", "must be positive, and at most 1e30")
        self.check(0 < self.pace < 1, "pace", "is a fraction of the run, and must be in (0, 1)")
        self.check(1 <= self.boost <= 10, "boost", "must be from 1 to 10")
        self.check(all(self.pools), "pools", "holds an empty pool")

    def goal(self, along: str, sizes: Sequence[int]) -> int:
        """How many gates of layers with one target together shall be closed; one of every layer stays open.

        Args:
            along: "columns" or "rows".
            sizes: how many gates every layer has.
        """
        share: float = getattr(self, along) or 0.0
        return min(sum(sizes) - len(sizes), math.ceil(share * sum(sizes) - 1e-9))

    def begin(self, run: Run) -> Step:
        from mho.training.gates.groups import optimizer
        from mho.training.gates.layers import gated
        from mho.training.gates.straight import opened

        layers = gated(run.model)
        if not layers:
            raise ModelError(
                f"{type(run.model).__name__} has no gates: mho.training.prune does all of it, or train "
                f"mho.training.with_gates(model)"
            )
        gates = optimizer(self, run, layers)
        run.movers.append(gates)

        def step(batch: Batch) -> Taught:
            outputs = batch.forward()
            loss = batch.loss(outputs)
            for group in gates.param_groups:
                if group["pushed"]:
                    loss = loss + group["penalty"] * sum(opened(z, self.estimator).sum() for z in group["params"])
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step
