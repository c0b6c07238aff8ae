"""One network trained on real digits for the session, and small ones made in no time."""

from __future__ import annotations

import pytest
import torch
from reference import nets
from torch import nn

from mho import data, training, zoo
from mho.data import Dataset


@pytest.fixture(scope="session")
def lenet() -> nn.Module:
    """LeNet after four epochs on the handwritten digits of scikit-learn."""
    recipe = training.Recipe(epochs=4, lr=3e-3, batch_size=64)
    return training.train(zoo.build("lenet", seed=0), data.digits(split="train"), recipe=recipe, progress=False)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Test images."""
    return data.digits(split="test")


@pytest.fixture
def small() -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    """A perceptron and samples of which it gets most right."""
    model = nets.seeded(nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)))
    x = nets.inputs(40, 6)
    with torch.no_grad():
        labels = model(x).argmax(1)
    labels[::8] = (labels[::8] + 1) % 3
    return model, (x, labels)
