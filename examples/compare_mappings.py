"""The same network and the same cell under seven mappings: what does the mapping alone cost?

    python examples/compare_mappings.py

kappa is the standard deviation of a weight over (sigma x full scale). It explains most of the differences.
"""

from __future__ import annotations

import mho
from mho import data, devices, mapping, zoo
from mho.text import table

MAPPINGS = {
    "8 x 1 bit": mapping.SlicedMagnitude(weight_bits=8, cell_bits=1),
    "4 x 2 bits": mapping.SlicedMagnitude(weight_bits=8, cell_bits=2),
    "4 x 2 bits, per channel": mapping.SlicedMagnitude(weight_bits=8, cell_bits=2, granularity="channel"),
    "2 x 4 bits": mapping.SlicedMagnitude(weight_bits=8, cell_bits=4),
    "differential 4 x 2 bits": mapping.Differential(weight_bits=8, cell_bits=2),
    "offset 4 x 2 bits": mapping.Offset(weight_bits=8, cell_bits=2),
    "analog": mapping.Analog(),
}


def main() -> None:
    train, test = data.digits(split="train"), data.digits(split="test")
    model = mho.train(zoo.build("mlp", hidden=[64]), train)
    rows = []
    for name, chosen in MAPPINGS.items():
        chips = mho.deploy(model, mho.Memory(device=devices.RRAM1(sigma=0.2), mapping=chosen))
        chip = mho.evaluate(chips, test, n_chips=100).at()
        mean, unlucky = chip.mean, chip.percentile(5)
        rows.append(
            [
                name,
                chosen.cells_per_weight,
                f"{chosen.kappa:.3f}",
                f"{100 * mean.value:.2f} [{100 * mean.low:.2f}, {100 * mean.high:.2f}]",
                f"{100 * unlucky.value:.2f} [{100 * unlucky.low:.2f}, {100 * unlucky.high:.2f}]",
            ]
        )
    title = "accuracy in %, 100 chips of RRAM1 at sigma 0.2"
    print(table(["mapping", "cells a weight", "kappa", "mean", "5th percentile"], rows, title=title))


if __name__ == "__main__":
    main()
