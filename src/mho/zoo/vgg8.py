"""VGG-8 of the NeFT paper."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mho.zoo.initialise import Fan, check_size


class VGG8(nn.Module):
    """Six 3x3 convolutions with batch norm and two linear layers; 12,897,984 weights at 32x32 and 10 classes.

    Takes ``(N, channels, image_size, image_size)`` (the paper resizes MNIST to 32) and returns
    ``(N, classes)`` logits.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, at least 8.
        channels: colour channels of the images.
        width: channels of the first convolution; all other layers scale along (64 is the paper's).

    Source: the VGG-8 of the NeFT code; the paper states 1.29e7 weights.
    """

    fan: ClassVar[Fan] = "fan_out"

    def __init__(self, *, classes: int = 10, image_size: int = 32, channels: int = 3, width: int = 64) -> None:
        check_size("vgg8: classes", classes)
        check_size("vgg8: image_size", image_size, least=8)
        check_size("vgg8: channels", channels)
        check_size("vgg8: width", width)
        super().__init__()
        self.features = nn.Sequential(
            *_block(channels, width),
            *_block(width, 2 * width),
            nn.MaxPool2d(2),
            *_block(2 * width, 4 * width),
            *_block(4 * width, 4 * width),
            nn.MaxPool2d(2),
            *_block(4 * width, 8 * width),
            *_block(8 * width, 8 * width),
            nn.MaxPool2d(2),
        )
        self.fc1 = nn.Linear(8 * width * (image_size // 8) ** 2, 16 * width)
        self.fc2 = nn.Linear(16 * width, classes)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.flatten(self.features(x), 1)
        logits: Tensor = self.fc2(self.relu(self.fc1(x)))
        return logits


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return conv, nn.BatchNorm2d(outputs), nn.ReLU()
