"""A linear layer on an array."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from mho.analog.layers.base import AnalogLayer, register


@register(nn.Linear)
class AnalogLinear(AnalogLayer, nn.Linear):
    """``y = W x + b``: W ``(outputs, inputs)`` on one array, b digital."""

    def forward(self, input: Tensor) -> Tensor:
        """``(..., inputs)`` to ``(..., outputs)``."""
        if self.as_usual:
            return nn.Linear.forward(self, input)
        out = self.product("weight", input)
        return out if self.bias is None else out + self.bias


@register(NonDynamicallyQuantizableLinear)
class AnalogProjection(AnalogLinear):
    """The last layer of an attention, for which torch has a class of its own."""
