"""Layers whose weights are on arrays, one kind a file; :func:`register` adds one."""

from mho.analog.layers.attention import AnalogMultiheadAttention
from mho.analog.layers.base import AnalogLayer, register
from mho.analog.layers.conv import AnalogConv1d, AnalogConv2d
from mho.analog.layers.linear import AnalogLinear
from mho.analog.layers.recurrent import AnalogGRU, AnalogLSTM, AnalogRNN

__all__ = [
    "AnalogConv1d",
    "AnalogConv2d",
    "AnalogGRU",
    "AnalogLSTM",
    "AnalogLayer",
    "AnalogLinear",
    "AnalogMultiheadAttention",
    "AnalogRNN",
    "register",
]
