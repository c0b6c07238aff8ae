"""The binarised ResNet-18 of the racetrack-memory studies."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.binary.layers import BinaryActivation, BinaryConv2d, BinaryLinear
from mho.zoo.initialise import Fan, check_size


class BinaryBlock(nn.Module):
    """``S(BN(conv2(S(BN(conv1 x)))) + shortcut x)``; the shortcut is a binary 1x1 convolution where the shape changes.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        stride: of the first convolution and the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = BinaryConv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = BinaryConv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.sign = BinaryActivation()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                BinaryConv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.sign(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        out: Tensor = self.sign(y + self.shortcut(x))
        return out


class BinaryResNet18(nn.Module):
    """Blocks [2, 2, 2, 2] of 64 to 512 channels, all binary: 21 layers, 11,164,352 weights at 10 classes.

    Takes ``(N, channels, image_size, image_size)`` pixels and returns ``(N, classes)`` logits, which are sums of ±1 and
    not scaled: they suit the hinge loss with a margin of 128. A pool of 2 stands before the last pair of blocks, and
    one of 4 after it (of less where a small image leaves less).

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 8; 64 in the paper.
        channels: colour channels of the images.
        width: channels of the first convolution and the first blocks; all other layers scale along.

    Source: [bereholschi2024netdrift], table 1; after [he2016resnet].
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, classes: int = 10, image_size: int = 64, channels: int = 3, width: int = 64) -> None:
        check_size("bnn-resnet18: classes", classes)
        check_size("bnn-resnet18: image_size", image_size, least=8)
        check_size("bnn-resnet18: channels", channels)
        check_size("bnn-resnet18: width", width)
        super().__init__()
        # Convolutions of stride 2 round up, the pool between them down.
        side = -(-((-(-image_size // 4)) // 2) // 2)
        window = min(4, side)
        self.conv1 = BinaryConv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.sign = BinaryActivation()
        self.layer1 = _pair(width, width, 1)
        self.layer2 = _pair(width, 2 * width, 2)
        self.layer3 = _pair(2 * width, 4 * width, 2)
        self.pool1 = nn.MaxPool2d(2)
        self.layer4 = _pair(4 * width, 8 * width, 2)
        self.pool2 = nn.MaxPool2d(window)
        self.linear = BinaryLinear(8 * width * (side // window) ** 2, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sign(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = self.pool2(self.layer4(self.pool1(x)))
        logits: Tensor = self.linear(torch.flatten(x, 1))
        return logits


def _pair(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BinaryBlock(inputs, outputs, stride), BinaryBlock(outputs, outputs, 1))
