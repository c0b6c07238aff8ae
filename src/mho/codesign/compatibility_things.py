"""Everything that may be combined, one line each: a new device, scheme or method is one more line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mho import analog, devices, mapping, programming, training
from mho.codesign import compatibility_questions as ask
from mho.codesign.compatibility_training import VERIFY, compensated, with_block
from mho.memory import redundancy

SIGMA = 0.1


@dataclass(frozen=True)
class Thing:
    """One thing that a user may choose.

    Attributes:
        name: as tables have it.
        make: the smallest one of its kind.
        suits: axis to the names of what goes with it there, best first, where a pair leaves that axis open.
    """

    name: str
    make: Callable[[], Any]
    suits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


STUCK = "RRAM1 + StuckAt"
_TRACKS = {"mapping": ("Tracks, 8 bits",)}
_PLANES = {"mapping": ("BitPlanes",), "device": (STUCK, "StuckAt", "PCM + StuckAt")}
_CODED = {**_TRACKS, "device": ("Racetrack",)}
_TABLE: dict[str, Any] = {
    "states": (0.0, 1.0),
    "mean": ((0.0, 0.9), (0.1, 0.8)),
    "std": ((0.1, 0.2), (0.2, 0.3)),
    "ages": (0.0, 1000.0),
}
_QUANTILES: dict[str, Any] = {
    "states": (0.5,),
    "probabilities": (0.0, 0.5, 1.0),
    "errors": (((-0.1, 0.0, 0.1),), ((-0.2, 0.0, 0.2),)),
    "ages": (0.0, 1000.0),
}


def _stack(*stages: devices.Device) -> devices.Stack:
    return devices.Stack(stages=stages)


def _stuck() -> devices.StuckAt:
    return devices.StuckAt.at_rate(0.05)


DEVICES = (
    Thing("RRAM1", lambda: devices.RRAM1(sigma=SIGMA)),
    Thing("RRAM1 of whole weights", lambda: devices.RRAM1(sigma=SIGMA, level_scope="weight")),
    Thing("FeFET2", lambda: devices.FeFET2(sigma=SIGMA)),
    Thing("LogNormal", lambda: devices.LogNormal(sigma=SIGMA)),
    Thing("MeasuredTable", lambda: devices.MeasuredTable(**_TABLE)),
    Thing("MeasuredQuantiles", lambda: devices.MeasuredQuantiles(**_QUANTILES)),
    Thing("PCMProgramming", devices.PCMProgramming),
    Thing("PCMDrift", devices.PCMDrift),
    Thing("PowerLawDrift", lambda: devices.PowerLawDrift(nu=0.05)),
    Thing("ReadNoise", lambda: devices.ReadNoise(q=0.01)),
    Thing("PCM", devices.PCM),
    Thing("StuckAt", _stuck),
    Thing(STUCK, lambda: _stack(devices.RRAM1(sigma=SIGMA), _stuck())),
    Thing("PCM + StuckAt", lambda: _stack(devices.PCM(), _stuck())),
    Thing("Racetrack", lambda: devices.Racetrack(fault_rate=0.01), _TRACKS),
    Thing("Skyrmion", lambda: devices.Skyrmion(slip_rate=0.01), _TRACKS),
    Thing("SoftBounds", devices.SoftBounds),
    Thing("LinearStep", devices.LinearStep),
    Thing("ConstantStep", devices.ConstantStep),
)

MAPPINGS = (
    Thing("SlicedMagnitude", mapping.SlicedMagnitude),
    Thing("SlicedMagnitude, clipped", lambda: mapping.SlicedMagnitude(clip_negative=True)),
    Thing("Differential", mapping.Differential),
    Thing("Offset", mapping.Offset),
    Thing("Analog", mapping.Analog),
    Thing("BitPlanes", mapping.BitPlanes),
    Thing("Tracks, 8 bits", lambda: mapping.Tracks(weight_bits=8), {"device": ("Racetrack", "RRAM1")}),
    Thing("Tracks, 1 bit", mapping.Tracks, {"device": ("Racetrack", "RRAM1")}),
)

PROGRAMMING = (
    Thing("OpenLoop", programming.OpenLoop),
    Thing("WriteVerify, redraw", lambda: VERIFY),
    Thing("WriteVerify, pulse", lambda: VERIFY.replace(model="pulse")),
    Thing("Selective, weights", lambda: programming.Selective(fraction=0.1, verify=VERIFY)),
    Thing("Selective, cells", lambda: programming.Selective(fraction=0.1, unit="cell", verify=VERIFY)),
)


REDUNDANCY = (
    Thing("none", lambda: None),
    Thing("Voting", redundancy.Voting, _PLANES),
    Thing("CellMajority", redundancy.CellMajority, _PLANES),
    Thing("BestOf", redundancy.BestOf, _PLANES),
    Thing("Remapping", redundancy.Remapping, _PLANES),
    Thing("ClosestValue", redundancy.ClosestValue, _PLANES),
    Thing("ECC", redundancy.ECC, _PLANES),
    Thing("P-ECC", lambda: devices.PECC(detection_cycles=1, correction_cycles=1), _CODED),
    Thing("P-ECC-O", lambda: devices.PECCO(detection_cycles=1, correction_cycles=1), _CODED),
    Thing("GROGU", devices.GROGU, _CODED),
)

TRAINING = (
    Thing("Plain", training.Plain),
    Thing("NoiseInjection", training.NoiseInjection),
    Thing("RightCensored", lambda: training.RightCensored(sigma=SIGMA)),
    Thing("OrientedVariationalForward", lambda: training.OrientedVariationalForward(copies=2)),
    Thing("IntermediateSnapshots", lambda: training.IntermediateSnapshots(taps=("1",), hidden=4)),
    Thing("CorrectNet", training.CorrectNet),
    Thing("AdversarialWeights", lambda: training.AdversarialWeights(bound=0.03, steps=1)),
    Thing("Temperature", training.Temperature),
    Thing("AveragedNoise", lambda: training.AveragedNoise(copies=2)),
    Thing("prune", lambda: training.Gates(columns=0.2, penalty=1e6, lr=1.0)),
    Thing("compensate", lambda: compensated),
    Thing("share_block", lambda: with_block),
    Thing("in_situ", lambda: ask.in_place),
    Thing("arrays, FloatingPoint", analog.FloatingPoint),
    Thing("arrays, InMemorySGD", analog.InMemorySGD),
    Thing("arrays, TTv2", analog.TTv2),
    Thing("arrays, ChoppedTTv2", analog.ChoppedTTv2),
    Thing("arrays, AGAD", analog.AGAD),
    Thing("arrays, MixedPrecision", analog.MixedPrecision),
)

_VERIFIES = {"programming": ("WriteVerify, redraw",)}
_STUCK = {"device": (STUCK, "StuckAt"), "mapping": ("BitPlanes", "SlicedMagnitude")}
QUESTIONS = (
    Thing("describe", lambda: ask.described),
    Thing("evaluate", lambda: ask.evaluated),
    Thing("evaluate to a precision", lambda: ask.evaluated_adaptively),
    Thing("sigmas", lambda: ask.over_sigma),
    Thing("ages", lambda: ask.over_age, {"device": ("PCM", "Racetrack")}),
    Thing("worst_case, bound", lambda: ask.worst_by_bound),
    Thing("worst_case, tolerance", lambda: ask.worst_by_tolerance),
    Thing("sensitivity", lambda: ask.sensed),
    Thing("verify", lambda: ask.verified, _VERIFIES),
    Thing("faults", lambda: ask.with_faults, _STUCK),
    Thing("SigmaSearch", lambda: ask.searched, {"training": ("NoiseInjection",)}),
    Thing("racetrack.sensitivity", lambda: ask.slipped, _CODED),
    Thing("racetrack.protect", lambda: ask.guarded, _CODED),
)

AXES: Mapping[str, tuple[Thing, ...]] = MappingProxyType(
    {
        "device": DEVICES,
        "mapping": MAPPINGS,
        "programming": PROGRAMMING,
        "redundancy": REDUNDANCY,
        "training": TRAINING,
        "question": QUESTIONS,
    }
)
"""Axis to its things."""

USUAL: Mapping[str, str] = MappingProxyType(
    {
        "device": "RRAM1",
        "mapping": "SlicedMagnitude",
        "programming": "OpenLoop",
        "redundancy": "none",
        "training": "Plain",
        "question": "evaluate",
    }
)
"""Axis to what is beside a pair that leaves it open, where nothing suits better."""
