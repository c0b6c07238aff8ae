"""Binarised networks learn: their loss, the bound on latent weights, and whether it works."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mho import data, training, zoo
from mho.data import Dataset
from mho.devices import RRAM1, StuckAt
from mho.errors import ModelError, SpecError
from mho.evaluation import evaluate
from mho.mapping import Tracks
from mho.memory import Memory, deploy
from mho.training import NoiseInjection, Recipe
from mho.training.objectives import binary_hinge
from mho.training.rewriting import Cells
from mho.training.run import DRAWS, derived
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


# ------------------------------------------------------------------------------------------ on a memory of single bits

ONE_BIT = Memory(device=RRAM1(sigma=0.4), mapping=Tracks())


def latent(inputs: int, outputs: int, seed: int) -> nn.Module:
    """A binarised layer as training has it: weights are anything, and their signs count."""
    model = nn.Sequential(BinaryLinear(inputs, outputs))
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return model


@settings(max_examples=10, deadline=None)
@given(inputs=st.integers(2, 9), outputs=st.integers(2, 5), seed=st.integers(0, 2**20))
def test_errors_of_single_bits_are_trained_with_as_a_slow_loop_does(inputs: int, outputs: int, seed: int) -> None:
    """Signs are stored, bits are read, and the gradient by the bits moves the latent weights."""
    model, generator = latent(inputs, outputs, seed), torch.Generator().manual_seed(seed)
    x, y = torch.randn(12, inputs, generator=generator), torch.arange(12) % outputs
    recipe = Recipe(epochs=3, batch_size=12, lr=0.5, momentum=0.0, weight_decay=0.0, optimizer="sgd")
    recipe = recipe.replace(schedule="constant", seed=seed)
    memory = ONE_BIT.replace(device=StuckAt.at_rate(0.2)) if seed % 2 else ONE_BIT
    trained = training.train(model, (x, y), method=NoiseInjection(), memory=memory, recipe=recipe, progress=False)
    weight, bias = model[0].weight.detach().clone(), model[0].bias.detach().clone()
    flipped = 0
    for step in range(3):
        stored = nn.Sequential(nn.Linear(inputs, outputs))
        stored[0].weight.data = torch.tensor([[1.0 if w > 0 else -1.0 for w in row] for row in weight.tolist()])
        # A plain layer of weights +-1: nothing binarised is asked for what it stores.
        chips = deploy(stored.eval(), memory, seed=derived(seed, "training"))
        read = chips.weights(step * DRAWS)["0.weight"][0]
        bits, offset = torch.where(read > 0, 1.0, -1.0).requires_grad_(), bias.clone().requires_grad_()
        flipped += int((bits != stored[0].weight).sum())
        nn.functional.cross_entropy(x @ bits.T + offset, y).backward()
        weight, bias = weight - 0.5 * bits.grad, bias - 0.5 * offset.grad
    torch.testing.assert_close(trained[0].weight, weight, rtol=0, atol=1e-5)
    torch.testing.assert_close(trained[0].bias, bias, rtol=0, atol=1e-5)
    assert flipped or inputs * outputs < 30  # a tenth of all bits flips


def test_a_chip_of_single_bits_is_rewritten_to_the_signs_of_what_it_learns() -> None:
    model, moved = latent(8, 4, 1), latent(8, 4, 2)
    chips = deploy(model.eval(), ONE_BIT, seed=3)
    learning, signed = deploy(moved.eval(), ONE_BIT, seed=3), copy.deepcopy(chips.model)
    signed[0].weight.data = moved[0].weight.data.clone()
    cells, slow = Cells(replace(chips, model=signed), None, 5), Cells(learning, None, 5)
    for cycle in (1, 2, 3):
        assert torch.equal(cells.write(cycle)["0.weight"], slow.write(cycle)["0.weight"])
    samples = torch.randn(12, 8, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 4
    how = {"iterations": 3, "every": 3, "n_chips": 2, "batch_size": 12, "lr": 0.5, "progress": False}
    found = training.in_situ(chips, samples, samples, **how)
    assert found.values[:, 0].tolist() == evaluate(chips, samples, n_chips=2).values.ravel().tolist()


def test_what_is_not_binary_on_single_bits_is_said() -> None:
    samples = torch.zeros(4, 8), torch.arange(4)
    plain = nn.Linear(8, 4)
    with pytest.raises(ModelError, match=r"^weight: no bits \+-a were found with which this Linear computes the same"):
        training.train(plain, samples, method=NoiseInjection(), memory=ONE_BIT)
    snapshots = training.IntermediateSnapshots(taps=("0",), hidden=4)
    model = nn.Sequential(BinaryLinear(8, 6), BinaryLinear(6, 4))
    with pytest.raises(SpecError, match="its classifiers are not binary; give classifier_noise=False"):
        training.train(model, samples, method=snapshots, memory=ONE_BIT)
    recipe = Recipe(epochs=1, batch_size=4)
    training.train(model, samples, method=snapshots.replace(classifier_noise=False), memory=ONE_BIT, recipe=recipe)
