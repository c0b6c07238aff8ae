"""Racetrack results shaped like real ones, from numpy with a fixed seed: no network, no simulation.

The numbers follow the published heat map of VGG7 on nanowires: a layer's loss grows with its expected faults, the
first layers lose most, and what is protected loses nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mho.devices import Racetrack
from mho.evaluation.result import Result
from mho.mapping import Tracks
from mho.memory import Memory
from mho.racetrack.curves import Curves
from mho.racetrack.protection import Protected, Protection

LAYERS = ("conv1", "conv2", "fc1", "fc2")
SHAPES = ((64, 1, 3, 3), (64, 64, 3, 3), (2048, 3136), (10, 2048))
DEPTH = (0.25, 0.60, 0.12, 0.004)
"""What each layer can lose at most, alone."""
COST = (0.001, 0.011, 0.944, 0.003)
"""Share of the cycles that protecting each layer adds."""
EXPOSURES = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
AGES = (0.0, 1.0, 10.0, 100.0)
DIGITAL = 0.978
SELECTIONS = {
    "UNPROT": (),
    "EVEN": ("conv1", "fc1"),
    "EQUAL": ("conv1", "conv2"),
    "CUSTOM": ("conv1", "conv2", "fc1"),
    "FULL": LAYERS,
}


def memory(**device: Any) -> Memory:
    return Memory(device=Racetrack(**({"fault_rate": 1e-4} | device)), mapping=Tracks(bits=64))


def loss(exposure: Any, layer: int) -> Any:
    """What a layer alone loses at an exposure."""
    return DEPTH[layer] * (1 - np.exp(-np.asarray(exposure) / 0.7))


def curves(*, layers: tuple[str, ...] = LAYERS, chips: int = 5, **changes: Any) -> Curves:
    rng = np.random.default_rng(3)
    lost = np.stack([loss(EXPOSURES, i % len(DEPTH)) for i in range(len(layers))])
    values = DIGITAL - lost[..., None] * (1 + 0.1 * rng.standard_normal((*lost.shape, chips)))
    made = {
        "layers": layers, "exposure": np.tile(EXPOSURES, (len(layers), 1)),
        "inferences": np.tile(np.maximum(np.round(np.array(EXPOSURES) / 63e-4), 1).astype(np.int64), (len(layers), 1)),
        "values": np.clip(values, 0.1, 1.0), "baseline": DIGITAL,
        "shapes": tuple(SHAPES[i % len(SHAPES)] for i in range(len(layers))), "memory": memory(), "metric": "accuracy",
        "images": 400, "label": "Racetrack", "data": "digits test", "provenance": {"torch": "2.13", "wall_s": 12.5},
    }  # fmt: skip
    return Curves(**(made | changes))


def _values(protected: tuple[str, ...], chips: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    exposure = 63e-4 * np.array(AGES)
    lost = sum(loss(exposure, i) for i, layer in enumerate(LAYERS) if layer not in protected)
    lost = np.zeros(len(AGES)) + lost
    return np.clip(DIGITAL - lost[:, None] * (1 + 0.08 * rng.standard_normal((len(AGES), chips))), 0.1, 1.0)


def protection(
    selections: dict[str, tuple[str, ...]] | None = None, *, chips: int = 10, target: float = 0.9, **changes: Any
) -> Protection:
    made = []
    for seed, (name, layers) in enumerate((SELECTIONS if selections is None else selections).items()):
        share = sum(c for c, layer in zip(COST, LAYERS, strict=True) if layer in layers) / sum(COST)
        values = _values(layers, chips, seed)
        foretold = DIGITAL - float(sum(loss(0.63, i) for i, layer in enumerate(LAYERS) if layer not in layers))
        made.append(
            Protected(
                name=name, layers=layers, mask="".join("01"[layer in layers] for layer in LAYERS), values=values,
                cycles=share * 1.27e7, overhead=share * 0.984, predicted=foretold,
            )
        )  # fmt: skip
    out = {
        "selections": tuple(made), "layers": LAYERS, "age": AGES, "baseline": DIGITAL, "base_cycles": 1.2906e7,
        "target": target, "code": "GROGU", "metric": "accuracy", "images": 400, "label": "Racetrack",
        "data": "digits test", "provenance": {"torch": "2.13", "wall_s": 30.1},
    }  # fmt: skip
    return Protection(**(out | changes))


def result(label: str = "Racetrack", protected: tuple[str, ...] = (), *, chips: int = 10, **changes: Any) -> Result:
    """What :func:`mho.evaluate` returns, in inferences."""
    made = {
        "values": _values(protected, chips, 5)[None], "ekl": None, "sigma": (None,), "age": AGES, "metric": "accuracy",
        "ideal": DIGITAL, "digital": DIGITAL, "images": 400, "label": label, "data": "digits test",
        "clock": "inferences", "provenance": {"torch": "2.13", "wall_s": 4.2},
    }  # fmt: skip
    return Result(**(made | changes))
