"""Which gates share a target, and the optimiser that moves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mho.errors import SpecError
from mho.memory.pools import find
from mho.training.gates.layers import column_dim, gates_of
from mho.training.gates.straight import area
from mho.training.gates.updates import GateOptimizer, Plan

if TYPE_CHECKING:
    from mho.training.gates.method import Gates
    from mho.training.run import Run

_LOOK = 0.05
"""Share of a run in which gates stand still: at first to measure gradients, at the end to let weights follow."""


def pooled(names: Sequence[str], pools: Iterable[Iterable[str]]) -> list[tuple[str, ...]]:
    """``names`` in groups: those of every pool together, each of the others alone; in the order of names.

    Pools are patterns as ``redundancy.Voting`` takes them: ``*`` stands for the same text in all patterns of a pool.

    Raises:
        ModelError: patterns that name nothing, or a layer twice.
    """
    found = find(tuple(map(tuple, pools)), [f"{name}.weight" for name in names])
    groups = [tuple(name.rpartition(".")[0] for name in group) for group in found]
    return sorted(groups, key=lambda group: names.index(group[0]))


def optimizer(method: Gates, run: Run, layers: Mapping[str, nn.Module]) -> GateOptimizer:
    """The optimiser of all gates of ``layers``, which start anew and learn until the run ends."""
    groups: list[dict[str, Any]] = []
    for along in ("columns", "rows"):
        having = {name: gates_of(layer) for name, layer in layers.items()}
        having = {name: gates for name, gates in having.items() if getattr(gates, along) is not None}
        if getattr(method, along) is None:
            continue
        if not having:
            raise SpecError(f"Gates: {along}={getattr(method, along):g}, but the network has no gates on {along}").at(
                along
            )
        for names in pooled(list(having), method.pools if along == "columns" else ()):
            values = [having[name].get_parameter(along) for name in names]
            goal = method.goal(along, [len(z) for z in values])
            known = {"lr": method.lr, "penalty": method.penalty}
            groups.append({"params": values, "layers": list(names), "along": along, "goal": goal, **known})
    for layer in layers.values():
        gates_of(layer).estimator = method.estimator
    for group in groups:
        for name, z in zip(group["layers"], group["params"], strict=True):
            with torch.no_grad():
                z.fill_(method.start)
                if method.order == "norm":
                    z.mul_(_sizes(layers[name], group["along"], z))
            z.requires_grad_(True)
            run.at_end.callback(partial(z.requires_grad_, False))
    plan = Plan(
        **_times(method, run.steps, run.recipe.epochs),
        area=area(method.estimator, method.start),
        start=method.start,
        estimator=method.estimator,
        strength=method.strength,
        boost=method.boost,
        reached=method.reached,
    )
    return GateOptimizer(groups, plan)


def _sizes(layer: nn.Module, along: str, like: Tensor) -> Tensor:
    """The norms of the columns or rows of ``layer``, the largest 1; not so small that a gate were closed."""
    dim = column_dim(layer)
    norms = layer.get_parameter("weight").detach().norm(dim=1 - dim if along == "columns" else dim).to(like.dtype)
    shares: Tensor = norms / norms.max().clamp(min=1e-30)
    return shares.clamp(min=1e-3)


def _times(method: Gates, steps: int, epochs: int) -> dict[str, int]:
    """When gates do what in a run of ``steps`` mini-batches."""
    measured = method.penalty is None and method.lr is None
    look = max(1, round(_LOOK * steps)) if measured else 0
    # An epoch may leave out a last mini-batch of one sample, so the last steps of a run may not come.
    last = steps if steps <= epochs else steps - epochs
    stop = max(1, min(last, round((1 - _LOOK) * steps)))
    return {"look": look, "close": max(1, round(method.pace * steps)), "stop": stop}
