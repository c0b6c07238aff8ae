"""Losses, with the first and second derivative of each at the outputs of a network.

The loss of a data set is the mean over its samples; the loss of a sample with several labels (tokens, pixels) or
several numbers is the mean over those. Methods add up over samples and divide once, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mho.data.dataset import Dataset
from mho.errors import DataError, ModelError, SpecError, nearest
from mho.evaluation.metrics import IGNORED

Curvature = tuple[Tensor, Tensor]
"""(h, g) at the outputs: second and first derivative, of the shape of the outputs."""
UserLoss = Callable[[Tensor, Tensor], Tensor]
"""``(outputs (n, ...), targets (n, ...)) -> mean over the n samples``, a scalar."""


@dataclass(frozen=True)
class Loss:
    """A loss and its curvature.

    Attributes:
        name: what results call it.
        total: ``(outputs, targets) -> scalar``, the sum of the losses of the samples.
        curvature: ``(outputs, targets) -> (h, g)`` of that sum.
        factor: ``(outputs, targets) -> (v -> S v)`` with ``S S^T`` the Hessian of each sample's loss in its outputs;
            ``None`` where it is not known.
        check: ``(outputs of one sample (1, ...), data)``, raises where they do not fit.
    """

    name: str
    total: Callable[[Tensor, Tensor], Tensor]
    curvature: Callable[[Tensor, Tensor], Curvature]
    check: Callable[[Tensor, Dataset], None]
    factor: Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]] | None = None


def get_loss(loss: str | UserLoss | Loss) -> Loss:
    """The loss called ``loss``, or a user's.

    Raises:
        SpecError: no loss has this name.
    """
    if isinstance(loss, Loss):
        return loss
    if callable(loss):
        return _of_user(loss)
    if loss not in LOSSES:
        raise SpecError(f"loss={loss!r}: {nearest(str(loss), LOSSES)}; or give loss(outputs, targets) -> mean")
    return LOSSES[loss]


def _weights(targets: Tensor) -> Tensor:
    """What each label counts in the sum over samples: one over the labels of its sample, 0 where it is left out."""
    counted = (targets != IGNORED).float()
    if targets.dim() == 1:
        return counted
    return counted / counted.flatten(1).sum(1).clamp(min=1).view(-1, *(1,) * (targets.dim() - 1))


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    each = F.cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction="none", ignore_index=IGNORED)
    return (each * _weights(targets).flatten()).sum()


def _softmax_curvature(outputs: Tensor, targets: Tensor) -> Curvature:
    """``h_k = p_k (1 - p_k)``, ``g_k = p_k - [k is the label]``."""
    p = outputs.softmax(-1)
    rest = _others(p, p)
    label = targets.clamp(min=0)[..., None]
    g = p.scatter(-1, label, -rest.gather(-1, label))
    counts = _weights(targets)[..., None]
    return p * rest * counts, g * counts


def _softmax_factor(outputs: Tensor, targets: Tensor) -> Callable[[Tensor], Tensor]:
    """``S = diag(√p) - p √p^T``, whose ``S S^T`` is ``diag(p) - p p^T``."""
    p = outputs.softmax(-1)
    root, rest = p.sqrt(), _others(p, p)
    count = _weights(targets)[..., None].sqrt()

    def times(v: Tensor) -> Tensor:
        return (root * v * rest - p * _others(root * v, p)) * count

    return times


def _others(values: Tensor, p: Tensor) -> Tensor:
    """For every class, the sum of ``values`` over all others.

    For the class with the largest p it is added up without it: subtracted, ``1 - p`` would be zero where a network is
    surer than the seventh digit, and with it every second derivative.
    """
    top = p.argmax(-1, keepdim=True)
    return (values.sum(-1, keepdim=True) - values).scatter(-1, top, values.scatter(-1, top, 0).sum(-1, keepdim=True))


def _check_classes(outputs: Tensor, data: Dataset) -> None:
    if data.targets.is_floating_point():
        raise DataError(f"{data.name}: targets are no class numbers, which cross-entropy needs; try loss='mse'")
    if outputs.dim() < 2:
        raise ModelError("cross-entropy needs one score per class, but the model returns one number per sample")
    if outputs.shape[1:-1] != data.targets.shape[1:]:
        raise ModelError(
            "cross-entropy needs one score per class, classes last, for every label, but a sample of "
            f"{data.name} has target shape {tuple(data.targets.shape[1:])} and output shape {tuple(outputs.shape[1:])}"
        )
    outside = data.targets[((data.targets < 0) & (data.targets != IGNORED)) | (data.targets >= outputs.shape[-1])]
    if len(outside):
        raise ModelError(
            f"{data.name} has label {int(outside[0])}, but the model has {outputs.shape[-1]} outputs; "
            "labels are numbered from 0"
        )


def _as_targets(outputs: Tensor, targets: Tensor) -> Tensor:
    return targets[..., None] if outputs.dim() == targets.dim() + 1 and outputs.shape[-1] == 1 else targets


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - _as_targets(outputs, targets)).square().flatten(1).mean(1).sum()


def _squared_curvature(outputs: Tensor, targets: Tensor) -> Curvature:
    n = max(1, math.prod(outputs.shape[1:]))
    return torch.full_like(outputs, 2 / n), (outputs - _as_targets(outputs, targets)) * (2 / n)


def _squared_factor(outputs: Tensor, targets: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda v: v * math.sqrt(2 / max(1, math.prod(outputs.shape[1:])))


def _check_values(outputs: Tensor, data: Dataset) -> None:
    wanted = _as_targets(outputs, data.targets[:1])
    if wanted.shape[1:] != outputs.shape[1:]:
        raise ModelError(
            f"mse compares number by number, but a sample of {data.name} has target shape "
            f"{tuple(data.targets.shape[1:])} and output shape {tuple(outputs.shape[1:])}"
        )


def _of_user(function: UserLoss) -> Loss:
    name = getattr(function, "__name__", type(function).__name__)

    def total(outputs: Tensor, targets: Tensor) -> Tensor:
        value = function(outputs, targets)
        if not isinstance(value, Tensor) or value.numel() != 1:
            said = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
            raise SpecError(f"loss {name} must return one number, the mean over the samples; it returned {said}")
        return value.reshape(()) * len(outputs)

    @torch.enable_grad()
    def curvature(outputs: Tensor, targets: Tensor) -> Curvature:
        z = outputs.detach().requires_grad_()
        value = total(z, targets)
        if not value.requires_grad:
            raise SpecError(f"loss {name} has no gradient with respect to the outputs")
        (g,) = torch.autograd.grad(value, z, create_graph=True)
        h = torch.zeros_like(outputs, memory_format=torch.contiguous_format)
        if not g.requires_grad:  # linear in pieces
            return h, g
        # Samples do not see each other: one backward pass gives the second derivative of one output of them all.
        second = h.view(len(h), -1)
        for k, column in enumerate(g.reshape(len(g), -1).unbind(1)):
            (row,) = torch.autograd.grad(column.sum(), z, retain_graph=True, materialize_grads=True)
            second[:, k] = row.reshape(len(h), -1)[:, k]
        return h, g.detach()

    return Loss(name, total, curvature, lambda outputs, data: None)


def check_mean(loss: Loss, outputs: Tensor, targets: Tensor) -> None:
    """Refuse a user's loss that is no mean over samples, tried on a few.

    Raises:
        SpecError: naming the loss.
    """
    n = min(4, len(outputs))
    outputs, targets = outputs[:n], targets[:n]
    together = float(loss.total(outputs, targets))
    apart = sum(float(loss.total(outputs[i : i + 1], targets[i : i + 1])) for i in range(n))
    if math.isfinite(together) and not math.isclose(together, apart, rel_tol=1e-3, abs_tol=1e-6):
        raise SpecError(
            f"loss {loss.name} of {n} samples is {together / n:g}, the mean of their losses is {apart / n:g}; "
            "it must return the mean over the samples"
        )


LOSSES: dict[str, Loss] = {
    "cross-entropy": Loss("cross-entropy", _cross_entropy, _softmax_curvature, _check_classes, _softmax_factor),
    "mse": Loss("mse", _squared, _squared_curvature, _check_values, _squared_factor),
}
"""Every named loss."""
