"""A binarised classifier that nobody has to train: random features, and the signs of class means."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from mho.data import digits
from mho.data.dataset import Dataset
from mho.zoo.binary import BinaryActivation, BinaryLinear, signs


@torch.no_grad()
def classifier(*hidden: int, seed: int = 0) -> tuple[nn.Module, Dataset]:
    """Binary linear layers ``fc1``, ``fc2``, ... with weights ±1, and the digits (8 x 8 pixels) to test them on.

    Hidden weights are random signs, each unit's threshold its mean; the last layer holds the signs of the class means
    of what reaches it. With ``hidden=(256, 128)`` it gets 86 % right, guessing 10 %.
    """
    train, generator = digits(split="train", size=8), torch.Generator().manual_seed(seed)
    x, layers = train.inputs.flatten(1), OrderedDict[str, nn.Module](flat=nn.Flatten())
    for number, width in enumerate(hidden, start=1):
        random = torch.where(torch.rand(width, x.shape[1], generator=generator) < 0.5, -1.0, 1.0)
        x = _add(layers, number, random, x)
        layers[f"sign{number}"] = BinaryActivation()
        x = layers[f"sign{number}"](x)
    means = torch.stack([x[train.targets == c].mean(0) for c in range(10)])
    _add(layers, len(hidden) + 1, signs(means - x.mean(0)), x)
    return nn.Sequential(layers).eval(), digits(size=8)


def _add(layers: OrderedDict[str, nn.Module], number: int, weight: Tensor, x: Tensor) -> Tensor:
    layer = layers[f"fc{number}"] = BinaryLinear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight
    norm = layers[f"norm{number}"] = nn.BatchNorm1d(weight.shape[0], affine=False).eval()
    y: Tensor = layer(x)
    norm.running_mean = y.mean(0)
    out: Tensor = norm(y)
    return out
