"""NUMBERS <-> CELLS: quantise, slice, sign-magnitude, differential, offset, analog."""

from mho.mapping.base import Encoded, Granularity, Mapping, Programmed, program
from mho.mapping.encodings import Analog, Differential, Offset, SlicedMagnitude

__all__ = [
    "Analog",
    "Differential",
    "Encoded",
    "Granularity",
    "Mapping",
    "Offset",
    "Programmed",
    "SlicedMagnitude",
    "program",
]
