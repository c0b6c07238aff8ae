"""One Monte-Carlo run (programming included) against the plain noiseless forward of the same images.

    python benchmarks/bench_evaluate.py

Rows: the plain forward with BatchNorm folded, all images in one batch (what a user would time); the same in the
batches and layout that mho chooses (the fair comparison of the machinery alone); the loop that papers use (four normals
a weight from torch.randn, weights copied, forward in batches of 128, BatchNorm as it is); mho.evaluate per chip, as the
difference between evaluations of few and of many chips, so that set-up does not count.
"""

from __future__ import annotations

import copy
import time

import torch
from timing import machine
from torch import Tensor, nn

import mho
from mho import devices, zoo
from mho.evaluation.fold import fold_batchnorm
from mho.text import table

RUNS = 7


def folded(model: nn.Module, sample: Tensor) -> nn.Module:
    """``model`` without BatchNorm: the gains go into the weights."""
    out, gains = fold_batchnorm(copy.deepcopy(model), sample)
    with torch.no_grad():
        for name, gain in gains.items():
            parameter = out.get_parameter(name)
            parameter.copy_(parameter * gain)
    return out


def papers_loop(model: nn.Module, clean: dict[str, Tensor], images: Tensor, labels: Tensor, sigma: float) -> float:
    """One chip as published code does it: 8-bit weights on four 2-bit cells, kappa 66.098/85."""
    with torch.no_grad():
        for name, weight in clean.items():
            noise = sum(torch.randn_like(weight) * 4.0**j for j in range(4)) / 85
            model.get_parameter(name).copy_(weight + noise * sigma * weight.abs().max())
        hits = sum(
            int((model(x).argmax(1) == y).sum())
            for x, y in zip(images.split(128), labels.split(128), strict=True)  # type: ignore[no-untyped-call]
        )
    return hits / len(labels)


def measure(name: str, model: nn.Module, images: Tensor, chips: int, runs: int) -> list[list[object]]:
    labels = torch.zeros(len(images), dtype=torch.int64)
    population = mho.deploy(model, mho.Memory(device=devices.RRAM1(sigma=0.1)))
    plain = folded(model, images[:1])
    working = copy.deepcopy(model)
    clean = {n: model.get_parameter(n).detach().clone() for n in population.placements}
    plan = mho.evaluate(population, (images, labels), n_chips=1, show_progress=False).provenance
    laid_out = images.to(memory_format=torch.channels_last)

    def evaluate(n: int) -> None:
        mho.evaluate(population, (images, labels), n_chips=n, show_progress=False)

    def best_plain() -> None:
        for part in laid_out.split(plan["images_per_batch"]):  # type: ignore[no-untyped-call]
            plain(part)

    with torch.inference_mode():
        seconds: dict[str, list[float]] = {
            k: [] for k in ("plain, one batch", "plain, mho's batches", "papers' loop", "mho")
        }
        for run in range(runs + 1):
            row = [
                timed(lambda: plain(images)),
                timed(best_plain),
                timed(lambda: papers_loop(working, clean, images, labels, 0.1)),
                (timed(lambda: evaluate(chips + 1)) - timed(lambda: evaluate(1))) / chips,
            ]
            if run:  # the first is the warm-up
                for values, value in zip(seconds.values(), row, strict=True):
                    values.append(value)
    first = seconds["plain, one batch"]
    rows: list[list[object]] = []
    for case, values in seconds.items():
        ordered, ratios = sorted(values), sorted(a / b for a, b in zip(values, first, strict=True))
        ms = [f"{1e3 * ordered[i]:.4g}" for i in (len(ordered) // 2, 0, -1)]
        rows.append([f"{name}, N={len(images)}", case, *ms, runs, f"{ratios[len(ratios) // 2]:.2f}"])
    return rows


def timed(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = measure("LeNet", zoo.build("lenet").eval(), torch.rand(1000, 1, 28, 28, generator=generator), 20, RUNS)
    resnet = zoo.build("resnet18").eval()
    rows += measure("ResNet-18", resnet, torch.rand(100, 3, 32, 32, generator=generator), 16, RUNS)
    rows += measure("ResNet-18", resnet, torch.rand(1000, 3, 32, 32, generator=generator), 2, 3)
    print(table(["network", "one chip", "median ms", "min", "max", "n", "x plain"], rows, left=2))
    print(machine())


if __name__ == "__main__":
    main()
