"""ONE CELL: what a written value reads back as, and how that changes with age."""

from __future__ import annotations

from typing import Any, cast

from mho.devices.ageing import PowerLawDrift, ReadNoise
from mho.devices.base import Device
from mho.devices.crosspoints import Crosspoints
from mho.devices.level_gaussian import LevelGaussian, SigmaConvention, kappa
from mho.devices.log_normal import LogNormal
from mho.devices.measured import MeasuredTable
from mho.devices.pcm import PCMDrift, PCMProgramming
from mho.devices.position_codes import GROGU, PECC, PECCO, PositionCode
from mho.devices.presets import ALIASES, PCM, PRESETS, RRAM1, RRAM2, FeFET1, FeFET2
from mho.devices.pulse_response import PulseFit, fit_response
from mho.devices.pulsed import ConstantStep, LinearStep, PulsedCell, SoftBounds
from mho.devices.pulsed_presets import (
    PULSED,
    capacitor,
    ecram,
    ecram_oxide,
    get_pulsed,
    ideal,
    pcm_like,
    reram,
    reram_hfo2,
    reram_noisy,
    reram_om,
    rpu,
)
from mho.devices.quantiles import MeasuredQuantiles
from mho.devices.racetrack import Racetrack
from mho.devices.skyrmion import Skyrmion
from mho.devices.stack import Stack
from mho.devices.stuck_at import StuckAt
from mho.errors import unknown
from mho.spec import from_dict

__all__ = [
    "ALIASES",
    "GROGU",
    "PCM",
    "PECC",
    "PECCO",
    "PRESETS",
    "PULSED",
    "RRAM1",
    "RRAM2",
    "ConstantStep",
    "Crosspoints",
    "Device",
    "FeFET1",
    "FeFET2",
    "LevelGaussian",
    "LinearStep",
    "LogNormal",
    "MeasuredQuantiles",
    "MeasuredTable",
    "PCMDrift",
    "PCMProgramming",
    "PositionCode",
    "PowerLawDrift",
    "PulseFit",
    "PulsedCell",
    "Racetrack",
    "ReadNoise",
    "SigmaConvention",
    "Skyrmion",
    "SoftBounds",
    "Stack",
    "StuckAt",
    "capacitor",
    "ecram",
    "ecram_oxide",
    "fit_response",
    "get",
    "get_pulsed",
    "ideal",
    "kappa",
    "pcm_like",
    "reram",
    "reram_hfo2",
    "reram_noisy",
    "reram_om",
    "rpu",
]


def get(name: str, **options: Any) -> Device:
    """The device preset called ``name`` (case does not matter), such as ``get("rram1", sigma=0.1)``.

    Raises:
        UnknownNameError: no preset has this name.
        SpecError: the preset does not take these options.
    """
    by_lower = {n.lower(): p for n, p in PRESETS.items()}
    by_lower |= {alias.lower(): PRESETS[n] for alias, n in ALIASES.items()}
    if name.lower() not in by_lower:
        raise unknown("device", name, PRESETS)
    return cast(Device, from_dict({"kind": by_lower[name.lower()].name, **options}))
