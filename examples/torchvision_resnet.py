"""A ResNet of torchvision: is it worth keeping its first and its last layer digital, as is often done?

    python examples/torchvision_resnet.py

It is trained here for seconds, on small pictures of digits. Yours comes with weights, and with your data (a data set of
torch, a DataLoader, a pair of tensors):

    model = resnet18(weights="DEFAULT").eval()
"""

from __future__ import annotations

import sys
from dataclasses import replace

import torch

import mho
from mho import data, devices
from mho.evaluation import mean_interval
from mho.training import Recipe

try:
    from torchvision.models import resnet18
except (ImportError, RuntimeError):  # not there, or built for another torch
    sys.exit("no torchvision that fits your torch; install both from one place, such as: pip install torch torchvision")


def pictures(split: str, limit: int | None = None) -> data.Dataset:
    """Digits in colour, as a ResNet expects them."""
    grey = data.digits(split=split, limit=limit, size=16)
    return replace(grey, inputs=grey.inputs.expand(-1, 3, -1, -1))


def main() -> None:
    torch.manual_seed(0)
    test = pictures("test", limit=100)
    model = mho.train(resnet18(num_classes=10), pictures("train"), recipe=Recipe(epochs=3, lr=2e-3))

    memory = mho.Memory(device=devices.RRAM1(sigma=0.05))
    deployments = {
        "all layers on cells": memory,
        "first and last digital": {"conv1": None, "fc": None, "*": memory},
    }
    values = []
    for name, rules in deployments.items():
        chips = mho.deploy(model, rules)
        layout = mho.describe(chips)
        result = mho.evaluate(chips, test, n_chips=12, label=name)
        print(f"{name}: {len(layout.stored)} matrices on {layout.cells:,} cells, {layout.tiles} arrays\n{result}\n")
        values.append(result.at().values)

    # Chip i has the same luck in both, so the gain is taken chip by chip.
    gain = mean_interval(100 * (values[1] - values[0]))
    print(f"gain of a chip: {gain.value:.2f} points [{gain.low:.2f}, {gain.high:.2f}]")


if __name__ == "__main__":
    main()
