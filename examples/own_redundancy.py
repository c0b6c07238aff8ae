"""Your own measure against stuck cells, in one class: does switching weights off help as much as spare columns do?

    python examples/own_redundancy.py

A weight that its stuck cells move by more than its own size does less harm as a zero. That takes a switch a weight,
copies of columns take cells; both take a map of the faults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import mho
from mho import data, devices, mapping, zoo
from mho.evaluation import mean_interval
from mho.memory.redundancy import BestOf, Redundancy, Resolved
from mho.testing import check_redundancy
from mho.text import table
from mho.training import Recipe


@dataclass(frozen=True, kw_only=True)
class SwitchedOff(Redundancy):
    """Weights that are off by more than their own size are zero."""

    known_map = True

    def resolve(self, faults, code, layout):
        errors, off = faults.errors(code), np.zeros(code.integers.shape, int)
        np.add.at(off, (errors.column, errors.row), errors.steps)
        off = np.where(abs(off) > abs(code.integers), -code.integers, off)
        column, row = off.nonzero()
        return Resolved(column, row, off[column, row])


MEASURES = {"nothing": None, "switched off": SwitchedOff(), "better of 2 columns": BestOf(copies=2, planes=3)}


def main() -> None:
    check_redundancy(SwitchedOff())

    train, test = data.digits(split="train"), data.digits(split="test")
    model = mho.train(zoo.build("mlp", hidden=[64]), train, recipe=Recipe(epochs=10, lr=3e-3))
    rows, nothing = [], {}
    for name, measure in MEASURES.items():
        for rate in (0.003, 0.01, 0.03):
            memory = mho.Memory(
                device=devices.StuckAt.at_rate(rate), mapping=mapping.BitPlanes(flip="none"), redundancy=measure
            )
            chips = mho.deploy(model, memory)
            chip = mho.evaluate(chips, test, n_chips=100).at()
            # Chip i has the same stuck cells whatever is done about them.
            nothing.setdefault(rate, chip.values)
            found = [chip.mean, chip.percentile(5)]
            if measure is not None:
                found.append(mean_interval(chip.values - nothing[rate]))
            spelt = [f"{100 * x.value:.1f} [{100 * x.low:.1f}, {100 * x.high:.1f}]" for x in found]
            rows.append([name, f"{100 * rate:g}", f"{mho.describe(chips).cells:,}", *spelt, "–"][:6])
    title = "accuracy in %, 100 chips [95 % intervals over chips]; gain over nothing, in points, chip by chip"
    print(table(["measure", "stuck %", "cells", "mean", "5th percentile", "gain"], rows, title=title))


if __name__ == "__main__":
    main()
