"""A network that mho has never seen, with residual connections and BatchNorm: which layers should stay digital?

    python examples/torchvision_like_resnet.py

Nothing in SmallResNet knows of mho. Models of torchvision, timm and transformers are deployed in the same way:

    model = torchvision.models.resnet18(weights="DEFAULT").eval()
    model = timm.create_model("vit_tiny_patch16_224", pretrained=True).eval()
    model = AutoModelForSequenceClassification.from_pretrained(name).eval()   # inputs: a mapping of tensors

with data as a mho.data.Dataset, an (inputs, targets) pair, a torch data set or a DataLoader.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

import mho
from mho import data, devices
from mho.evaluation import mean_interval
from mho.training import Recipe


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))).relu()


class SmallResNet(nn.Module):
    """A stem, two blocks, a classifier."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.blocks = nn.Sequential(Block(channels), nn.MaxPool2d(2), Block(channels))
        self.head = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x).relu()).mean((2, 3)))


def main() -> None:
    torch.manual_seed(0)
    train, test = data.digits(split="train"), data.digits(split="test")
    model = mho.train(SmallResNet(), train, recipe=Recipe(epochs=8, lr=3e-3))

    memory = mho.Memory(device=devices.RRAM1(sigma=0.1))
    deployments = {
        "everything on cells": memory,
        "stem digital": {"stem.*": None, "*": memory},
        "head digital": {"head": None, "*": memory},
    }
    print(mho.describe(mho.deploy(model, deployments["stem digital"])))
    results = {
        name: mho.evaluate(mho.deploy(model, rules), test, n_chips=50, label=name)
        for name, rules in deployments.items()
    }
    for result in results.values():
        print(f"\n{result}")

    # Chip i has the same luck in every deployment, so a gain is taken chip by chip.
    print("\ngain over everything on cells, points:")
    everything = results["everything on cells"].at().values
    for name in ("stem digital", "head digital"):
        gain = mean_interval(100 * (results[name].at().values - everything))
        print(f"{name}: {gain.value:.2f} [{gain.low:.2f}, {gain.high:.2f}]")


if __name__ == "__main__":
    main()
