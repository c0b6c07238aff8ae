"""What in-situ training makes of chips that nobody verifies, for as many writes as verifying them all would take.

python studies/write-verify/in_situ.py NETWORK.safetensors [mnist|fashion_mnist]
"""

from __future__ import annotations

import sys

import mho
from mho import data, devices, mapping, programming, training, zoo
from mho.evaluation import mean_interval
from mho.text import table

CHIPS, TEST, TRAIN = 20, 1000, 5000
LR = (1e-4, 1e-3, 1e-2)


def main() -> None:
    model, name = zoo.load(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "mnist"
    train, test = data.load(name, split="train", limit=TRAIN), data.load(name, split="test", limit=TEST)
    rows = []
    for sigma in (0.1, 0.2, 0.3):
        one_cell = mapping.SlicedMagnitude(weight_bits=4, cell_bits=4)
        verified = programming.WriteVerify(tolerance=0.052)
        memory = mho.Memory(device=devices.RRAM1(sigma=sigma), mapping=one_cell, programming=verified)
        chips = mho.deploy(model, memory)
        cells = sum(p.cost.cells for p in chips.programmed().values())
        mean_cycles = sum(p.cost.cycles for p in chips.programmed().values()) / cells
        for lr in LR:
            found = training.in_situ(chips, train, test, iterations=40, every=10, n_chips=CHIPS, lr=lr)
            for k, iteration in enumerate(found.iterations):
                mean = mean_interval(found.values[:, k], 0.95)
                shown = f"{100 * mean.value:.2f} [{100 * mean.low:.2f}, {100 * mean.high:.2f}]"
                rows.append([f"{sigma:g}", f"{lr:g}", iteration, f"{found.nwc(mean_cycles)[k]:.2f}", shown])
    print(table(["sigma", "lr", "iterations", "NWC", f"mean of {CHIPS} chips"], rows, left=0))


if __name__ == "__main__":
    main()
