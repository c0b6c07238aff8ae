"""From arrays back to an ordinary network."""

from __future__ import annotations

import copy

from torch import nn

from mho.analog.layers.base import AnalogLayer
from mho.analog.marks import restore_mark
from mho.analog.passes import forget_numbers
from mho.errors import ModelError


def extract(model: nn.Module) -> nn.Module:
    """The network that the arrays of ``model`` hold, as one of ordinary layers; ``model`` itself does not change.

    Its weights are what the arrays read back (of AGAD and its like, the array of weights alone). Peripherals are left
    behind: deploy the network to a :class:`mho.Memory`, or evaluate ``model`` itself, which keeps them.

    Args:
        model: a converted model, trained or not.

    Raises:
        ModelError: no weight of it is on arrays; or a parameter was changed past its array.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"model={model!r} is no torch.nn.Module; extract takes what analog.convert gave")
    if not any(isinstance(module, AnalogLayer) for module in model.modules()):
        raise ModelError(f"{type(model).__name__} has no weights on arrays: there is nothing to extract")
    for module in model.modules():
        if isinstance(module, AnalogLayer):
            module.check()
    plain = copy.deepcopy(model)
    for module in plain.modules():
        if isinstance(module, AnalogLayer):
            module.take()
        forget_numbers(module)
    restore_mark(plain)
    return plain
