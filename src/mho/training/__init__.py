"""Making networks: ordinary training with the papers' recipes, and methods that make a network tolerant.

Importing this package does not import torch; the first call of :func:`train` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mho.training.adversarial import AdversarialWeights
from mho.training.method import Method
from mho.training.noise import GaussianNoise, Noise
from mho.training.noise_injection import NoiseInjection
from mho.training.presets import PRESETS, Preset, preset
from mho.training.recipe import Recipe

if TYPE_CHECKING:
    from mho.training.insitu import in_situ
    from mho.training.insitu_result import InSitu
    from mho.training.loop import train
    from mho.training.record import Epoch, Origin, history, origin

__all__ = [
    "METHODS",
    "PRESETS",
    "AdversarialWeights",
    "Epoch",
    "GaussianNoise",
    "InSitu",
    "Method",
    "Noise",
    "NoiseInjection",
    "Origin",
    "Preset",
    "Recipe",
    "history",
    "in_situ",
    "origin",
    "preset",
    "train",
]

METHODS: Mapping[str, type[Method]] = MappingProxyType({"noise": NoiseInjection, "adversarial": AdversarialWeights})
"""Every method by the name that the command line gives it."""

_HOMES = {
    "Epoch": "record",
    "InSitu": "insitu_result",
    "Origin": "record",
    "history": "record",
    "in_situ": "insitu",
    "origin": "record",
    "train": "loop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.training' has no attribute '{name}'")
    return getattr(import_module(f"mho.training.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
