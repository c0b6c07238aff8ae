"""Layers that change their own weights: what training asks of them, and what it cannot do with them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from mho.errors import SpecError
from mho.spec import Spec
from mho.training.method import Method
from mho.training.methods.plain import Plain
from mho.training.ranks import Ranks
from mho.training.recipe import Recipe

_SHARE = 10
"""A weight that can take fewer steps than this part of its states learns next to nothing."""


class Pace(NamedTuple):
    """How fast a weight tensor can move.

    Attributes:
        name: of the parameter.
        vectors: that it has seen so far.
        every: vectors for one step of a weight.
        states: steps from one end of its range to the other.
        remedy: what makes it faster, besides more epochs.
    """

    name: str
    vectors: int
    every: int
    states: float
    remedy: str


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

    def paces(self) -> tuple[Pace, ...]:
        """How fast its weights can move, of those that cannot move by every vector."""
        return ()

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


def paces(model: nn.Module) -> dict[str, Pace]:
    """How fast weights of ``model`` can move, by name."""
    return {pace.name: pace for layer in own_updates(model).values() for pace in layer.paces()}


def warn_if_slow(model: nn.Module, before: dict[str, Pace], more: float) -> None:
    """Warn, of the worst weight tensor, if the samples are too few for it to cross a fair part of its states.

    Args:
        model: after its first mini-batch.
        before: :func:`paces` before that.
        more: samples of the whole run for one of that mini-batch.
    """
    worst: tuple[float, int, Pace] | None = None
    for name, pace in paces(model).items():
        seen = round((pace.vectors - before[name].vectors) * more)
        steps = seen / pace.every
        if seen and steps < pace.states / _SHARE and (worst is None or steps / pace.states < worst[0]):
            worst = steps / pace.states, seen, pace
    if worst is not None:
        _, seen, pace = worst
        warnings.warn(
            f"{pace.name} can hardly learn: {seen:,} vectors are at most {seen / pace.every:.3g} steps of a weight "
            f"(one in {pace.every:,}) of the {pace.states:,.0f} from bound to bound; train for more epochs, or "
            f"{pace.remedy}",
            stacklevel=4,
        )


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
        (recipe.clip is not None, "clip", "leave it out: arrays are given vectors, not gradients"),
        (recipe.compile, "compile=True", "leave it out"),
        (method is not None and type(method) is not Plain, f"method={type(method).__name__}", "leave it out"),
        (ranks.world > 1, f"{ranks.world} processes", "train in one"),
    )
    for wished, what, remedy in wishes:
        if wished:
            raise SpecError(f"{who}, which goes without {what}; {remedy}")
