"""Recipes: checked when made, and the papers' own by name."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mho.errors import MhoError, SpecError, UnknownNameError
from mho.spec import from_dict
from mho.training import PRESETS, Recipe, preset
from mho.training.augment import crop_flip, darkest


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"epochs": 1.5}, "epochs=1.5 is a float; it takes an integer"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"optimizer": "rmsprop"}, "optimizer='rmsprop'"),
        ({"lr": 0.0}, "lr=0.0 must be positive"),
        ({"lr": float("nan")}, "lr=nan is not a finite number"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0"),
        ({"momentum": 0.9}, "momentum=0.9 is for optimizer='sgd'"),
        ({"optimizer": "sgd", "momentum": 1.0}, "momentum=1.0 must be in [0, 1)"),
        ({"milestones": (3,)}, "milestones=(3,) is for schedule='multistep'"),
        ({"schedule": "multistep"}, "milestones=()"),
        ({"schedule": "multistep", "milestones": (5, 5)}, "milestones=(5, 5) must be rising"),
        ({"schedule": "multistep", "milestones": (0,)}, "milestones=(0,)"),
        ({"gamma": 0.0}, "gamma=0.0"),
        ({"label_smoothing": 1.0}, "label_smoothing=1.0"),
        ({"augment": "flip"}, "augment='flip'"),
        ({"precision": "float16"}, "precision='float16'"),
        ({"channels_last": "False"}, "channels_last='False' is a str"),
        ({"seed": -1}, "seed=-1"),
        ({"loss": "hinge"}, "loss='hinge'"),
        ({"margin": 1.0}, "margin=1.0 is for loss='binary-hinge'"),
        ({"loss": "binary-hinge", "margin": 0.0}, "margin=0.0 must be positive"),
        ({"loss": "binary-hinge", "label_smoothing": 0.1}, "label_smoothing=0.1 is for loss='cross-entropy'"),
        ({"clamp": 0.0}, "clamp=0.0 must be positive"),
        ({"clamp": "1"}, "clamp='1' is a str"),
    ],
)
def test_bad_recipes_are_one_line(fields: dict, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        Recipe(**fields)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_yaml_and_name_their_source(name: str) -> None:
    recipe = preset(name, epochs=7)
    assert recipe.epochs == 7
    assert from_dict(recipe.to_dict()) == recipe
    assert PRESETS[name].source
    assert "\n" not in PRESETS[name].source


@pytest.mark.parametrize(
    ("name", "changes", "error", "words"),
    [
        ("swim-lenet5", {}, UnknownNameError, "unknown recipe 'swim-lenet5': did you mean 'swim-lenet'?"),
        ("swim-lenet", {"epoch": 3}, SpecError, "Recipe has no field 'epoch': did you mean 'epochs'?"),
        ("neft-vgg8", {"lr": -1.0}, SpecError, "lr=-1.0 must be positive"),
    ],
)
def test_bad_presets(name: str, changes: dict, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        preset(name, **changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("epochs", [1, 3, 200])
def test_schedules_are_torchs(epochs: int) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    for recipe, make in (
        (Recipe(epochs=epochs), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, epochs)),
        (
            Recipe(epochs=epochs, schedule="multistep", milestones=(1, 60), gamma=0.2),
            lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [1, 60], 0.2),
        ),
        (Recipe(epochs=epochs, schedule="constant"), lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    ):
        optimizer = torch.optim.SGD([weight], lr=recipe.lr)
        scheduler = make(optimizer)
        for epoch in range(epochs):
            assert recipe.rate(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9, abs=1e-15)
            optimizer.step()
            scheduler.step()


def slow_crop_flip(images: torch.Tensor, fill: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One image and one pixel at a time."""
    n, _, height, width = images.shape
    offsets = torch.randint(0, 9, (2, n, 1), generator=generator)
    flips = torch.randint(0, 2, (n, 1), generator=generator, dtype=torch.bool)
    out = fill.expand_as(images).clone()
    for i in range(n):
        for y in range(height):
            for x in range(width):
                column = width - 1 - x if flips[i] else x
                row, column = y + int(offsets[0, i]) - 4, column + int(offsets[1, i]) - 4
                if 0 <= row < height and 0 <= column < width:
                    out[i, :, y, x] = images[i, :, row, column]
    return out


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(1, 4),
    channels=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    seed=st.integers(0, 2**40),
)
def test_crop_flip_is_what_a_slow_loop_does(n: int, channels: int, height: int, width: int, seed: int) -> None:
    images = torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(seed))
    before, fill = images.clone(), darkest(images)
    fast = crop_flip(images, fill, torch.Generator().manual_seed(seed))
    assert torch.equal(fast, slow_crop_flip(images, fill, torch.Generator().manual_seed(seed)))
    assert torch.equal(images, before)
    assert fast.is_contiguous()
