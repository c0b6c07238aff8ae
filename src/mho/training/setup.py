"""What a run needs before its first step: device, optimiser, padding, seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.memory.layers import matrices
from mho.training.augment import darkest
from mho.training.own_updates import own_updates
from mho.training.recipe import Recipe


def check_types(model: object, recipe: object, monitor: object = None, observers: object = ()) -> None:
    """Raise unless ``model`` is a network and the others what they must be: all are easily given by name."""
    from mho.training.monitor import Monitor

    if not isinstance(model, nn.Module):
        raise ModelError(f"model={model!r} is no torch.nn.Module; mho.zoo.build(name) makes one")
    if not isinstance(recipe, Recipe):
        raise SpecError(f"recipe={recipe!r} is no Recipe; mho.training.preset(name) gives a paper's")
    if not isinstance(monitor, Monitor | None):
        raise SpecError(f"monitor={monitor!r} is no Monitor; give mho.training.Monitor(chips=20)")
    if not isinstance(observers, Sequence) or isinstance(observers, str):
        raise SpecError(f"observers={observers!r} is no list; give observers=[...]")


def fill(recipe: Recipe, data: Dataset) -> Tensor | None:
    """The padding that the augmentation needs, ``(C, 1, 1)``; ``None`` without augmentation."""
    if recipe.augment == "none":
        return None
    if not isinstance(data.inputs, Tensor) or data.inputs.dim() != 4:
        raise SpecError(f"augment='{recipe.augment}' needs images (N, C, H, W); {data.name} has none")
    return darkest(data.inputs)


def optimizer(
    recipe: Recipe, model: nn.Module, *helpers: nn.Module, apart: Sequence[torch.optim.Optimizer] = ()
) -> torch.optim.Optimizer:
    """The optimiser over all parameters that require a gradient, of ``model`` and what helps it.

    Layers that change their own weights bring the optimiser that moves them. What optimisers of ``apart`` move is left
    to them.
    """
    others = {id(p) for p in moved(*apart)}
    for layer in own_updates(model).values():
        return layer.optimizer(model, recipe, helpers)
    weights = [p for p in model.parameters() if p.requires_grad and id(p) not in others]
    if not weights:
        raise ModelError(f"{type(model).__name__} has no parameter that requires a gradient: nothing to train")
    weights += [p for helper in helpers for p in helper.parameters() if p.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, lr=recipe.lr, weight_decay=recipe.weight_decay)


def moved(*optimizers: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The parameters that ``optimizers`` move."""
    return [p for mover in optimizers for group in mover.param_groups for p in group["params"]]


def taught(model: nn.Module, weights: Sequence[nn.Parameter]) -> bool:
    """Whether the first backward pass has left anything: a gradient on ``weights``, or something with a layer."""
    return any(p.grad is not None for p in weights) or any(m.waiting() for m in own_updates(model).values())


def latent(model: nn.Module) -> list[nn.Parameter]:
    """The weights of ``model`` that learn and that a memory could hold, each once."""
    found = [p for m in model.modules() for name, _ in matrices(m) if (p := m.get_parameter(name)).requires_grad]
    return list(dict.fromkeys(found))


@torch.no_grad()
def clamp(weights: Sequence[nn.Parameter], bound: float | None) -> None:
    """Bring ``weights`` into ``[-bound, bound]``, in place."""
    if bound is not None:
        for weight in weights:
            weight.clamp_(-bound, bound)


def clip(weights: Sequence[nn.Parameter], bound: float | None) -> None:
    """Scale the gradients of ``weights`` down, all by one factor, so that their norm together is at most ``bound``."""
    if bound is not None:
        torch.nn.utils.clip_grad_norm_(weights, bound)


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


def generators(place: torch.device) -> list[Tensor]:
    """The states of the global generators of the CPU and of ``place``."""
    states = [torch.default_generator.get_state()]
    return [*states, torch.cuda.get_rng_state(place)] if place.type == "cuda" else states


def set_generators(place: torch.device, states: list[Tensor]) -> None:
    """Bring the global generators of the CPU and of ``place`` into ``states``."""
    torch.default_generator.set_state(states[0])
    if place.type == "cuda":
        torch.cuda.set_rng_state(states[1], place)


@contextmanager
def generators_kept(place: torch.device) -> Iterator[None]:
    """Leave the global generators of the CPU and of ``place`` as they were."""
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        yield


def split(data: Dataset, fraction: float, seed: int, name: str = "validation") -> tuple[Dataset, Dataset]:
    """Samples to learn from, and a ``fraction`` of them held out; both in their old order.

    Raises:
        SpecError: one of the two would be empty.
    """
    aside = round(fraction * len(data))
    if not 0 < fraction < 1 or not 0 < aside < len(data):
        raise SpecError(
            f"{name}={fraction:g} of {len(data):,} samples leaves none on one side; give a fraction such as 0.1"
        )
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    place = data.targets.device
    parts = (order[aside:].sort().values.to(place), order[:aside].sort().values.to(place))
    return data.subset(parts[0]), data.subset(parts[1])
