"""Training: good, repeatable, and never at the cost of the user's own model."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import pytest
import torch
from torch import nn

from mho import data, training, zoo
from mho.data import Dataset
from mho.errors import DataError, MhoError, ModelError, SpecError
from mho.training import Recipe

FAST = Recipe(epochs=2, batch_size=16, lr=2e-3)


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def blobs(n: int = 41, classes: int = 3) -> Dataset:
    targets = torch.arange(n) % classes
    inputs = torch.randn(n, 1, 8, 8, generator=seeded(0)) + targets.view(-1, 1, 1, 1)
    return Dataset(inputs=inputs, targets=targets, classes=classes, name="blobs")


def small(**options: Any) -> nn.Module:
    return zoo.build("lenet", image_size=8, classes=3, **options)


def states_equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_lenet_learns_the_digits() -> None:
    recipe = Recipe(epochs=6, batch_size=32, lr=2e-3)
    test = data.digits()
    trained = training.train(zoo.build("lenet"), data.digits(split="train"), recipe=recipe, validation=test)
    with torch.no_grad():
        accuracy = (trained(test.inputs).argmax(1) == test.targets).float().mean().item()
    assert accuracy >= 0.95
    past = training.history(trained)
    assert [e.number for e in past] == [1, 2, 3, 4, 5, 6]
    assert past[-1].loss < past[0].loss
    assert past[-1].validation_accuracy == pytest.approx(accuracy, abs=1e-6)
    assert past[0].lr == 2e-3
    assert not trained.training


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "sgd", "momentum": 0.9, "lr": 0.01, "schedule": "multistep", "milestones": (1,)},
        {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "constant", "label_smoothing": 0.1},
        {"augment": "crop-flip"},
        {"precision": "bfloat16"},
        {"channels_last": True},
    ],
)
def test_the_same_recipe_gives_the_same_bits(changes: dict) -> None:
    recipe, model, samples = FAST.replace(**changes), small(), blobs()
    before, state = copy.deepcopy(model), torch.random.get_rng_state()
    first = training.train(model, samples, recipe=recipe)
    torch.manual_seed(99)  # the user's own draws in between must not matter
    second = training.train(model, samples, recipe=recipe, validation=samples)
    assert states_equal(first, second)
    assert not states_equal(first, model)
    assert not states_equal(first, training.train(model, samples, recipe=recipe.replace(seed=1)))
    assert states_equal(model, before)
    assert model.training
    assert training.history(model) == ()
    assert all(p.grad is None for p in model.parameters())
    assert first.conv2.weight.is_contiguous()
    torch.random.set_rng_state(state)


def test_dropout_is_repeatable_and_the_global_generator_is_left_alone() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    state = torch.random.get_rng_state()
    first = training.train(model, blobs(), recipe=FAST)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(3)
    assert states_equal(first, training.train(model, blobs(), recipe=FAST))


def test_batch_norm_survives_a_last_batch_of_one() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    trained = training.train(model, blobs(33), recipe=FAST)
    assert training.history(trained)[0].accuracy is not None
    assert model[2].num_batches_tracked == 0


def test_frozen_parameters_stay() -> None:
    model = small()
    model.conv1.weight.requires_grad_(False)
    trained = training.train(model, blobs(), recipe=FAST.replace(weight_decay=0.1))
    assert torch.equal(trained.conv1.weight, model.conv1.weight)
    assert not torch.equal(trained.conv2.weight, model.conv2.weight)


def test_regression_and_named_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(()))

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.scale * (a + b)

    a, b = torch.randn(64, 1, generator=seeded(1)), torch.randn(64, 1, generator=seeded(2))
    recipe = Recipe(epochs=30, batch_size=16, lr=0.1)
    trained = training.train(Sum(), ({"a": a, "b": b}, 2 * (a + b)), recipe=recipe, validation=({"a": a, "b": b}, a))
    assert trained.scale.item() == pytest.approx(2, abs=0.02)
    last = training.history(trained)[-1]
    assert last.accuracy is None
    assert last.validation_accuracy is None
    assert last.validation_loss is not None


def test_a_trained_network_is_saved_as_what_it_is(tmp_path) -> None:
    trained = training.train(small(), blobs(), recipe=FAST)
    path = zoo.save(trained, tmp_path / "m.safetensors", recipe=FAST.to_dict())
    assert states_equal(zoo.load(path), trained)
    assert training.history(copy.deepcopy(trained)) == training.history(trained)


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"left": x, "right": x}


FROZEN = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).requires_grad_(False)
FLAT = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
X, Y = blobs().inputs, blobs().targets


@pytest.mark.parametrize(
    ("model", "samples", "options", "error", "words"),
    [
        (
            zoo.build("lenet"),
            blobs(),
            {},
            ModelError,
            "LeNet does not take inputs of shape (1, 8, 8) from blobs",
        ),
        (small(), blobs(classes=4), {}, ModelError, "LeNet has 3 outputs but blobs has 4 classes"),
        (small(), blobs(classes=2), {}, ModelError, "LeNet has 3 outputs but blobs has 2 classes"),
        (small(), (X, Y + 1), {}, ModelError, "LeNet has 3 outputs but data has 4 classes"),
        (small(), (X, Y - 1), {}, ModelError, "data has the label -1"),
        (small(), (X, Y.float()), {}, ModelError, "outputs of shape (3,); the targets of data have ()"),
        (small(), (X, Y.view(-1, 1)), {}, ModelError, "targets of shape (1,)"),
        (
            Pair(),
            blobs(),
            {},
            ModelError,
            "Pair cannot be trained: the model returns a dict without a tensor of logits",
        ),
        (FROZEN, blobs(), {}, ModelError, "nothing to train"),
        (small(), blobs(), {"validation": data.digits(limit=4)}, ModelError, "(1, 28, 28) from digits"),
        (small(), "blobs", {}, DataError, "data is a str"),
        (small(), (X / 0, Y), {}, DataError, "NaN or infinite inputs"),
        ("lenet", blobs(), {}, ModelError, "model='lenet' is no torch.nn.Module"),
        (small(), blobs(), {"recipe": "swim-lenet"}, SpecError, "recipe='swim-lenet' is no Recipe"),
        (small(), blobs(), {"device": "gpu"}, SpecError, "device='gpu' cannot be used"),
        (FLAT, (X.flatten(1), Y), {"recipe": FAST.replace(augment="crop-flip")}, SpecError, "needs images"),
        (
            small(),
            blobs(),
            {"recipe": Recipe(lr=1e30, epochs=3, batch_size=16, optimizer="sgd")},
            ModelError,
            "training diverged: the loss became",
        ),
    ],
)
def test_bad_requests_are_one_line(model: Any, samples: Any, options: dict, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        training.train(model, samples, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_quick_work_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    training.train(small(), blobs(), recipe=FAST)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_networks_learn_the_same() -> None:
    model, recipe = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), FAST.replace(optimizer="sgd", lr=0.1)
    method = training.NoiseInjection(sigma=0.1)
    eager = training.train(model, blobs(), method=method, recipe=recipe)
    compiled = training.train(model, blobs(), method=method, recipe=recipe.replace(compile=True))
    for a, b in zip(eager.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    assert compiled._compiled_call_impl is None, "what comes back is an ordinary network"
    snapshots = training.IntermediateSnapshots(sigma=0.1, taps=("conv1",))
    with pytest.raises(SpecError, match="IntermediateSnapshots looks inside the network while it runs"):
        training.train(small(), blobs(), method=snapshots, recipe=recipe.replace(compile=True))


def test_what_cannot_be_learnt_from_is_one_line() -> None:
    normed = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.BatchNorm1d(3))
    with pytest.raises(ModelError, match="batch norm cannot learn from 1 sample"):
        training.train(normed, blobs(1, classes=3), recipe=FAST)
    broken = small()
    with torch.no_grad():
        broken.fc3.weight.fill_(torch.nan)
    with pytest.raises(ModelError, match="NaN or infinite before any training"):
        training.train(broken, blobs(), recipe=FAST)
    with pytest.raises(SpecError, match=r"'noise' is a name of the command line; give mho.training.NoiseInjection"):
        training.train(small(), blobs(), method="noise")  # type: ignore[arg-type]


def test_a_step_that_returns_something_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.NoiseInjection, "begin", lambda self, run: lambda batch: batch.loss(batch.forward()))
    with pytest.raises(ModelError, match=r"the step of NoiseInjection returned a Tensor; it returns Taught"):
        training.train(small(), blobs(), method=training.NoiseInjection(sigma=0.1), recipe=FAST)
