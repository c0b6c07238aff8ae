"""The schedule "linear" with warm-up, clipped gradients, networks with structured outputs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mho import analog, devices, training
from mho.data import Dataset
from mho.errors import CheckpointError, SpecError
from mho.training import NoiseInjection, Recipe, preset
from mho.training import checkpoint as disk

LINEAR = Recipe(epochs=3, batch_size=16, lr=0.05, optimizer="sgd", schedule="linear", warmup=0.25, clip=0.5)


def blobs(n: int = 72, values: bool = False) -> Dataset:
    targets = torch.arange(n) % 3
    inputs = torch.randn(n, 5, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1)
    if values:
        return Dataset(inputs=inputs, targets=inputs.sum(1), name="sums")
    return Dataset(inputs=inputs, targets=targets, classes=3, name="blobs")


def small(dropout: float = 0.0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 3))


def equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@given(epochs=st.integers(1, 6), steps=st.integers(1, 40), warmup=st.floats(0, 0.95), lr=st.floats(1e-6, 10))
@settings(max_examples=60, deadline=None)
def test_the_rate_is_a_straight_line_up_and_a_straight_line_down(
    epochs: int, steps: int, warmup: float, lr: float
) -> None:
    recipe = Recipe(epochs=epochs, lr=lr, schedule="linear", warmup=warmup)
    rates = [recipe.rate(epoch, step, steps) for epoch in range(epochs) for step in range(steps)]
    middle = (np.arange(epochs * steps) + 0.5) / (epochs * steps)
    knots = ([0, warmup, 1], [0, lr, 0]) if warmup else ([0, 1], [lr, 0])
    assert rates == pytest.approx(np.interp(middle, *knots), rel=1e-9, abs=1e-12 * lr)
    assert all(0 < rate <= lr for rate in rates)
    assert [recipe.rate(e) for e in range(epochs)] == [recipe.rate(e, 0, 1) for e in range(epochs)]


def test_the_rate_is_half_a_step_from_that_of_transformers() -> None:
    """Its get_linear_schedule_with_warmup, whose first rate is zero."""
    recipe, total, warm = Recipe(epochs=4, lr=1.0, schedule="linear", warmup=0.1), 4 * 25, 10
    ours = [recipe.rate(step // 25, step % 25, 25) for step in range(total)]
    theirs = [s / warm if s < warm else (total - s) / (total - warm) for s in range(total)]
    apart = np.array(ours) - np.array(theirs)
    assert apart[:warm] == pytest.approx(0.5 / warm)
    assert apart[warm:] == pytest.approx(-0.5 / (total - warm))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "multistep"])
def test_other_schedules_do_not_see_steps(schedule: str) -> None:
    recipe = Recipe(schedule=schedule, milestones=(3,) if schedule == "multistep" else ())
    assert recipe.rate(7, 3, 9) == recipe.rate(7)


def slow(model: nn.Module, data: Dataset, recipe: Recipe) -> nn.Module:
    """Plain SGD, one number after the other."""
    order, step = torch.Generator().manual_seed(recipe.seed), 0
    batches = -(-len(data) // recipe.batch_size)
    total, warm = recipe.epochs * batches, recipe.warmup * recipe.epochs * batches
    for _ in range(recipe.epochs):
        for index in torch.randperm(len(data), generator=order).split(recipe.batch_size):
            loss = nn.functional.cross_entropy(model(data.inputs[index]), data.targets[index])
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            norm = sum(float(g.double().square().sum()) for g in gradients) ** 0.5
            factor = 1.0 if recipe.clip is None else min(1.0, recipe.clip / (norm + 1e-6))
            middle = step + 0.5
            rate = recipe.lr * (middle / warm if middle < warm else (total - middle) / (total - warm))
            with torch.no_grad():
                for weight, gradient in zip(model.parameters(), gradients, strict=True):
                    weight -= rate * factor * gradient
            step += 1
    return model


@pytest.mark.parametrize("changes", [{}, {"clip": None}, {"warmup": 0.0}, {"clip": 0.01}, {"batch_size": 50}])
def test_training_is_the_slow_loop(changes: dict) -> None:
    recipe = LINEAR.replace(**changes)
    fast, twin = training.train(small(), blobs(), recipe=recipe), slow(small(), blobs(), recipe)
    for (name, a), b in zip(fast.named_parameters(), twin.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-6), name
    other = training.train(small(), blobs(), recipe=recipe.replace(schedule="constant", warmup=0.0))
    assert not torch.allclose(fast[0].weight, other[0].weight, atol=1e-4)


class _Stop(BaseException):
    pass


class _StopAfter(training.Observer):
    def __init__(self, number: int) -> None:
        self.number = number

    def epoch(self, epoch: training.Epoch) -> None:
        if epoch.number == self.number:
            raise _Stop


@pytest.mark.parametrize("stop", [1, 2])
@pytest.mark.parametrize("method", [None, NoiseInjection(sigma=0.1)])
def test_a_run_that_stopped_goes_on_bit_for_bit(method: training.Method | None, stop: int, tmp_path: Path) -> None:
    recipe = LINEAR.replace(optimizer="adamw", lr=0.01)
    whole = training.train(small(0.2), blobs(), recipe=recipe, method=method)
    file = tmp_path / "run.safetensors"
    with pytest.raises(_Stop):
        training.train(small(0.2), blobs(), recipe=recipe, method=method, checkpoint=file, observers=[_StopAfter(stop)])
    on = training.train(small(0.2), blobs(), recipe=recipe, method=method, checkpoint=file)
    assert equal(whole, on)
    assert [e.lr for e in training.history(on)] == [recipe.rate(n) for n in range(3)]


def test_a_file_from_before_the_fields_goes_on_and_another_run_does_not(tmp_path: Path) -> None:
    recipe, file = Recipe(epochs=2, batch_size=16), tmp_path / "run.safetensors"
    with pytest.raises(_Stop):
        training.train(small(), blobs(), recipe=recipe, checkpoint=file, observers=[_StopAfter(1)])
    state = disk.load(file)
    for field in ("warmup", "clip", "clamp"):
        del state["identity"]["recipe"][field]
    disk.save(file, state)
    with pytest.raises(CheckpointError, match=r"its recipe has clip=None, this one 1\.0"):
        training.train(small(), blobs(), recipe=recipe.replace(clip=1.0), checkpoint=file)
    on = training.train(small(), blobs(), recipe=recipe, checkpoint=file)
    assert equal(on, training.train(small(), blobs(), recipe=recipe))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"warmup": 0.1}, "warmup=0.1 is for schedule='linear'"),
        ({"schedule": "linear", "warmup": 1.0}, "warmup=1.0 is a share of the run"),
        ({"schedule": "linear", "warmup": -0.1}, "warmup=-0.1"),
        ({"clip": 0.0}, "clip=0.0 must be positive"),
        ({"schedule": "polynomial"}, "schedule='polynomial'"),
        ({"schedule": "linear", "milestones": (1,)}, "milestones=(1,) is for schedule='multistep'"),
    ],
)
def test_bad_recipes(fields: dict, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        Recipe(**fields)
    assert words in str(caught.value)


def test_arrays_that_learn_by_pulses_take_no_clip() -> None:
    model = analog.convert(small(), analog.InMemorySGD(cell=devices.SoftBounds(n_states=20)))
    with pytest.raises(SpecError, match="goes without clip; leave it out"):
        training.train(model, blobs(), recipe=Recipe(optimizer="sgd", clip=1.0))
    linear = Recipe(optimizer="sgd", epochs=1, lr=0.1, schedule="linear", warmup=0.5)
    assert training.history(training.train(model, blobs(), recipe=linear))[0].loss > 0


def test_the_recipe_of_bert() -> None:
    recipe = preset("bert-glue")
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer, recipe.schedule) == (3, 32, "adamw", "linear")
    assert 2e-5 <= recipe.lr <= 5e-5
    assert recipe.warmup == 0.1


class Structured(nn.Module):
    """As networks of transformers and torchvision: keywords in, a structure with scores out."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.body, self.kind = small(0.1), kind

    def forward(self, x: Tensor) -> Any:
        out = self.body(x)
        made = {"mapping": {"logits": out, "hidden": x}, "object": SimpleNamespace(logits=out), "out": {"out": out}}
        return made.get(self.kind, (out, x))


@pytest.mark.parametrize("kind", ["mapping", "object", "out", "tuple"])
@pytest.mark.parametrize("method", [None, NoiseInjection(sigma=0.1)])
def test_structured_outputs_train_as_their_logits(kind: str, method: training.Method | None) -> None:
    """What an evaluation takes, training takes."""
    data = blobs()
    named = Dataset(inputs={"x": data.inputs}, targets=data.targets, classes=3, name="blobs")
    trained = training.train(Structured(kind), named, recipe=LINEAR, method=method, validation=0.2)
    if method is None:  # names of layers address the noise
        assert equal(trained.body, training.train(small(0.1), data, recipe=LINEAR, validation=0.2))
    assert training.history(trained)[-1].loss < training.history(trained)[0].loss
