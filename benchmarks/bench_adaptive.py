"""Adaptive evaluation against the plain protocol at the same width: wall time and chip-images.

    python benchmarks/bench_adaptive.py

A LeNet trained on scikit-learn's digits for a moment, judged on its test images repeated to 2,000 (MNIST would be a
download). The plain protocol is given as many chips as its
interval needs for the width that the adaptive one reached; its time is that of 10 chips, scaled up.
"""

from __future__ import annotations

import time

import torch
from timing import machine

import mho
from mho import data, devices, zoo
from mho.text import table

IMAGES = 2000
PLAIN = 10
CASES: dict[str, dict[str, float]] = {
    "mean ± 1 point": {"mean": 0.01},
    "p1 ± 10 points": {"p1": 0.1},
}


def main() -> None:
    train, test = data.digits(split="train"), data.digits(split="test")
    model = mho.train(zoo.build("lenet"), train)
    chips = mho.deploy(model, mho.Memory(device=devices.RRAM1(sigma=0.2)))
    repeats = -(-IMAGES // len(test))
    inputs = torch.cat([test.inputs] * repeats)[:IMAGES]  # type: ignore[list-item]
    images = inputs, torch.cat([test.targets] * repeats)[:IMAGES]
    start = time.perf_counter()
    mho.evaluate(chips, images, n_chips=PLAIN, show_progress=False)
    per_chip = (time.perf_counter() - start) / PLAIN
    rows = []
    for name, precision in CASES.items():
        start = time.perf_counter()
        result = mho.evaluate(chips, images, precision=precision, show_progress=False)
        seconds = time.perf_counter() - start
        plain = result.plain / IMAGES * per_chip
        rows.append(
            [
                name,
                result.chips,
                f"{result.spent:,}",
                f"{result.plain:,}",
                f"{result.plain / result.spent:.1f}",
                f"{seconds:.1f}",
                f"{plain:.0f}",
                f"{plain / seconds:.1f}",
            ]
        )
    header = ["interval", "chips", "chip-images", "plain", "saved x", "s", "plain s", "faster x"]
    print(table(header, rows))
    print(machine(), "one run each")


if __name__ == "__main__":
    main()
