"""NUMBERS <-> CELLS: quantise, slice, sign-magnitude, differential, offset, analog, tracks of bits."""

from mho.mapping import codes
from mho.mapping.base import Encoded, Granularity, Mapping, Programmed, program
from mho.mapping.encodings import Analog, Differential, Offset, SlicedMagnitude
from mho.mapping.tracks import Tracks, register_order

__all__ = [
    "Analog",
    "Differential",
    "Encoded",
    "Granularity",
    "Mapping",
    "Offset",
    "Programmed",
    "SlicedMagnitude",
    "Tracks",
    "codes",
    "program",
    "register_order",
]
