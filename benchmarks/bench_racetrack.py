"""Position errors of VGG7 (202,784 nanowires of 64 bits) and ResNet-18: sparse faults against a loop over shifts.

*shift by shift* asks, as published simulators do, one random number for every shift of every nanowire, in a Python
loop; on every 64th nanowire, times 64. *one pass* lets all nanowires of a chip live one read of the weights and reads
again those that moved (20 in a row, by 20); *inference 1000* goes there at once. Last, what a chip of a VGG3 costs in
``mho.evaluate`` over one on which nothing has moved.

OMP_NUM_THREADS=1 python benchmarks/bench_racetrack.py
"""

from __future__ import annotations

import random
import statistics
import time

import numpy as np
import torch
from timing import interleaved, machine

import mho
from mho import devices, mapping, zoo
from mho.devices.nanowires import Nanowires
from mho.racetrack import Walk
from mho.text import table

RUNS = 7
RATE = 1e-4


def _shift_by_shift(wires: list[Nanowires], every: int = 64) -> int:
    """Offsets after one pass over every so many nanowires, one random number a shift."""
    faults = 0
    for layer in wires:
        offsets = np.zeros(len(layer.shifts[::every]), int)
        for unit, shifts in enumerate(layer.shifts[::every].tolist()):
            for _ in range(shifts):
                if random.uniform(0, 1) < RATE:
                    offsets[unit] += random.choice((-1, 1))
                    faults += 1
    return faults


def _chips(name: str) -> mho.memory.Chips:
    memory = mho.Memory(device=devices.Racetrack(fault_rate=RATE), mapping=mapping.Tracks(bits=64))
    return mho.deploy(zoo.build(name).eval(), memory)


def _wires(chips: mho.memory.Chips) -> list[Nanowires]:
    tracks = mapping.Tracks(bits=64)
    return [tracks.nanowires(chips.model.get_parameter(name)) for name in chips.placements]


def main() -> None:
    print(machine())
    rows = []
    for name in ("bnn-vgg7", "bnn-resnet18"):
        chips = _chips(name)
        wires = _wires(chips)
        one, many = Walk(chips, range(1)), Walk(chips, range(100))
        for bits in list(many.bits):  # a hundred chips as offsets alone
            many.bits[bits] = many.bits[bits][:, :0]
        cases = {
            "shift by shift (1/64)": lambda w=wires: _shift_by_shift(w),
            "one pass, 1 chip, bits read": lambda w=one: [w.advance() for _ in range(20)],
            "one pass, 100 chips, offsets": lambda w=many: _offsets(w),
            "inference 1000, 1 chip, weights": lambda c=chips: c.weights(0, age=1000),
        }
        for case, seconds in interleaved(cases, runs=RUNS).items():
            share = (
                64 if "1/64" in case else 1 / 100 if "100 chips" in case else 1 / 20 if "1 chip, bits" in case else 1
            )
            each = sorted(1e3 * share * s for s in seconds)
            shown = [f"{x:.3g}" for x in (statistics.median(each), each[0], each[-1])]
            rows.append([name, case.replace(" (1/64)", ""), sum(w.units for w in wires), *shown])
        rows.append([name, "state of 100 chips, MB", "", f"{many.bytes / 1e6:.3g}", "", ""])
    print(table(["network", "per chip and pass", "nanowires", "median ms", "min", "max"], rows, left=2))
    _evaluation()


def _offsets(walk: Walk) -> None:
    walk.passes += 1
    for states in walk._states.values():
        for state in states:
            state.advance(walk.passes)


def _evaluation(images: int = 1000, n: int = 5) -> None:
    """What chips of a VGG3 cost in :func:`mho.evaluate` over plain forward passes of the same images."""
    memory = mho.Memory(device=devices.Racetrack(fault_rate=RATE), mapping=mapping.Tracks(bits=64))
    model = zoo.build("bnn-vgg3").eval()
    generator = torch.Generator().manual_seed(0)
    data = (torch.rand(images, 1, 28, 28, generator=generator), torch.randint(0, 10, (images,), generator=generator))
    chips = mho.deploy(model, memory)

    def seconds(ages: list[int], chips_each: int) -> float:
        start = time.perf_counter()
        mho.evaluate(chips, data, age=ages, n_chips=chips_each, show_progress=False)
        return time.perf_counter() - start

    seconds([1], 1)
    ratios = []
    for _ in range(n):
        # Four more chips, which start-up (the model on noiseless cells, as passed in) does not count towards.
        aged, still = seconds([100], 5) - seconds([100], 1), seconds([0], 5) - seconds([0], 1)
        ratios.append((aged / 4, still / 4))
    print(table(
        ["bnn-vgg3, 1000 images", "median s", "min", "max"],
        [
            [what, *(f"{x:.3g}" for x in (statistics.median(values), min(values), max(values)))]
            for what, values in (
                ("a chip after 100 inferences", [a for a, _ in ratios]),
                ("a chip at age 0", [s for _, s in ratios]),
                ("ratio", [a / s for a, s in ratios]),
            )
        ],
    ))  # fmt: skip


if __name__ == "__main__":
    main()
