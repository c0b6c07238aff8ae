"""HOW MANY FAULTS: the metric of every scheme against the rate of stuck cells, and which layer or plane does it."""

from mho.evaluation.faults.curves import FaultCurves
from mho.evaluation.faults.published import TABLE3, TABLE3_RATES
from mho.evaluation.faults.sensitivity import FaultSensitivity
from mho.evaluation.faults.singled import by_layer, by_plane
from mho.evaluation.faults.tolerance import Tolerance
from mho.evaluation.faults.verb import faults

__all__ = [
    "TABLE3",
    "TABLE3_RATES",
    "FaultCurves",
    "FaultSensitivity",
    "Tolerance",
    "by_layer",
    "by_plane",
    "faults",
]
