"""NUMBERS <-> CELLS: quantise, slice, sign-magnitude, differential, offset, analog, planes and tracks of bits."""

from mho.mapping import codes
from mho.mapping.base import Encoded, Granularity, Mapping, Programmed, program
from mho.mapping.bit_planes import BitPlanes
from mho.mapping.encodings import Analog, Differential, Offset, SlicedMagnitude
from mho.mapping.plane_code import PlaneCode
from mho.mapping.plane_statistics import PlaneStatistics, TensorStatistics, statistics
from mho.mapping.tracks import Tracks, register_order

__all__ = [
    "Analog",
    "BitPlanes",
    "Differential",
    "Encoded",
    "Granularity",
    "Mapping",
    "Offset",
    "PlaneCode",
    "PlaneStatistics",
    "Programmed",
    "SlicedMagnitude",
    "TensorStatistics",
    "Tracks",
    "codes",
    "program",
    "register_order",
    "statistics",
]
