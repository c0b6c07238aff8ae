"""A step of training with each method against a step of plain training, LeNet on MNIST, batches of 128.

python benchmarks/bench_training.py [--runs 7] [--steps 40] [--threads 1] [--device cpu]
"""

from __future__ import annotations

import argparse

import torch
from timing import interleaved, machine

import mho
from mho import data, devices, mapping, zoo
from mho.data import Dataset
from mho.errors import MhoError
from mho.programming import WriteVerify
from mho.text import table
from mho.training import AdversarialWeights, NoiseInjection, Recipe, train

BATCH = 128


def memory(device: devices.Device, **options: object) -> mho.Memory:
    return mho.Memory(device=device, **options)


CASES = {
    "plain": (None, None),
    "NoiseInjection(sigma=0.1)": (NoiseInjection(sigma=0.1), None),
    "NoiseInjection, RRAM1 on slices": (NoiseInjection(), memory(devices.RRAM1(sigma=0.1))),
    "NoiseInjection, FeFET2 on slices": (NoiseInjection(), memory(devices.FeFET2(sigma=0.1))),
    "NoiseInjection, RRAM1 analog": (NoiseInjection(), memory(devices.RRAM1(sigma=0.1), mapping=mapping.Analog())),
    "NoiseInjection, log-normal cells": (NoiseInjection(), memory(devices.LogNormal(sigma=0.1))),
    "NoiseInjection, RRAM1 verified": (
        NoiseInjection(),
        memory(devices.RRAM1(sigma=0.1), programming=WriteVerify(tolerance=0.06)),
    ),
    "AdversarialWeights, 1 step": (AdversarialWeights(bound=0.03, steps=1), None),
    "AdversarialWeights, 3 steps": (AdversarialWeights(bound=0.03), None),
    "AdversarialWeights, 3, no clean": (AdversarialWeights(bound=0.03, clean_weight=0.0), None),
}


def samples(steps: int) -> tuple[Dataset, str]:
    """Images for so many steps: MNIST where it is, else noise of its shape."""
    try:
        found = data.load("mnist", split="train")
        return found.take(steps * BATCH), "MNIST"
    except MhoError:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.rand(steps * BATCH, 1, 28, 28, generator=generator)
        return Dataset(inputs=inputs, targets=torch.arange(len(inputs)) % 10, classes=10), "noise of MNIST's shape"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    images, source = samples(asked.steps)
    images, model = images.to(asked.device), zoo.build("lenet").to(asked.device)
    recipe = Recipe(epochs=1, batch_size=BATCH)

    def run(method: object, cells: object) -> None:
        train(model, images, method=method, memory=cells, recipe=recipe, progress=False)  # type: ignore[arg-type]
        if asked.device.startswith("cuda"):
            torch.cuda.synchronize()

    cases = {name: lambda pair=pair: run(*pair) for name, pair in CASES.items()}  # type: ignore[misc]
    seconds = interleaved(cases, runs=asked.runs)
    rows = []
    for name, runs in seconds.items():
        ratios = sorted(a / b for a, b in zip(runs, seconds["plain"], strict=True))
        per_step = sorted(1e3 * r / asked.steps for r in runs)
        middle = len(runs) // 2
        shown = (per_step[middle], per_step[0], per_step[-1])
        rows.append([name, *(f"{x:.2f}" for x in shown), f"{ratios[middle]:.2f}"])
    print(table(["LeNet, batches of 128", "median ms a step", "min", "max", "x plain"], rows))
    print(f"{asked.runs} interleaved runs of {asked.steps} steps each on {source}, set-up included")
    print(machine())


if __name__ == "__main__":
    main()
