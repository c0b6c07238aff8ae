"""Binarised networks: layers whose weights are +1 or -1, and the networks of the racetrack-memory papers."""

from mho.zoo.binary.layers import BinaryActivation, BinaryConv2d, BinaryLinear, Scale
from mho.zoo.binary.packed import PackedConv2d, PackedLinear, packed
from mho.zoo.binary.signs import signs

__all__ = [
    "BinaryActivation",
    "BinaryConv2d",
    "BinaryLinear",
    "PackedConv2d",
    "PackedLinear",
    "Scale",
    "packed",
    "signs",
]
