"""Activations by name, for networks whose papers differ in them."""

from __future__ import annotations

from typing import Literal

from torch import nn

from mho.errors import unknown

Activation = Literal["relu", "sigmoid", "tanh"]

_KINDS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def activation_layer(what: str, name: str) -> nn.Module:
    """A new layer of the activation ``name``.

    Raises:
        UnknownNameError: no such activation; ``what`` says whose.
    """
    if name not in _KINDS:
        raise unknown(what, str(name), _KINDS)
    return _KINDS[name]()
