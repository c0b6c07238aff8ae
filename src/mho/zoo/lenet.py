"""LeNet as the reliability papers use it: 3x3 kernels with padding, ReLU, no batch norm."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.initialise import Fan, check_size


class LeNet(nn.Module):
    """Two convolutions and three linear layers; 105,918 weights (without biases) at 28x28 and 10 classes.

    Takes ``(N, channels, image_size, image_size)`` pixels in [0, 1] and returns ``(N, classes)`` logits.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 4.
        channels: colour channels of the images.

    Source: Yan, Hu, Shi, "SWIM", DAC 2022 (the network called SLeNet in its code).
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, classes: int = 10, image_size: int = 28, channels: int = 1) -> None:
        check_size("lenet: classes", classes)
        check_size("lenet: image_size", image_size, least=4)
        check_size("lenet: channels", channels)
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * (image_size // 4) ** 2, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits
