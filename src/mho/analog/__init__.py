"""TRAIN ON THE ARRAY: weights that pulses change where they are stored.

Importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mho.analog.agad import AGAD
from mho.analog.algorithm import Algorithm
from mho.analog.chopped import ChoppedTTv2
from mho.analog.floating import FloatingPoint
from mho.analog.hardware import Hardware
from mho.analog.mixed import MixedPrecision
from mho.analog.operations import ArrayUpdate, Counts, counted
from mho.analog.peripherals import Peripherals
from mho.analog.pulses import PulseTrain
from mho.analog.reference_drift import AllowedDrifts, reference_drift
from mho.analog.retention import Retention, retention
from mho.analog.sgd import InMemorySGD
from mho.analog.ttv2 import TTv2
from mho.analog.update_time import UpdateCost, update_time
from mho.analog.update_times import UpdateTimes, update_times
from mho.analog.wear import Wear, wear

if TYPE_CHECKING:
    from mho.analog.conversion import convert
    from mho.analog.experiments.programming import program
    from mho.analog.experiments.programming_result import Level, Programming
    from mho.analog.experiments.settings import SETTINGS, Setting
    from mho.analog.experiments.sweep import sweep
    from mho.analog.experiments.sweep_result import Sweep, Trained
    from mho.analog.experiments.toy import Toy, toy
    from mho.analog.extraction import extract
    from mho.analog.network_cost import NetworkCost, cost
    from mho.analog.optimizer import SGD
    from mho.analog.tile import Tile

__all__ = [
    "AGAD",
    "SETTINGS",
    "SGD",
    "Algorithm",
    "AllowedDrifts",
    "ArrayUpdate",
    "ChoppedTTv2",
    "Counts",
    "FloatingPoint",
    "Hardware",
    "InMemorySGD",
    "Level",
    "MixedPrecision",
    "NetworkCost",
    "Peripherals",
    "Programming",
    "PulseTrain",
    "Retention",
    "Setting",
    "Sweep",
    "TTv2",
    "Tile",
    "Toy",
    "Trained",
    "UpdateCost",
    "UpdateTimes",
    "Wear",
    "convert",
    "cost",
    "counted",
    "extract",
    "program",
    "reference_drift",
    "retention",
    "sweep",
    "toy",
    "update_time",
    "update_times",
    "wear",
]

_HOMES = {
    "Level": "experiments.programming_result",
    "NetworkCost": "network_cost",
    "Programming": "experiments.programming_result",
    "SETTINGS": "experiments.settings",
    "SGD": "optimizer",
    "Setting": "experiments.settings",
    "Sweep": "experiments.sweep_result",
    "Tile": "tile",
    "Toy": "experiments.toy",
    "Trained": "experiments.sweep_result",
    "convert": "conversion",
    "cost": "network_cost",
    "extract": "extraction",
    "program": "experiments.programming",
    "sweep": "experiments.sweep",
    "toy": "experiments.toy",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.analog' has no attribute '{name}'")
    found = getattr(import_module(f"mho.analog.{_HOMES[name]}"), name)
    globals()[name] = found  # modules have the names of verbs: from here on the verb is found first
    return found


def __dir__() -> list[str]:
    return __all__
