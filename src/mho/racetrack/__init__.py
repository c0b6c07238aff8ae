"""SHIFTED BITS: what position errors of racetracks do to a network, layer by layer, and what guarding it costs.

The device is :class:`mho.devices.Racetrack`, the mapping :class:`mho.mapping.Tracks`; chips of them go through the same
verbs as any other, with ages in inferences.
"""

from mho.devices.position_codes import GROGU, PECC, PECCO, PositionCode, scheme
from mho.racetrack.compat import compat2024
from mho.racetrack.curves import Curves
from mho.racetrack.front import front
from mho.racetrack.heat_map import HeatMap
from mho.racetrack.overhead import Overhead, overhead
from mho.racetrack.protect import protect
from mho.racetrack.protected import Protected
from mho.racetrack.protection import Protection
from mho.racetrack.sensitivity import sensitivity
from mho.racetrack.tally import Tally, tally
from mho.racetrack.timing import Timing
from mho.racetrack.walk import Walk

__all__ = [
    "GROGU",
    "PECC",
    "PECCO",
    "Curves",
    "HeatMap",
    "Overhead",
    "PositionCode",
    "Protected",
    "Protection",
    "Tally",
    "Timing",
    "Walk",
    "compat2024",
    "front",
    "overhead",
    "protect",
    "scheme",
    "sensitivity",
    "tally",
]
