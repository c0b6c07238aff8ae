"""LeNet as the papers on training in the array use it: 5x5 kernels without padding, tanh, no batch norm."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.initialise import Fan, check_size


class LeNetTanh(nn.Module):
    """Two convolutions and two linear layers; 80,016 weights (without biases) at 28x28 and 10 classes.

    Takes ``(N, channels, image_size, image_size)`` pixels in [0, 1] and returns ``(N, classes)`` logits. On arrays,
    with its biases, it is 16x26, 32x401, 128x513 and 10x129.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 16.
        channels: colour channels of the images.

    Source: [gokmen2017cnn].
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, classes: int = 10, image_size: int = 28, channels: int = 1) -> None:
        check_size("lenet-tanh: classes", classes)
        check_size("lenet-tanh: image_size", image_size, least=16)
        check_size("lenet-tanh: channels", channels)
        super().__init__()
        side = ((image_size - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(channels, 16, 5)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.fc1 = nn.Linear(32 * side**2, 128)
        self.fc2 = nn.Linear(128, classes)
        self.pool = nn.MaxPool2d(2)
        self.tanh = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.tanh(self.conv1(x)))
        x = self.pool(self.tanh(self.conv2(x)))
        x = self.tanh(self.fc1(torch.flatten(x, 1)))
        logits: Tensor = self.fc2(x)
        return logits
