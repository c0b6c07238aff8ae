"""Results about stuck cells shaped like real ones, from numpy with a fixed seed: no network, no simulation.

A scheme's mean falls around a rate of its own, as the tolerated rates of the prototype do; every chip has its own luck,
the same under every scheme and at every rate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mho.devices import StuckAt
from mho.evaluation.faults import TABLE3_RATES, FaultCurves, FaultSensitivity
from mho.mapping import BitPlanes
from mho.mapping.plane_statistics import PlaneStatistics, TensorStatistics
from mho.memory import Memory
from mho.memory.description import Description, StoredLayer
from mho.memory.redundancy import Embedding, Voting, embed
from mho.training.gates.result import Pruned
from mho.training.gates.sparse import LayerSparsity

DIGITAL, CONSTANT = 0.907, 0.30
BEARS = {"none": 5e-4, "flip": 1e-3, "paper": 1.5e-3, "channel": 6e-3, "best-of-3": 3e-2, "channel-flip-all-vote": 3e-2}
"""The rate around which each scheme fails."""
EXTRA = {"paper": 0, "best-of-3": 0, "channel-flip-all-vote": 52_000}
CELLS = 3_145_728
LAYERS = ("blocks.0.query", "blocks.0.key", "blocks.0.fc1", "blocks.0.fc2")
ROLES = {
    "none": {"mapping": BitPlanes(flip="none")},
    "flip": {"mapping": BitPlanes(flip="msb")},
    "paper": {"mapping": BitPlanes(flip="msb"), "redundancy": Voting(copies=3)},
    "channel": {"mapping": BitPlanes(flip="none", granularity="channel")},
    "channel-flip-all-vote": {"mapping": BitPlanes(flip="all", granularity="channel"), "redundancy": Voting()},
    "best-of-3": {"mapping": BitPlanes(flip="none")},
}


def memory(name: str) -> Memory:
    return Memory(device=StuckAt.at_rate(1e-3), **ROLES[name])


def curves(
    schemes: tuple[str, ...] = ("none", "flip", "paper", "channel", "channel-flip-all-vote"),
    *,
    rates: tuple[float, ...] = TABLE3_RATES,
    chips: int = 50,
    spread: float = 0.03,
    **changes: Any,
) -> FaultCurves:
    luck = np.random.default_rng(7).standard_normal(chips)
    values = np.stack([_falls(BEARS[name], rates, spread * luck) for name in schemes])
    made: dict[str, Any] = {
        "values": values, "schemes": schemes, "rates": rates, "ideal": (DIGITAL - 0.002,) * len(schemes),
        "digital": DIGITAL, "cells": (CELLS,) * len(schemes), "extra": tuple(EXTRA.get(s, 0) for s in schemes),
        "known_map": tuple(s.startswith("best") for s in schemes), "images": 408,
        "digital_read": (False,) * len(schemes), "metric": "F1", "label": "Encoder",
        "memories": tuple(memory(s).to_dict() for s in schemes), "kept": ("*classifier*",), "data": "mrpc test",
        "provenance": {"torch": "2.13", "wall_s": 12.5},
    }  # fmt: skip
    return FaultCurves(**(made | changes))


def _falls(bears: float, rates: tuple[float, ...], luck: Any) -> Any:
    steep = (np.array(rates)[:, None] / bears / 1.4) ** 1.6
    lost = (DIGITAL - CONSTANT) * (1 - np.exp(-steep))
    return np.clip(DIGITAL - 0.002 - lost * (1 + 3 * luck) - 0.05 * np.abs(luck), 0.05, 1.0)


def sensitivity(
    of: str = "layer", *, chips: int = 20, rates: tuple[float, ...] = (5e-4, 1e-3), **changes: Any
) -> FaultSensitivity:
    names = LAYERS if of == "layer" else tuple(f"plane {b}" for b in reversed(range(8)))
    depth = np.array([0.02, 0.004, 0.06, 0.05]) if of == "layer" else 0.09 * 2.0 ** -np.arange(8)
    luck = np.random.default_rng(5).standard_normal((len(names), 1, chips))
    lost = depth[:, None, None] * np.array(rates)[None, :, None] / 1e-3 * (1 + 0.4 * luck)
    made: dict[str, Any] = {
        "names": names, "of": of, "rates": rates, "values": DIGITAL - lost, "together": DIGITAL - lost.sum(0),
        "baseline": DIGITAL, "cells": (262_144,) * len(names), "memory": memory("none").to_dict(), "metric": "F1",
        "images": 408, "label": "Encoder", "data": "mrpc test",
    }  # fmt: skip
    return FaultSensitivity(**(made | changes))


def pruned(columns: tuple[int, ...] = (45, 38, 160, 30), **changes: Any) -> Pruned:
    from torch import nn

    from mho.training.gates.method import Gates

    made: dict[str, Any] = {
        "model": nn.Identity(), "pools": (), "method": Gates(columns=0.2), "data": "mrpc train",
        "layers": tuple(
            LayerSparsity(name=name, columns=512 if "fc1" in name else 128, rows=128, pruned_columns=n, pruned_rows=0)
            for name, n in zip(LAYERS, columns, strict=True)
        ),
        "before": (0.31, 0.901), "after": (0.33, 0.897),
    }  # fmt: skip
    return Pruned(**(made | changes))


def embedding(name: str, columns: int, gone: int, bits: int = 8, copies: int = 3) -> Embedding:
    """Copies of the top plane; every third column is pruned, as far as ``gone`` goes."""
    order = np.argsort(np.arange(columns) % 3, kind="stable")
    pruned_ = np.zeros(columns, bool)
    pruned_[order[:gone]] = True
    return embed({name: pruned_}, bits, (1,) * (bits - 1) + (copies,))


def description(*gone: int, columns: int = 128) -> Description:
    made = [
        StoredLayer(
            name=f"{name}.weight", kind="Linear", shape=(columns, 128), rows=128, columns=columns, matrices=1,
            cells=columns * 128 * 16, tiles=16, scale="tensor", rms_error=0.004, max_error=0.006, memory="paper",
        )
        for name in LAYERS[: len(gone)]
    ]  # fmt: skip
    rooms = tuple(embedding(name, columns, n) for name, n in zip(LAYERS, gone, strict=False))
    return Description(
        model="Encoder", stored=tuple(made), digital=(), tile=(128, 128), memories={"paper": memory("paper").to_yaml()},
        embeddings=rooms,
    )  # fmt: skip


def statistics(ratio: float = 18.0) -> PlaneStatistics:
    density = (0.125, 0.117, 0.098, 0.05, 0.0026, 1e-6, 0.0, 0.0)
    made = [
        TensorStatistics(
            name=f"{name}.weight", shape=(128, 128), largest=0.04 * ratio * (1 + 0.1 * i), sigma=0.04, above_half=3 + i,
            zeros=0, positive=density, negative=density,
        )
        for i, name in enumerate(LAYERS)
    ]  # fmt: skip
    return PlaneStatistics(model="Encoder", bits=8, tensors=tuple(made))
