"""The CIFAR ResNets of He et al. (20 to 56 layers), with the parameter names of the published checkpoints."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from mho.errors import SpecError
from mho.zoo.initialise import Fan, check_size


class PadShortcut(nn.Module):
    """Option A of the paper: every second pixel, and zeros for the new channels; no parameters."""

    def __init__(self, extra_channels: int) -> None:
        super().__init__()
        self.side = extra_channels // 2

    def forward(self, x: Tensor) -> Tensor:
        return pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.side, self.side))


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut that has no parameters."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        grows = inputs != outputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2 if grows else 1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut = PadShortcut(outputs - inputs) if grows else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        out: Tensor = self.relu(y + self.shortcut(x))
        return out


class ResNetCIFAR(nn.Module):
    """Three stages of 16, 32 and 64 channels, ``(depth - 2) / 6`` blocks each.

    Takes ``(N, 3, H, W)`` (32x32 in the paper) and returns ``(N, classes)`` logits.

    Args:
        depth: number of weighted layers, ``6 n + 2``: 20, 32, 44, 56, ...
        classes: number of outputs.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, depth: int = 20, classes: int = 10) -> None:
        check_size("resnet: classes", classes)
        check_size("resnet: depth", depth, least=8)
        if (depth - 2) % 6:
            raise SpecError(f"resnet: depth={depth} must be 6 n + 2, such as 20, 32, 44 or 56")
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        blocks = (depth - 2) // 6
        self.layer1 = _stage(16, 16, blocks)
        self.layer2 = _stage(16, 32, blocks)
        self.layer3 = _stage(32, 64, blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.linear(torch.flatten(self.pool(x), 1))
        return logits


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(Block(inputs, outputs), *(Block(outputs, outputs) for _ in range(blocks - 1)))
