"""Layers that change their own weights: what training asks of them, and what it cannot do with them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mho.errors import SpecError
from mho.spec import Spec
from mho.training.method import Method
from mho.training.methods.plain import Plain
from mho.training.ranks import Ranks
from mho.training.recipe import Recipe


class OwnUpdates(nn.Module):
    """Abstract layer whose weights follow no gradient on a parameter: arrays that are trained by pulses.

    Such a layer keeps what a backward pass brings it, and an optimiser of its own kind makes it move.
    """

    def waiting(self) -> bool:
        """Whether a backward pass has left something for the next step."""
        raise NotImplementedError

    def specs(self) -> tuple[Spec, ...]:
        """How its weights are changed, for the record."""
        raise NotImplementedError

    @classmethod
    def optimizer(cls, model: nn.Module, recipe: Recipe, helpers: Sequence[nn.Module]) -> torch.optim.Optimizer:
        """What moves such layers of ``model``, and all its other parameters and those of ``helpers`` as usual."""
        raise NotImplementedError


def own_updates(model: nn.Module) -> dict[str, OwnUpdates]:
    """The layers of ``model`` that change their own weights, by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, OwnUpdates)}


def update_specs(model: nn.Module) -> tuple[Spec, ...]:
    """How the layers of ``model`` change their own weights, each way once; none where none does."""
    return tuple(dict.fromkeys(spec for layer in own_updates(model).values() for spec in layer.specs()))


def check_own_updates(model: nn.Module, recipe: Recipe, method: Method | None, ranks: Ranks) -> None:
    """Raise unless layers that change their own weights, if there are any, can be trained so.

    Raises:
        SpecError: naming what they cannot do: another optimiser than plain SGD, a method, several processes.
    """
    layers = own_updates(model)
    if not layers:
        return
    name, layer = next(iter(layers.items()))
    who = f"{name or 'the model'} ({type(layer).__name__}) changes its own weights, sample by sample"
    wishes = (
        (recipe.optimizer != "sgd", f"optimizer='{recipe.optimizer}'", "give Recipe(optimizer='sgd')"),
        (recipe.momentum != 0, f"momentum={recipe.momentum:g}", "leave it out"),
        (recipe.weight_decay != 0, f"weight_decay={recipe.weight_decay:g}", "leave it out"),
        (recipe.clamp is not None, "clamp", "leave it out: devices have bounds of their own"),
        (recipe.compile, "compile=True", "leave it out"),
        (method is not None and type(method) is not Plain, f"method={type(method).__name__}", "leave it out"),
        (ranks.world > 1, f"{ranks.world} processes", "train in one"),
    )
    for wished, what, remedy in wishes:
        if wished:
            raise SpecError(f"{who}, which goes without {what}; {remedy}")
