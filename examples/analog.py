"""Train a network on the array that holds it: which algorithm stands a bad reference, and what wears out?

    python examples/analog.py

Cells have 20 states, and bounds, steps and symmetry that differ from cell to cell: ReRAM. TTv2 reads gradients relative
to an array of references, which must hold the symmetry point of every cell; AGAD needs none.
"""

from __future__ import annotations

import torch
from torch import nn

import mho
from mho import analog, data, devices
from mho.text import table
from mho.training import Recipe

CELL = devices.SoftBounds(n_states=20)
ALGORITHMS = {
    "floating point": None,
    "in-memory SGD": analog.InMemorySGD(cell=CELL),
    "TTv2, exact reference": analog.TTv2(cell=CELL, granularity=200),
    "TTv2, reference off by 0.5": analog.TTv2(cell=CELL, granularity=200, reference_std=0.5),
    "AGAD, no reference": analog.AGAD(cell=CELL, granularity=200),
}
RECIPE = Recipe(optimizer="sgd", lr=0.1, batch_size=16, epochs=8, schedule="constant")


def main() -> None:
    torch.manual_seed(0)
    train, test = data.digits(split="train"), data.digits(split="test")
    start = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(49, 32), nn.Tanh(), nn.Linear(32, 10))
    rows, trained = [], {}
    for name, algorithm in ALGORITHMS.items():
        network = start if algorithm is None else analog.convert(start, algorithm)
        trained[name] = mho.train(network, train, recipe=RECIPE)
        right = trained[name](test.inputs).argmax(1) == test.targets
        row = [name, f"{100 * right.float().mean():.1f}"]
        if algorithm is not None:
            worn = analog.wear(trained[name])
            row += [f"{max(one.maximum_per_vector for one in worn.of('weight')):.1e}"]
        rows.append([*row, "–"][:3])
    title = "accuracy in %, and pulses a sample of the device of the weights that got most"
    print(table(["algorithm", "accuracy", "pulses"], rows, title=title))

    # What the arrays hold is an ordinary network again. Written once more, to cells that drift:
    chip = analog.extract(trained["AGAD, no reference"])
    print()
    print(mho.evaluate(mho.deploy(chip, mho.Memory(device=devices.PCM())), test, n_chips=20, age=[1, 86400]))

    # One crosspoint alone: A is pushed, H adds up what is read of it, W gets a pulse where H reaches 1.
    print()
    print(analog.toy(analog.SETTINGS["toy"].algorithm("agad"), samples=2000))


if __name__ == "__main__":
    main()
