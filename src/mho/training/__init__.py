"""Making networks: ordinary training with the papers' recipes.

Importing this package does not import torch; the first call of :func:`train` does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mho.training.presets import PRESETS, Preset, preset
from mho.training.recipe import Recipe

if TYPE_CHECKING:
    from mho.training.loop import train
    from mho.training.record import Epoch, history

__all__ = ["PRESETS", "Epoch", "Preset", "Recipe", "history", "preset", "train"]

_HOMES = {"Epoch": "mho.training.record", "history": "mho.training.record", "train": "mho.training.loop"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.training' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
