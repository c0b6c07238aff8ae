"""Small designs and candidates, and what their tests share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mho import devices
from mho.codesign import Candidate, Costs, Design
from mho.codesign.margins import candidate
from mho.evaluation import Interval
from mho.frozen import FrozenDict
from mho.memory import Memory
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies import Data, Trained
from mho.training import NoiseInjection, Recipe

TRAIN = Data(name="digits", split="train")
MLP = Trained(
    architecture="mlp", data=TRAIN, options=FrozenDict({"hidden": (24,)}), recipe=Recipe(epochs=4, batch_size=64)
)
MEASURES = FrozenDict(
    {
        "model.method": FrozenDict({"plain": None, "noise": NoiseInjection()}),
        "memory.programming": FrozenDict(
            {"once": OpenLoop(), "some": Selective(fraction=0.2), "all": WriteVerify(tolerance=0.06)}
        ),
    }
)


def made(**changes: Any) -> Design:
    """A design on digits that takes seconds."""
    usual: dict[str, Any] = {
        "name": "small",
        "model": MLP,
        "memory": Memory(device=devices.RRAM1(sigma=0.1)),
        "data": Data(name="digits", limit=100),
        "targets": ("mean >= 0.8",),
        "measures": MEASURES,
        "minimise": "write_cycles",  # and not seconds, which are others every time
        "sigma": 0.2,
        "glance": 20,
        "precision": 0.03,
        "chips": 200,
    }
    return Design(**(usual | changes))


def costs(**changes: Any) -> Costs:
    """Costs of nothing."""
    usual: dict[str, Any] = {
        "write_cycles": 100.0,
        "write_seconds": None,
        "write_joules": None,
        "cells": 100,
        "training_seconds": 0.0,
        "latency": 1.0,
    }
    return Costs(**(usual | changes))


def seen(design: Design, chosen: Mapping[str, str], found: Sequence[float], **spent: Any) -> Candidate:
    """A candidate whose first target has a value, a low and a high end."""
    label = design.targets[0].label(design.clock)
    return candidate(design, FrozenDict(dict(chosen)), {label: Interval(*found)}, costs(**spent), "screened")
