"""Does a gradient reach the weights? Asked once, before the search, so that the answer is one clear line."""

from __future__ import annotations

import torch

from mho.errors import ModelError
from mho.evaluation.worst_case.chips import draw
from mho.evaluation.worst_case.losses import Loss
from mho.evaluation.worst_case.objective import Objective
from mho.rng import Draws

REMEDY = (
    "an operation on the way has none (round, sign, argmax, detach, no_grad), or every unit is dead; give it a "
    "straight-through gradient, or keep the layer digital"
)


def check_outputs(objective: Objective) -> torch.Tensor:
    """Outputs of the first batch at the centre.

    Raises:
        ModelError: they have no gradient at all.
    """
    outputs = objective.outputs(objective.zeros())
    if not outputs.requires_grad:
        raise ModelError(f"the outputs of {type(objective.model).__name__} have no gradient: {REMEDY}")
    return outputs


def check_reached(objective: Objective, loss: Loss, limit: float) -> None:
    """Refuse weights that matter but have no gradient: the search would leave them alone, and find too little.

    A layer without a gradient is moved by ``limit``, each weight its own way. If outputs change, the gradient is
    missing; if not, the layer is not in use, or dead.

    Raises:
        ModelError: naming the layer.
    """
    outputs = objective.outputs(objective.zeros())
    objective.gradient.zero_()
    targets = objective.bench.data.targets[: len(outputs)]
    try:
        with objective.differentiable():
            loss.total(outputs, targets, 0.0).backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{type(objective.model).__name__} cannot be differentiated: {reason}") from None
    silent = [name for name, part in objective.by_name(objective.gradient).items() if not bool(part.any())]
    before = outputs.detach().clone()
    for name in silent:
        delta = objective.zeros()
        part = objective.by_name(delta)[name]
        draws = Draws(0, name, torch.zeros(1, dtype=torch.int64, device=part.device), tuple(part.shape), part.device)
        part.copy_(draw("corners", draws, limit)[0])
        if not torch.equal(objective.outputs(delta).detach(), before):
            raise ModelError(f"outputs depend on {name}, but no gradient reaches it: {REMEDY}")
