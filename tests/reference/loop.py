"""Monte Carlo the obvious way: write a chip's weights into a copy of the model, run all images, count."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from mho.memory import Chips


def outputs(chips: Chips, number: int, inputs: Tensor, **point: float) -> Tensor:
    """What chip ``number`` says about every input, all at once."""
    model = copy.deepcopy(chips.model)
    for name, weight in chips.weights(number, **point).items():
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, torch.nn.Parameter(weight[0].clone(), requires_grad=False))
    with torch.no_grad():
        return model(inputs)


def accuracy(chips: Chips, number: int, inputs: Tensor, targets: Tensor, **point: float) -> float:
    """Fraction of inputs whose largest output is their label."""
    said = outputs(chips, number, inputs, **point)
    right = 0
    for scores, label in zip(said.tolist(), targets.tolist(), strict=True):
        right += scores.index(max(scores)) == label
    return right / len(targets)


def ekl(chips: Chips, number: int, inputs: Tensor, targets: Tensor, **point: float) -> float:
    """Mean of ``-ln p_y`` over the inputs that are classified correctly."""
    total, count = 0.0, 0
    for scores, label in zip(outputs(chips, number, inputs, **point).tolist(), targets.tolist(), strict=True):
        if scores.index(max(scores)) == label:
            total -= scores[label] - math.log(sum(math.exp(s) for s in scores))
            count += 1
    return total / count if count else math.nan
