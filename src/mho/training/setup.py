"""What a run needs before its first step: device, optimiser, padding, seeds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.training.augment import darkest
from mho.training.recipe import Recipe


def check_types(model: object, recipe: object) -> None:
    """Raise unless ``model`` is a network and ``recipe`` a :class:`Recipe`: both are easily given by name."""
    if not isinstance(model, nn.Module):
        raise ModelError(f"model={model!r} is no torch.nn.Module; mho.zoo.build(name) makes one")
    if not isinstance(recipe, Recipe):
        raise SpecError(f"recipe={recipe!r} is no Recipe; mho.training.preset(name) gives a paper's")


def fill(recipe: Recipe, data: Dataset) -> Tensor | None:
    """The padding that the augmentation needs, ``(C, 1, 1)``; ``None`` without augmentation."""
    if recipe.augment == "none":
        return None
    if not isinstance(data.inputs, Tensor) or data.inputs.dim() != 4:
        raise SpecError(f"augment='{recipe.augment}' needs images (N, C, H, W); {data.name} has none")
    return darkest(data.inputs)


def optimizer(recipe: Recipe, model: nn.Module, *helpers: nn.Module) -> torch.optim.Optimizer:
    """The optimiser over all parameters that require a gradient, of ``model`` and what helps it."""
    weights = [p for p in model.parameters() if p.requires_grad]
    if not weights:
        raise ModelError(f"{type(model).__name__} has no parameter that requires a gradient: nothing to train")
    weights += [p for helper in helpers for p in helper.parameters() if p.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, lr=recipe.lr, weight_decay=recipe.weight_decay)


def seed_dropout(seed: int, place: torch.device) -> None:
    """Seed the global generators of the CPU and of ``place``; the caller restores them."""
    # dropout knows only the global generators; torch.manual_seed would also change those of other devices
    torch.default_generator.manual_seed(seed)
    if place.type == "cuda":
        with torch.cuda.device(place):
            torch.cuda.manual_seed(seed)


def device(model: nn.Module, wanted: torch.device | str | None) -> torch.device:
    """Where to train: ``wanted`` if it exists here, else the device of the model."""
    if wanted is None:
        first = next(model.parameters(), None)
        return torch.device("cpu") if first is None else first.device
    try:
        place = torch.device(wanted)
        torch.empty(0, device=place)  # a device that does not exist here fails on first use
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SpecError(f"device='{wanted}' cannot be used: {reason}") from None
    return place
