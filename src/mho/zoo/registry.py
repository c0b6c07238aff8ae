"""From a name to a network that remembers what it is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import UnknownNameError, nearest, unknown
from mho.zoo.catalog import ARCHITECTURES, FOREIGN, Architecture, names
from mho.zoo.initialise import kaiming

_MARK = "_mho_built_as"


@dataclass(frozen=True, kw_only=True)
class BuiltAs:
    """What a network was built from: the name and options given to :func:`build`."""

    name: str
    options: Mapping[str, Any]


def build(name: str, *, seed: int = 0, **options: Any) -> nn.Module:
    """A new network of the zoo, untrained, in training mode.

    Args:
        name: one of :func:`mho.zoo.names`, such as ``"lenet"``.
        seed: seed of the starting weights (He's normal distribution, zero biases); the same seed gives the
            same network, and the global generators are left as they were.
        options: keyword arguments of the architecture, such as ``classes=10`` or ``image_size=28``.

    Raises:
        UnknownNameError: no such architecture, or it has no such option.
        SpecError: an option is out of range.
    """
    allowed = _options(name)
    for key in options:
        if key not in allowed:
            raise UnknownNameError(f"model '{name}' has no option '{key}': {nearest(key, allowed)}")
    kind = _kind(name)
    with torch.random.fork_rng(devices=[]):
        # A registered network keeps the start that it draws itself; ours replaces torch's.
        torch.default_generator.manual_seed(seed)
        model: nn.Module = kind(**_row(name).fixed, **options)
    if hasattr(kind, "fan"):
        kaiming(model, kind.fan, seed)
    setattr(model, _MARK, BuiltAs(name=name, options=dict(options)))
    return model


def build_for(name: str, data: Dataset, *, seed: int = 0, **options: Any) -> nn.Module:
    """As :func:`build`, with what ``data`` says: classes, channels, image size, length, where the network has them.

    Args:
        name: one of :func:`mho.zoo.names`.
        data: the data that it shall be trained on.
        seed: seed of the starting weights.
        options: keyword arguments of the architecture, which go before those taken from the data.
    """
    shape = tuple(data.inputs.shape[1:]) if isinstance(data.inputs, Tensor) else ()
    known = {"classes": data.classes, "inputs": prod(shape) if shape else None}
    if len(shape) == 3:
        known |= {"channels": shape[0], "image_size": shape[-1]}
    kind = _kind(name)
    if hasattr(kind, "fitting"):
        known |= kind.fitting(data)
    fitting = {key: value for key, value in known.items() if value is not None and key in _options(name)}
    return build(name, seed=seed, **(fitting | options))


def _row(name: str) -> Architecture:
    if name == FOREIGN.name:
        return FOREIGN
    if name not in ARCHITECTURES:
        raise unknown("model", name, names())
    return ARCHITECTURES[name]


def _kind(name: str) -> Any:
    row = _row(name)
    return getattr(import_module(row.module), row.kind)


def _options(name: str) -> list[str]:
    parameters = inspect.signature(_kind(name)).parameters
    return [key for key in parameters if key not in _row(name).fixed]


def built_as(model: nn.Module) -> BuiltAs | None:
    """What ``model`` was built from; ``None`` if :func:`build` did not make it. Copies keep it."""
    mark = getattr(model, _MARK, None)
    return mark if isinstance(mark, BuiltAs) else None
