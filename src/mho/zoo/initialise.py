"""Starting weights and the checks of options that every architecture shares."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from mho.errors import SpecError

Fan = Literal["fan_in", "fan_out"]


def kaiming(model: nn.Module, fan: Fan, seed: int) -> None:
    """Draw all convolution and linear weights from He's normal distribution, in place; biases start at zero.

    Args:
        model: network whose ``nn.Conv2d`` and ``nn.Linear`` layers are filled in the order of ``modules()``.
        fan: side that keeps its variance: the SWIM and TRICE code uses ``fan_in``, the NeFT code ``fan_out``.
        seed: seed of the one generator used; the global one is left alone.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, mode=fan, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def check_size(what: str, value: object, least: int = 1) -> None:
    """Raise :class:`~mho.errors.SpecError` unless ``value`` is an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SpecError(f"{what}={value!r} must be an integer of at least {least}")
