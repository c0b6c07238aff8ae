"""A sigmoid MLP on MNIST, trained on arrays: test error against sigma_r, states and bounds; resumable.

MHO_DATA=... python studies/analog/networks.py --folder runs [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

import mho
from mho import analog, data, devices
from mho.analog.experiments.sweep_result import Sweep
from mho.training import Recipe

RECIPE = Recipe(optimizer="sgd", lr=0.5, batch_size=8, epochs=3, schedule="constant")
"""Floating point takes these rates as well as arrays do: 20,000 samples are few."""
AXES: dict[str, dict[str, Any]] = {
    "references": {"reference_std": (0.0, 0.1, 0.25, 0.5)},
    "states": {"n_states": (20, 50, 200), "reference_std": 0.5},
    "bounds": {"bounds": (1.0, 10.0), "reference_std": 0.0},
}


def sigmoid_mlp(seed: int) -> torch.nn.Module:
    """784-256-128-10, the network of [gokmen2016rpu]."""
    return mho.zoo.build("mlp", seed=seed, activation="sigmoid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=tuple(AXES), default=tuple(AXES), help="other sweeps are left out")
    asked = parser.parse_args()
    samples = data.load("mnist", split="train", limit=20_000), data.load("mnist", split="test")
    cell = devices.SoftBounds(n_states=20)
    two = {
        "TTv2": analog.TTv2(cell=cell, correct_weights=True),
        "c-TTv2": analog.ChoppedTTv2(cell=cell, correct_weights=True),
        "AGAD": analog.AGAD(cell=cell, correct_weights=True),
    }
    one = {
        "in-memory SGD": analog.InMemorySGD(cell=cell, correct_weights=True),
        "mixed precision": analog.MixedPrecision(cell=cell, correct_weights=True),
    }

    def sweep(name: str, algorithms: dict[str, analog.Algorithm], **axes: Any) -> Sweep:
        found = analog.sweep(
            sigmoid_mlp, samples, algorithms, recipe=RECIPE, seeds=range(asked.seeds), folder=asked.folder / "runs",
            omega=0.3, **axes,
        )  # fmt: skip
        print(found, "\n", flush=True)
        (asked.folder / f"{name}.json").write_text(json.dumps(found.to_dict()))
        return found

    found = [sweep(name, two | one if name != "states" else two, **AXES[name]) for name in asked.only]
    mho.report(asked.folder / "report.html", analog=found)


if __name__ == "__main__":
    main()
