"""Binarised networks learn: their loss, the bound on latent weights, and whether it works."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mho import data, training, zoo
from mho.data import Dataset
from mho.errors import SpecError
from mho.training import Recipe
from mho.training.objectives import binary_hinge
from mho.zoo.binary import BinaryLinear


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 5), classes=st.integers(1, 6), margin=st.floats(0.1, 200), seed=st.integers(0, 2**40))
def test_the_hinge_is_what_a_slow_loop_adds_up(n: int, classes: int, margin: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs = 100 * torch.randn(n, classes, generator=generator)
    targets = torch.randint(classes, (n,), generator=generator)
    total = 0.0
    for row, target in zip(outputs.tolist(), targets.tolist(), strict=True):
        for c, output in enumerate(row):
            total += max(0.0, margin - (1 if c == target else -1) * output) / margin
    assert binary_hinge(outputs, targets, margin).item() == pytest.approx(total / (n * classes), rel=1e-5)


def test_the_hinge_is_flat_beyond_the_margin() -> None:
    outputs = torch.tensor([[200.0, -200.0, 10.0]], requires_grad=True)
    binary_hinge(outputs, torch.tensor([0]), 128.0).backward()
    assert outputs.grad is not None
    assert outputs.grad[0].tolist() == pytest.approx([0, 0, 1 / 3 / 128])


def digits(split: str) -> Dataset:
    return data.digits(split=split, size=12)


@pytest.mark.parametrize(
    "changes", [{}, {"loss": "binary-hinge", "margin": 0.1}, {"clamp": 0.1}], ids=["plain", "hinge", "clamp"]
)
def test_a_binarised_network_learns_the_digits(changes: dict) -> None:
    start = zoo.build("bnn-vgg3", image_size=12, width=16)
    recipe = Recipe(epochs=6, batch_size=32, lr=4e-3, schedule="multistep", milestones=(3, 5), gamma=0.5, **changes)
    trained = training.train(start, digits("train"), recipe=recipe)
    test = digits("test")
    with torch.no_grad():
        accuracy = (trained(test.inputs).argmax(1) == test.targets).float().mean().item()
    assert accuracy >= 0.8  # guessing: 0.1
    latent = trained.fc1.weight.detach().abs().max().item()
    assert latent == pytest.approx(0.1) if "clamp" in changes else latent > 0.2


def test_only_matrices_that_learn_are_clamped_and_only_if_asked() -> None:
    model = nn.Sequential(BinaryLinear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 2), nn.Linear(2, 2))
    model[3].requires_grad_(False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(2.5)
    samples = Dataset(inputs=torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), targets=torch.arange(8) % 2)
    for bound, want in ((1.0, 1.0), (None, 2.5)):
        recipe = Recipe(epochs=1, batch_size=8, lr=1e-6, clamp=bound)
        trained = training.train(model, samples, recipe=recipe)
        for name, parameter in trained.named_parameters():
            inside = name in ("0.weight", "2.weight")
            torch.testing.assert_close(parameter.detach(), torch.full_like(parameter, want if inside else 2.5))


def test_fields_that_came_later_leave_old_recipes_their_digest() -> None:
    assert Recipe().digest() == "0319660212a4e0ff"
    changed = [Recipe(loss="binary-hinge"), Recipe(loss="binary-hinge", margin=4.0), Recipe(clamp=1.0)]
    assert len({r.digest() for r in (Recipe(), *changed)}) == 4


def test_the_hinge_is_for_classes() -> None:
    values = Dataset(inputs=torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), targets=torch.zeros(8, 2))
    with pytest.raises(SpecError, match="loss='binary-hinge' is for classes, and these targets are values") as caught:
        training.train(nn.Linear(4, 2), values, recipe=Recipe(loss="binary-hinge"))
    assert "\n" not in str(caught.value)
