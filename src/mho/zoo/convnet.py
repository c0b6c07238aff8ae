"""The six-convolution CIFAR network of the SWIM and TRICE papers."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.initialise import Fan, check_size


class ConvNet(nn.Module):
    """Six 3x3 convolutions (64, 64, 128, 128, 256, 256 channels) and three linear layers, no batch norm.

    Takes ``(N, channels, image_size, image_size)`` and returns ``(N, classes)`` logits.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 8.
        channels: colour channels of the images.

    Source: Yan, Hu, Shi, "SWIM", DAC 2022 (the network called CIFAR in its code).
    """

    fan: ClassVar[Fan] = "fan_in"

    def __init__(self, *, classes: int = 10, image_size: int = 32, channels: int = 3) -> None:
        check_size("convnet: classes", classes)
        check_size("convnet: image_size", image_size, least=8)
        check_size("convnet: channels", channels)
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1)
        self.conv4 = nn.Conv2d(128, 128, 3, padding=1)
        self.conv5 = nn.Conv2d(128, 256, 3, padding=1)
        self.conv6 = nn.Conv2d(256, 256, 3, padding=1)
        self.fc1 = nn.Linear(256 * (image_size // 8) ** 2, 1024)
        self.fc2 = nn.Linear(1024, 1024)
        self.fc3 = nn.Linear(1024, classes)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv2(self.relu(self.conv1(x)))))
        x = self.pool(self.relu(self.conv4(self.relu(self.conv3(x)))))
        x = self.pool(self.relu(self.conv6(self.relu(self.conv5(x)))))
        x = torch.flatten(x, 1)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits
