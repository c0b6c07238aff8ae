"""How much of the loss does digital compensation recover, and what does as much training with noise recover?

    python studies/correctnet/compensation.py NETWORK [main | more]

Trains NETWORK (plain or noise) of the study again, bit for bit the same, changes it in the ways of CHANGES, and judges
what comes out on the first 100 chips of the network as it was: chip i has the same factors before and after. Adds a row
for every training and change to compensation-NETWORK.csv, unless it has that already.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

import mho
from mho import studies
from mho.data import Dataset
from mho.evaluation import mean_interval
from mho.evaluation.statistics import Interval
from mho.studies.points import points
from mho.studies.sources import Trained
from mho.training import Compensation, NoiseInjection, Recipe, compensate, with_compensation
from mho.training.compensation.layers import CompensatedConv2d, compensation_parameters, extra_weights
from mho.training.compensation.verb import weights_of
from mho.zoo.registry import build_for

GAMMA = 0.5
EPOCHS = 5
CHIPS = 100
SEEDS = {"main": (0, 1, 2), "more": (0,)}
Made = tuple[nn.Module, tuple[str, ...], float]  # network, layers, overhead
Change = Callable[[nn.Module, Dataset, mho.Memory, int], Made]


class Rectified(CompensatedConv2d):
    """With a ReLU between generator and compensator."""

    def forward(self, input: Tensor) -> Tensor:
        y = nn.Conv2d.forward(self, input)
        pooled = adaptive_avg_pool2d(input, y.shape[-2:])  # type: ignore[arg-type]
        maps = self.generator.images(torch.cat([pooled, y], dim=-3)).relu()
        return self.compensator.images(torch.cat([y, maps], dim=-3))


def compensated(*layers: str, ratio: float = 0.25, epochs: int = EPOCHS) -> Change:
    """The layers that are named."""

    def change(model: nn.Module, data: Dataset, memory: mho.Memory, seed: int) -> Made:
        recipe = Recipe(epochs=epochs, lr=2e-3, seed=seed)
        return _made(compensate(model, data, memory, layers=layers, ratio=ratio, recipe=recipe, progress=False))

    return change


def placed(budget: float, ratio: float, trial_epochs: int = 1) -> Change:
    """Layers chosen one by one, judged by 30 chips on 500 training images that trials do not learn from."""

    def change(model: nn.Module, data: Dataset, memory: mho.Memory, seed: int) -> Made:
        recipe = Recipe(epochs=EPOCHS, lr=2e-3, seed=seed)
        found = compensate(
            model,
            data,
            memory,
            ratio=ratio,
            budget=budget,
            recipe=recipe,
            trial_epochs=trial_epochs,
            chips=30,
            held_out=0.05,
            progress=False,
        )
        return _made(found)

    return change


def rectified(*layers: str, ratio: float = 0.25) -> Change:
    """As :func:`compensated`, with :class:`Rectified` layers."""

    def change(model: nn.Module, data: Dataset, memory: mho.Memory, seed: int) -> Made:
        made = with_compensation(model, layers, ratio=ratio, seed=seed).requires_grad_(False)
        for name in layers:
            made.get_submodule(name).__class__ = Rectified
        for parameter in compensation_parameters(made):
            parameter.requires_grad_(True)
        recipe = Recipe(epochs=EPOCHS, lr=2e-3, seed=seed)
        out = mho.train(made, data, method=NoiseInjection(), memory=memory, recipe=recipe, progress=False)
        added = sum(extra_weights(model.get_submodule(name), ratio) for name in layers)
        return out, layers, added / weights_of(model)

    return change


def more_noise(epochs: int = EPOCHS) -> Change:
    """All weights trained on, with the errors of the memory: no overhead, but other weights to write."""

    def change(model: nn.Module, data: Dataset, memory: mho.Memory, seed: int) -> Made:
        recipe = Recipe(epochs=epochs, lr=2e-3, seed=seed)
        return mho.train(model, data, method=NoiseInjection(), memory=memory, recipe=recipe, progress=False), (), 0.0

    return change


CHANGES: dict[str, dict[str, Change]] = {
    "main": {
        "conv1 and conv2": compensated("conv1", "conv2"),
        "placed, budget 1 %": placed(0.01, 0.25),
        "placed, budget 3 %": placed(0.03, 1.0),
        "5 epochs with noise": more_noise(),
    },
    "more": {
        "conv1 and conv2, ReLU": rectified("conv1", "conv2"),
        "placed, budget 1 %, trials of 5 epochs": placed(0.01, 0.25, trial_epochs=5),
        "conv1 and conv2, 15 epochs": compensated("conv1", "conv2", epochs=15),
        "15 epochs with noise": more_noise(15),
        "all layers": compensated("conv1", "conv2", "fc1", "fc2", "fc3"),
    },
}


def _made(found: Compensation) -> Made:
    return found.model, found.names, found.overhead


def recovered(before: NDArray[np.float64], after: NDArray[np.float64], clean: float) -> Interval:
    """Mean gain over mean loss, chip by chip ``(chips,)``; Student's interval of the ratio, linearised."""
    loss, gain = clean - before, after - before
    ratio = gain.mean() / loss.mean()
    spread = mean_interval((gain - ratio * loss) / loss.mean())
    return Interval(float(ratio), float(ratio + spread.low), float(ratio + spread.high))


def named(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def main() -> None:
    torch.set_num_threads(1)
    here, network = Path(__file__).parent, sys.argv[1]
    study, out = studies.read(here / "study.yaml"), here / f"compensation-{network}.csv"
    which = sys.argv[2] if len(sys.argv) > 2 else "main"
    changes = CHANGES[which]
    rows: list[dict[str, Any]] = list(csv.DictReader(out.open())) if out.exists() else []
    test = study.data.load()
    asked = {tuple(point.axes.values()): point.study for point in points(study)}
    for seed in SEEDS[which]:
        missing = [label for label in changes if not any((r["seed"], r["change"]) == (str(seed), label) for r in rows)]
        if not missing:
            continue
        point = asked[network, str(seed)]
        spec = point.model
        assert isinstance(spec, Trained)
        assert isinstance(point.memory, mho.Memory)
        memory = point.memory.with_sigma(GAMMA)
        data = spec.data.load()
        start = build_for(spec.architecture, data, seed=spec.starting_seed)
        model = mho.train(start, data, method=spec.method, memory=spec.rules, recipe=spec.recipe, progress=False)
        clean, before = judged(model, memory, test, study.seed)
        for label in missing:
            started = time.process_time()
            made, layers, overhead = changes[label](model, data, memory, seed)
            seconds = time.process_time() - started
            clean_after, after = judged(made, memory, test, study.seed)
            rows.append(
                {"network": network, "seed": str(seed), "change": label, "layers": " ".join(layers)}
                | {"overhead": overhead, "cpu_s": round(seconds, 1), "chips": len(after), "clean": clean}
                | named("before", mean_interval(before))
                | {"clean_after": clean_after}
                | named("after", mean_interval(after))
                | named("gain", mean_interval(after - before))
                | named("recovered", recovered(before, after, clean))
            )
            with out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            print({k: round(v, 4) if isinstance(v, float) else v for k, v in rows[-1].items()}, flush=True)


def judged(model: nn.Module, memory: mho.Memory, test: Dataset, seed: int) -> tuple[float, NDArray[np.float64]]:
    """Accuracy without errors, and that of every chip ``(CHIPS,)``."""
    result = mho.evaluate(mho.deploy(model, memory, seed=seed), test, n_chips=CHIPS, show_progress=False)
    return result.digital, result.at().values


if __name__ == "__main__":
    main()
