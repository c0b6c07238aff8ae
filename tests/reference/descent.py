"""Signed descent the obvious way: one image at a time, one layer at a time, every formula written out."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

Deltas = dict[str, Tensor]


def with_errors(model: nn.Module, names: list[str], delta: Deltas) -> nn.Module:
    """A copy of ``model`` whose weights are ``W + max|W| delta``, all of which want a gradient."""
    off = copy.deepcopy(model)
    for name in names:
        weight = off.get_parameter(name)
        weight.data += weight.abs().max() * delta[name]
        weight.requires_grad_()
    return off


def margin(scores: Tensor, label: int) -> Tensor:
    """Own score less the best other one."""
    others = [scores[i] for i in range(len(scores)) if i != label]
    return scores[label] - max(others)


def hinge(scores: Tensor, label: int, scale: float, progress: float) -> Tensor:
    """``-max(margin, -kappa)``, kappa from twice the mean margin to zero."""
    kappa = 2 * scale * (1 - progress)
    return -torch.clamp(margin(scores, label), min=-kappa)


def cross_entropy(scores: Tensor, label: int, scale: float, progress: float) -> Tensor:
    """``-log p``, the temperature from half the mean margin to a twentieth."""
    warm = scores / (0.5 * scale * 10 ** (-progress))
    return -(warm[label] - torch.logsumexp(warm, 0))


LOSSES = {"hinge": hinge, "cross-entropy": cross_entropy}


def descend(
    model: nn.Module, names: list[str], images: Tensor, labels: Tensor, bound: float, loss: str, steps: int,
    step: float = 2.0, momentum: float = 0.5,
) -> tuple[list[Deltas], list[float]]:  # fmt: skip
    """All iterates from zero, and the accuracy of each."""
    scales = {name: float(model.get_parameter(name).detach().abs().max()) for name in names}
    with torch.no_grad():
        scale = sum(abs(float(margin(model(x[None])[0], int(t)))) for x, t in zip(images, labels, strict=True))
    scale /= len(images)
    delta = {name: torch.zeros_like(model.get_parameter(name)) for name in names}
    velocity = {name: torch.zeros_like(d) for name, d in delta.items()}
    iterates, accuracies = [], []
    for t in range(steps):
        progress = t / (steps - 1)
        off, right = with_errors(model, names, delta), 0
        for x, label in zip(images, labels.tolist(), strict=True):
            scores = off(x[None])[0]
            right += int(scores.argmax()) == label
            (LOSSES[loss](scores, label, scale, progress) / len(images)).backward()
        iterates.append({name: d.clone() for name, d in delta.items()})
        accuracies.append(right / len(images))
        gradients = {name: scales[name] * off.get_parameter(name).grad for name in names}
        mean = sum(float(g.abs().sum()) for g in gradients.values()) / sum(g.numel() for g in gradients.values())
        if mean == 0 or right == 0:
            break
        for name in names:
            velocity[name] = momentum * velocity[name] + gradients[name] / mean
            moved = delta[name] + step * bound * (1 - progress) * velocity[name].sign()
            delta[name] = moved.clamp(-bound, bound)
    return iterates, accuracies


def kept(accuracies: list[float]) -> int:
    """The last of the worst."""
    return max(i for i, a in enumerate(accuracies) if a == min(accuracies))


def log10_normal(low: float, high: float) -> float:
    """``log10(Phi(high) - Phi(low))`` from the error function."""
    return math.log10((math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2)
