"""One trained LeNet for the whole session."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mho import data, zoo
from mho.training import Recipe, train


@pytest.fixture(scope="session")
def trained_lenet() -> tuple[nn.Module, Tensor, Tensor]:
    """A LeNet that has learnt handwritten digits, and 100 of them with their labels."""
    digits = data.digits(split="train")
    model = train(zoo.build_for("lenet", digits, seed=0), digits, recipe=Recipe(epochs=3, lr=2e-3, batch_size=32))
    some = digits.take(100)
    assert isinstance(some.inputs, torch.Tensor)
    return model.eval(), some.inputs, some.targets
