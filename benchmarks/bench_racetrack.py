"""Position errors of VGG7 (202,784 nanowires of 64 bits) and ResNet-18: sparse faults against a loop over shifts.

*shift by shift* asks, as published simulators do, one random number for every shift of every nanowire, in a Python
loop; on every 64th nanowire, times 64. *one pass* lets all nanowires of a chip live one read of the weights and reads
again those that moved (20 in a row, by 20); *inference 1000* goes there at once. Last, what chips of a VGG3 cost to
evaluate, over plain forward passes.

Intel Xeon, one thread of 2 cores shared with other work, torch 2.13.0+cpu, Python 3.11.7, n = 7, ms a chip and pass,
median [least, most]: VGG7 shift by shift 1200 [1160, 1460], one pass with its bits read 1.59 [1.34, 2.43], of 100
chips without 0.249 [0.220, 0.278], inference 1000 at once 250 [205, 286]; ResNet-18 1030 [995, 1070], 1.41 [1.38,
1.76], 0.196 [0.185, 0.268], 150 [144, 178]; state of 100 chips 50.7 and 43.6 MB.

OMP_NUM_THREADS=1 python benchmarks/bench_racetrack.py
"""

from __future__ import annotations

import random
import statistics

import numpy as np
import torch
from timing import interleaved, machine, show

import mho
from mho import devices, mapping, zoo
from mho.devices.nanowires import Nanowires
from mho.evaluation.bench import Bench
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


def _evaluation(images: int = 1000, n: int = 9) -> None:
    """What chips of a VGG3 cost in :func:`mho.evaluate` over plain forward passes of the same images and batches."""
    memory = mho.Memory(device=devices.Racetrack(fault_rate=RATE), mapping=mapping.Tracks(bits=64))
    model = zoo.build("bnn-vgg3").eval()
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(images, 1, 28, 28, generator=generator)
    bench = Bench(mho.deploy(model, memory), (inputs, torch.randint(0, 10, (images,), generator=generator)))
    lot = bench.lot(None, 100.0, 4)

    def forward() -> None:
        with torch.inference_mode():
            for _ in range(4):
                for batch, _ in bench.data.batches(lot.plan.images):
                    model(batch)

    cases = {"forward passes": forward, "chips after 100 inferences": lambda: lot.measure(range(4))}
    show("bnn-vgg3, 4 x 1000 images", interleaved(cases, runs=n), unit=1.0, unit_name="s", baseline="forward passes")


if __name__ == "__main__":
    main()
