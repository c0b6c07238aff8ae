"""Noise injection: the gradient of a fresh chip, at the clean weights."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import teaching
from torch import Tensor, nn

import mho
from mho import data, devices, mapping, training, zoo
from mho.devices import RRAM1, FeFET2, LogNormal, Stack, StuckAt
from mho.mapping import Analog, Differential, Offset, SlicedMagnitude
from mho.memory import Memory, deploy
from mho.programming import WriteVerify
from mho.rng import Draws
from mho.training import NoiseInjection, Recipe
from mho.training.run import DRAWS, Batch, Run, derived
from mho.training.tables import table


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def points(n: int = 23, features: int = 5, classes: int = 3) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % classes
    return torch.randn(n, features, generator=seeded(0)) + targets.view(-1, 1), targets


def linear(seed: int = 1) -> nn.Linear:
    model = nn.Linear(5, 3)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=seeded(seed))
    return model


def a_batch(run: Run, step: int = 0) -> Batch:
    return Batch(run, torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64), step, 0)


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


STEEP = Recipe(epochs=3, batch_size=8, optimizer="sgd", lr=0.3, momentum=0.5, schedule="constant", seed=5)
MEMORIES = {
    "Gaussian on slices": Memory(device=RRAM1(sigma=0.2)),
    "noisy middle": Memory(device=FeFET2(sigma=0.2), mapping=SlicedMagnitude(weight_bits=4, cell_bits=2)),
    "whole weights": Memory(device=FeFET2(sigma=0.2, level_scope="weight")),
    "a channel each": Memory(device=RRAM1(sigma=0.1), mapping=Differential(granularity="channel")),
    "offset": Memory(device=RRAM1(sigma=0.05), mapping=Offset(weight_bits=6, cell_bits=2)),
    "analog": Memory(device=RRAM1(sigma=0.2), mapping=Analog()),
    "clipped": Memory(device=RRAM1(sigma=0.2), mapping=SlicedMagnitude(clip_negative=True)),
    "no Gaussian": Memory(device=LogNormal(sigma=0.3)),
    "stuck cells": Memory(device=Stack(stages=(RRAM1(sigma=0.1), StuckAt.at_rate(0.1)))),
    "verified": Memory(device=RRAM1(sigma=0.2), programming=WriteVerify(tolerance=0.05)),
}


def test_the_gradient_goes_straight_through_to_the_clean_weights() -> None:
    inputs, targets = points()
    model, sigma = linear(), 0.4

    def noisy(step: int, weight: Tensor, bias: Tensor, part: list[int]) -> Tensor:
        draws = Draws(derived(5, "training"), "weight", torch.tensor([step * DRAWS]), (3, 5), torch.device("cpu"))
        return weight + sigma * max(abs(float(w)) for w in weight.flatten()) * draws.normal("training noise")[0]

    trained = training.train(model, (inputs, targets), method=NoiseInjection(sigma=sigma), recipe=STEEP)
    weight, bias = teaching.taught(
        model.weight.detach(),
        model.bias.detach(),
        inputs,
        targets,
        teaching.batches(23, 8, 3, 5),
        noisy,
        lr=0.3,
        momentum=0.5,
    )
    torch.testing.assert_close(trained.weight.double(), weight, rtol=0, atol=2e-5)
    torch.testing.assert_close(trained.bias.double(), bias, rtol=0, atol=2e-5)
    assert float((trained.weight - model.weight).detach().abs().max()) > 0.1


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_with_a_memory_every_batch_sees_a_chip_of_the_weights_as_they_are(memory: Memory) -> None:
    inputs, targets = points()
    model = linear()

    def chip(step: int, weight: Tensor, bias: Tensor, part: list[int]) -> Tensor:
        now = linear()
        now.weight.data = weight.float()
        return deploy(now, memory, seed=derived(5, "training")).weights(step * DRAWS)["weight"][0]

    trained = training.train(model, (inputs, targets), method=NoiseInjection(), memory=memory, recipe=STEEP)
    weight, bias = teaching.taught(
        model.weight.detach(),
        model.bias.detach(),
        inputs,
        targets,
        teaching.batches(23, 8, 3, 5),
        chip,
        lr=0.3,
        momentum=0.5,
    )
    torch.testing.assert_close(trained.weight.double(), weight, rtol=0, atol=1e-4)
    torch.testing.assert_close(trained.bias.double(), bias, rtol=0, atol=1e-4)


def images(n: int = 41) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 1, 8, 8, generator=seeded(0)) + targets.view(-1, 1, 1, 1), targets


def with_norms() -> nn.Module:
    layers = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(144, 3)
    )
    for p in layers.parameters():
        p.data = 0.2 * torch.randn(p.shape, generator=seeded(3))
    return layers


@pytest.mark.parametrize("make", [lambda: zoo.build("lenet", image_size=8, classes=3), with_norms])
@pytest.mark.parametrize("changes", [{}, {"channels_last": True}, {"precision": "bfloat16"}, {"augment": "crop-flip"}])
def test_no_noise_is_plain_training_bit_for_bit(make, changes: dict) -> None:
    recipe = Recipe(epochs=2, batch_size=16, lr=2e-3).replace(**changes)
    plain = training.train(make(), images(), recipe=recipe)
    still = training.train(make(), images(), method=NoiseInjection(sigma=0.0), recipe=recipe)
    assert same(plain, still)
    assert [(e.loss, e.accuracy) for e in training.history(plain)] == [
        (e.loss, e.accuracy) for e in training.history(still)
    ]
    assert not same(plain, training.train(make(), images(), method=NoiseInjection(sigma=0.01), recipe=recipe))


def test_the_seed_of_the_recipe_decides_the_noise_and_nothing_else_does() -> None:
    recipe, method, model = Recipe(epochs=1, batch_size=16), NoiseInjection(sigma=0.2), with_norms()
    state = torch.random.get_rng_state()
    first = training.train(model, images(), method=method, recipe=recipe)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert same(first, training.train(model, images(), method=method, recipe=recipe))
    assert not same(first, training.train(model, images(), method=method, recipe=recipe.replace(seed=1)))
    torch.random.set_rng_state(state)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([SlicedMagnitude, Differential, Offset]),
    cells=st.integers(1, 4),
    cell_bits=st.integers(1, 3),
    granularity=st.sampled_from(["tensor", "channel"]),
    device=st.sampled_from(
        [
            RRAM1(sigma=0.1),
            FeFET2(sigma=0.3),
            FeFET2(sigma=0.3, level_scope="weight"),
            RRAM1(sigma=0.2, convention="swim"),
        ]
    ),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 7)),
    seed=st.integers(0, 2**30),
)
def test_what_the_table_says_is_what_the_chips_say(kind, cells, cell_bits, granularity, device, shape, seed) -> None:
    bits = max(2, cells * cell_bits) if kind is Offset else cells * cell_bits
    cell_bits = cell_bits if bits % cell_bits == 0 else 1
    model = nn.Linear(shape[1], shape[0]).eval()
    model.weight.data = torch.randn(*shape, generator=seeded(seed))
    chips = deploy(
        model, Memory(device=device, mapping=kind(weight_bits=bits, cell_bits=cell_bits, granularity=granularity))
    )
    found = table(chips, "weight", chips.programmed()["weight"], None)
    assert found is not None, "the table is not used, and training is slow"
    chips.model.weight.data = torch.randn(*shape, generator=seeded(seed + 1))
    exact = chips.programmed()["weight"]
    scale = float(chips.model.weight.abs().max())
    for got, wanted in zip(found.moments(chips.model.weight.detach()), (exact.mean, exact.std), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=2e-6 * scale)


def test_a_mapping_that_a_table_cannot_hold_has_none() -> None:
    for memory in (MEMORIES["analog"], MEMORIES["no Gaussian"], MEMORIES["clipped"], MEMORIES["verified"]):
        chips = deploy(linear().eval(), memory)
        assert table(chips, "weight", chips.programmed()["weight"], None) is None


def many(method: NoiseInjection, n: int, memory: Memory | None = None, seed: int = 0) -> Tensor:
    """``(n, 3, 5)`` weights that the first n mini-batches would see."""
    run = Run(linear(), Recipe(seed=seed), classifies=True, memory=memory)
    errors = run.errors(method.sigma, method.noise)
    return torch.stack([errors(a_batch(run, step))["weight"] for step in range(n)])


def test_direct_noise_is_sigma_of_the_largest_weight() -> None:
    n, weight = 2000, linear().weight.detach()
    z = (many(NoiseInjection(sigma=0.2), n) - weight) / (0.2 * weight.abs().max())
    # 15 means and 15 variances; 5 standard errors are exceeded once in 60,000 such tests.
    assert float(z.mean(0).abs().max()) < 5 / math.sqrt(n)
    assert float((z.var(0) - 1).abs().max()) < 5 * math.sqrt(2 / n)
    # Weights of one mini-batch, and one weight in consecutive ones, have nothing to do with each other.
    flat = z.flatten(1)
    assert float((torch.corrcoef(flat.T) - torch.eye(15)).abs().max()) < 5 / math.sqrt(n)
    assert float((flat[:-1] * flat[1:]).mean(0).abs().max()) < 5 / math.sqrt(n)


@pytest.mark.parametrize("name", ["Gaussian on slices", "noisy middle", "a channel each", "analog"])
def test_a_memorys_noise_is_that_of_its_chips(name: str) -> None:
    n, memory = 2000, MEMORIES[name]
    exact = deploy(linear().eval(), memory).programmed()["weight"]
    assert exact.mean is not None
    z = (many(NoiseInjection(), n, memory) - exact.mean) / exact.std
    assert float(z.mean(0).abs().max()) < 5 / math.sqrt(n)
    assert float((z.var(0) - 1).abs().max()) < 5 * math.sqrt(2 / n)


def test_sigma_with_a_memory_is_the_severity_of_its_device() -> None:
    memory = Memory(device=RRAM1(sigma=0.5))
    quiet = many(NoiseInjection(sigma=0.0), 1, memory)[0]
    torch.testing.assert_close(quiet, memory.mapping.quantise(linear().weight.detach()))
    mild, wild = (many(NoiseInjection(sigma=s), 400, memory).std(0).mean() for s in (0.1, None))
    assert float(wild / mild) == pytest.approx(5, rel=1e-4), "the same numbers, five times as large"


def test_chips_of_training_are_none_that_will_be_judged() -> None:
    memory = MEMORIES["Gaussian on slices"]
    seen = many(NoiseInjection(), 3, memory, seed=7)
    judged = deploy(linear().eval(), memory, seed=7).weights(range(50))["weight"]
    assert not any(torch.allclose(a, b) for a in seen for b in judged)


def test_layers_and_draws_have_noise_of_their_own() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    run = Run(model, Recipe(), classifies=True)
    for p in model.parameters():
        p.data = torch.ones(p.shape)
    errors = run.errors(0.1)
    batch = a_batch(run)
    first, again, other = errors(batch), errors(batch), errors(batch, draw=1)
    assert set(first) == {"0.weight", "1.weight"}, "biases stay digital"
    assert torch.equal(first["0.weight"], again["0.weight"])
    assert not torch.equal(first["0.weight"], first["1.weight"])
    assert not torch.equal(first["0.weight"], other["0.weight"])
    helper = run.errors(0.1, of=run.help(model[0]), name="helper")(batch)["weight"]
    assert not torch.equal(helper, first["0.weight"])


def test_rules_keep_layers_digital_and_frozen_weights_have_errors_all_the_same() -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    model[0].weight.requires_grad_(False)
    run = Run(model, Recipe(), classifies=True, memory={"2.*": None, "*": MEMORIES["analog"]})
    errors = run.errors(None)(a_batch(run))
    assert set(errors) == {"0.weight"}
    trained = training.train(model, points(), method=NoiseInjection(sigma=0.3), recipe=STEEP)
    assert torch.equal(trained[0].weight, model[0].weight)
    quiet = training.train(model, points(), method=NoiseInjection(sigma=0.0), recipe=STEEP)
    assert not torch.equal(trained[2].weight, quiet[2].weight)


def test_batch_norm_gathers_its_statistics_under_noise() -> None:
    inputs, targets = points()
    model = nn.Sequential(linear(), nn.BatchNorm1d(3))
    still = STEEP.replace(lr=1e-30, epochs=2)  # nothing learns: only statistics move
    trained = training.train(model, (inputs, targets), method=NoiseInjection(sigma=0.5), recipe=still)
    mean, variance = torch.zeros(3), torch.ones(3)
    scale = float(model[0].weight.detach().abs().max())
    for step, part in enumerate(teaching.batches(23, 8, 2, 5)):
        draws = Draws(derived(5, "training"), "0.weight", torch.tensor([step * DRAWS]), (3, 5), torch.device("cpu"))
        weight = model[0].weight.detach() + 0.5 * scale * draws.normal("training noise")[0]
        out = inputs[part] @ weight.T + model[0].bias.detach()
        mean, variance = 0.9 * mean + 0.1 * out.mean(0), 0.9 * variance + 0.1 * out.var(0)
    torch.testing.assert_close(trained[1].running_mean, mean)
    torch.testing.assert_close(trained[1].running_var, variance)
    plain = training.train(model, (inputs, targets), recipe=still)
    assert float((plain[1].running_var / variance).max()) < 0.9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_lenet_trained_under_noise_bears_it(seed: int) -> None:
    train, test = data.digits(split="train", size=14), data.digits(size=14)
    recipe = Recipe(epochs=8, batch_size=32, lr=4e-3, seed=seed)
    start = zoo.build("lenet", seed=seed, image_size=14)
    start = training.train(start, train, recipe=recipe.replace(epochs=4, schedule="constant"))
    memory = Memory(device=devices.RRAM1(sigma=0.2, convention="direct"), mapping=mapping.Analog())
    accuracies = []
    for method in (None, NoiseInjection(sigma=0.2)):
        trained = training.train(start, train, method=method, recipe=recipe)
        result = mho.evaluate(mho.deploy(trained, memory), test, n_chips=40, show_progress=False)
        accuracies.append(torch.from_numpy(result.values.ravel()))
    # Chip by chip: both networks have the same errors, relative to their largest weights. Five points at least, by five
    # standard errors over 40 chips; the plain network gets less than half of the digits, the other about two thirds.
    gain = accuracies[1] - accuracies[0]
    assert float(gain.mean() - 5 * gain.std() / math.sqrt(40)) > 0.05
