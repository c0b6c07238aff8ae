"""A fully connected network of any sizes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.errors import SpecError
from mho.zoo.activations import Activation, activation_layer
from mho.zoo.initialise import Fan, check_size


class MLP(nn.Module):
    """Linear layers with an activation between them; images are flattened.

    Takes ``(N, ...)`` with ``inputs`` values a sample and returns ``(N, classes)`` logits.

    Args:
        classes: number of outputs.
        inputs: values in one sample (784 for a 28x28 image).
        hidden: width of each hidden layer; empty for a single linear layer.
        activation: "relu", "sigmoid" or "tanh".

    Source: the 784-256-128-10 of [gokmen2016rpu], with ReLU unless ``activation="sigmoid"``, which is the paper's.
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(
        self,
        *,
        classes: int = 10,
        inputs: int = 784,
        hidden: Sequence[int] = (256, 128),
        activation: Activation = "relu",
    ) -> None:
        check_size("mlp: classes", classes)
        check_size("mlp: inputs", inputs)
        if isinstance(hidden, str) or not isinstance(hidden, Sequence):
            raise SpecError(f"mlp: hidden={hidden!r} must be a list of widths such as [256, 128]")
        for width in hidden:
            check_size("mlp: hidden width", width)
        super().__init__()
        sizes = (inputs, *hidden, classes)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), activation_layer("mlp: activation", activation)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(torch.flatten(x, 1))
        return logits
