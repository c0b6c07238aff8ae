"""The small classifiers that read the features at a tap and say what the network would answer from there."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from mho.zoo.initialise import kaiming

FEATURES = 2304
"""What is left of an image's features after pooling, about: 64 channels of 6x6, as in [qin2025neft]."""


def side(channels: int, height: int, width: int) -> int:
    """Height and width that a map is pooled to, so that about :data:`FEATURES` are left; at most its own size."""
    return max(min(round(sqrt(FEATURES / channels)), height, width), 1)


class Classifier(nn.Module):
    """Pools features to ``s x s``, then linear, ReLU, linear: ``(n, classes)`` outputs.

    Features are maps ``(n, c, h, w)``, tokens ``(n, tokens, c)``, which are averaged, or vectors ``(n, c)``.

    Source: the classifiers of the intermediate snapshots of [qin2025neft] (He's normal start with ``fan_out``).

    Args:
        shape: of the features of one batch, n included.
        classes: number of outputs.
        hidden: units between the two linear layers.
        seed: of the starting weights; the global generators are left alone.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int, seed: int) -> None:
        super().__init__()
        of_map = side(*shape[1:]) if len(shape) == 4 else 1
        features = shape[1] * of_map**2 if len(shape) == 4 else shape[-1]
        self.pool = nn.AdaptiveAvgPool2d(of_map)
        with torch.device("meta"):  # torch's own start would draw from the global generator
            self.hidden, self.last = nn.Linear(features, hidden), nn.Linear(hidden, classes)
        kaiming(self.to_empty(device="cpu"), "fan_out", seed)

    def forward(self, features: Tensor) -> Tensor:
        if features.dim() == 3:
            features = features.mean(1)
        elif features.dim() == 4:
            features = torch.flatten(self.pool(features), 1)
        outputs: Tensor = self.last(relu(self.hidden(features)))
        return outputs
