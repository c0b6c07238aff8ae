"""What a search climbs: losses whose softness falls as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError, nearest
from mho.evaluation.metrics import IGNORED
from mho.evaluation.sensitivity.losses import LOSSES, UserLoss, check_mean, get_loss
from mho.evaluation.worst_case.method import LossName

SOFT = 0.5
"""Temperature that cross-entropy starts with, over the mean margin; it ends at a tenth of it."""
REACH = 2.0
"""kappa that the hinge starts with, over the mean margin; it ends at zero."""


@dataclass(frozen=True)
class Loss:
    """A loss that training would minimise, and that a search maximises.

    Attributes:
        name: what results call it.
        total: ``(outputs, targets, progress) -> scalar``, the sum over what ``count`` counts. ``progress`` goes from 0
            to 1; ``None`` is the loss as papers have it.
        count: what the sum is divided by, on a whole data set.
    """

    name: str
    total: Callable[[Tensor, Tensor, float | None], Tensor]
    count: Callable[[Dataset], int]


def usual(targets: Tensor) -> tuple[LossName, ...]:
    """The losses for such targets: hinge and cross-entropy for classes, the squared error for values."""
    return ("mse",) if targets.is_floating_point() else ("hinge", "cross-entropy")


def check_losses(said: object) -> tuple[str | UserLoss, ...] | None:
    """``loss=`` as a tuple of names and functions.

    Raises:
        SpecError: a name that is none, or an empty list.
    """
    if said is None:
        return None
    listed = tuple(said) if isinstance(said, list | tuple) else (said,)
    if not listed:
        raise SpecError("loss is an empty list; leave it out, or name one such as 'hinge'")
    for one in listed:
        if not callable(one) and one not in get_args(LossName):
            hint = nearest(str(one), get_args(LossName))
            raise SpecError(f"loss={one!r}: {hint}; or give loss(outputs, targets) -> mean over the samples")
    return listed


def make(said: str | UserLoss, outputs: Tensor, data: Dataset, margin: float) -> Loss:
    """The loss that was asked for, once it is known to suit the data.

    Args:
        said: its name, or ``loss(outputs, targets) -> mean over the samples``.
        outputs: of the network, on the first samples of ``data``.
        data: what is searched.
        margin: mean distance between a sample's label and the best other class, in logits.

    Raises:
        DataError, ModelError, SpecError: it does not suit outputs or targets.
    """
    if not isinstance(said, str):
        return _of_user(said, outputs, data)
    LOSSES["mse" if said == "mse" else "cross-entropy"].check(outputs[:1].detach(), data)
    if said == "mse":
        return Loss("mse", lambda out, targets, _: LOSSES["mse"].total(out, targets), len)
    if outputs.shape[-1] < 2:
        raise ModelError(f"{said} needs two classes or more, but the model has one output; try loss='mse'")
    make_named = _hinge if said == "hinge" else _cross_entropy
    return Loss(said, make_named(margin), lambda d: int((d.targets != IGNORED).sum()))


def margins(outputs: Tensor, targets: Tensor) -> Tensor:
    """``f_t - max_{i != t} f_i`` of every label that counts, flattened."""
    scores, labels = outputs.flatten(0, -2), targets.flatten()
    kept = labels != IGNORED
    if not bool(kept.all()):
        scores, labels = scores[kept], labels[kept]
    own = scores.gather(1, labels[:, None])
    others = scores.scatter(1, labels[:, None], -torch.inf).amax(1)
    return own[:, 0] - others


def _hinge(margin: float) -> Callable[[Tensor, Tensor, float | None], Tensor]:
    """``-max(f_t - max_{i != t} f_i, -kappa)`` [yan2022worst], kappa falling to zero."""

    def total(outputs: Tensor, targets: Tensor, progress: float | None) -> Tensor:
        kappa = 0.0 if progress is None else REACH * margin * (1 - progress)
        return -margins(outputs, targets).clamp(min=-kappa).sum()

    return total


def _cross_entropy(margin: float) -> Callable[[Tensor, Tensor, float | None], Tensor]:
    """Cross-entropy of logits over a temperature that falls to a tenth."""

    def total(outputs: Tensor, targets: Tensor, progress: float | None) -> Tensor:
        temperature = 1.0 if progress is None else SOFT * margin * 0.1**progress
        scores = outputs.flatten(0, -2) / temperature
        return F.cross_entropy(scores, targets.flatten(), reduction="sum", ignore_index=IGNORED)

    return total


def _of_user(function: UserLoss, outputs: Tensor, data: Dataset) -> Loss:
    loss = get_loss(function)
    targets = data.targets[: len(outputs)]
    value = loss.total(outputs, targets)
    if not value.requires_grad:
        raise SpecError(
            f"loss {loss.name} has no gradient with respect to the outputs, so nothing can be searched by it"
        )
    with torch.no_grad():
        check_mean(loss, outputs, targets)
    return Loss(loss.name, lambda out, targets, _: loss.total(out, targets), len)
