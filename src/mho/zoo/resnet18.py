"""ResNet-18 for small images, as SWIM, TRICE and NeFT use it."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.initialise import Fan, check_size


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: a 1x1 convolution where the shape changes, else the identity."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        out: Tensor = self.relu(y + self.downsample(x))
        return out


class ResNet18(nn.Module):
    """Blocks [2, 2, 2, 2] of 64 to 512 channels, 3x3 stem of stride 1, no max-pool, global average pooling.

    Takes ``(N, channels, H, W)`` of any size from 8x8 (32 for CIFAR, 64 for Tiny-ImageNet) and returns
    ``(N, classes)`` logits. 11,164,352 weights (biases and batch norm not counted) for 10 classes; the 1.15e7
    that NeFT states also counts 1x1 convolutions that its code allocates in identity blocks and never uses.

    Args:
        classes: number of outputs.
        channels: colour channels of the images.
        width: channels of the stem and the first blocks; all other layers scale along (64 is the paper's).

    Source: He et al., CVPR 2016, with the stem of the SWIM (DAC 2022) and NeFT code.
    """

    fan: ClassVar[Fan] = "fan_out"

    def __init__(self, *, classes: int = 10, channels: int = 3, width: int = 64) -> None:
        check_size("resnet18: classes", classes)
        check_size("resnet18: channels", channels)
        check_size("resnet18: width", width)
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(BasicBlock(width, width, 1), BasicBlock(width, width, 1))
        self.layer2 = nn.Sequential(BasicBlock(width, 2 * width, 2), BasicBlock(2 * width, 2 * width, 1))
        self.layer3 = nn.Sequential(BasicBlock(2 * width, 4 * width, 2), BasicBlock(4 * width, 4 * width, 1))
        self.layer4 = nn.Sequential(BasicBlock(4 * width, 8 * width, 2), BasicBlock(8 * width, 8 * width, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits
