"""The binarised VGG networks of the racetrack-memory studies."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.binary.layers import BinaryActivation, BinaryConv2d, BinaryLinear, Scale
from mho.zoo.initialise import Fan, check_size


class BinaryVGG3(nn.Module):
    """Two 3x3 convolutions and two linear layers, all binary; 6,480,448 weights at 28x28 and 10 classes.

    Takes ``(N, channels, image_size, image_size)`` pixels and returns ``(N, classes)`` logits. The inputs of the first
    convolution are real, those of all others ±1. Pooling comes before the norm.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 4.
        channels: colour channels of the images.
        width: channels of both convolutions (64 in the paper); the linear layer has 32 times as many outputs.

    Source: [bereholschi2024netdrift], table 1.
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, classes: int = 10, image_size: int = 28, channels: int = 1, width: int = 64) -> None:
        check_size("bnn-vgg3: classes", classes)
        check_size("bnn-vgg3: image_size", image_size, least=4)
        check_size("bnn-vgg3: channels", channels)
        check_size("bnn-vgg3: width", width)
        super().__init__()
        hidden = 32 * width
        self.conv1 = _conv(channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.fc1 = BinaryLinear(width * (image_size // 4) ** 2, hidden, bias=False)
        self.bn3 = nn.BatchNorm1d(hidden)
        self.fc2 = BinaryLinear(hidden, classes, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.sign = BinaryActivation()
        self.scale = Scale()

    def forward(self, x: Tensor) -> Tensor:
        x = self.sign(self.bn1(self.pool(self.conv1(x))))
        x = self.sign(self.bn2(self.pool(self.conv2(x))))
        x = self.sign(self.bn3(self.fc1(torch.flatten(x, 1))))
        logits: Tensor = self.scale(self.fc2(x))
        return logits


class BinaryVGG7(nn.Module):
    """Six 3x3 convolutions and two linear layers, all binary; 12,973,440 weights at 32x32 and 10 classes.

    Takes ``(N, channels, image_size, image_size)`` pixels and returns ``(N, classes)`` logits. The inputs of the first
    convolution are real, those of all others ±1. Pooling comes before the norm.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 8.
        channels: colour channels of the images.
        width: channels of the first convolution; all other layers scale along. The paper's table prints 64, its
            code has 128.

    Source: [bereholschi2024netdrift], table 1.
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, classes: int = 10, image_size: int = 32, channels: int = 3, width: int = 128) -> None:
        check_size("bnn-vgg7: classes", classes)
        check_size("bnn-vgg7: image_size", image_size, least=8)
        check_size("bnn-vgg7: channels", channels)
        check_size("bnn-vgg7: width", width)
        super().__init__()
        hidden = 8 * width
        self.conv1, self.bn1 = _conv(channels, width), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, 2 * width), nn.BatchNorm2d(2 * width)
        self.conv4, self.bn4 = _conv(2 * width, 2 * width), nn.BatchNorm2d(2 * width)
        self.conv5, self.bn5 = _conv(2 * width, 4 * width), nn.BatchNorm2d(4 * width)
        self.conv6, self.bn6 = _conv(4 * width, 4 * width), nn.BatchNorm2d(4 * width)
        self.fc1 = BinaryLinear(4 * width * (image_size // 8) ** 2, hidden, bias=False)
        self.bn7 = nn.BatchNorm1d(hidden)
        self.fc2 = BinaryLinear(hidden, classes, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.sign = BinaryActivation()
        self.scale = Scale()

    def forward(self, x: Tensor) -> Tensor:
        x = self.sign(self.bn1(self.conv1(x)))
        x = self.sign(self.bn2(self.pool(self.conv2(x))))
        x = self.sign(self.bn3(self.conv3(x)))
        x = self.sign(self.bn4(self.pool(self.conv4(x))))
        x = self.sign(self.bn5(self.conv5(x)))
        x = self.sign(self.bn6(self.pool(self.conv6(x))))
        x = self.sign(self.bn7(self.fc1(torch.flatten(x, 1))))
        logits: Tensor = self.scale(self.fc2(x))
        return logits


def _conv(inputs: int, outputs: int) -> BinaryConv2d:
    return BinaryConv2d(inputs, outputs, 3, padding=1, bias=False)
