"""Which weight of CorrectNet's penalty? One training each, 6 epochs, judged by 20 chips on training images of its own.

    python studies/correctnet/betas.py STUDY.yaml OUT.csv

The study trains on the first 10,000 training images; these are the 2,000 after them.
"""

from __future__ import annotations

import csv
import sys

import torch

import mho
from mho import studies, zoo
from mho.evaluation import mean_interval
from mho.studies.points import points
from mho.studies.sources import Trained
from mho.training import CorrectNet

EPOCHS = 6
METHODS = ("plain", "noise", "slice, errors", "layer, no errors", "layer, errors")


def main() -> None:
    torch.set_num_threads(1)
    study = studies.read(sys.argv[1])
    asked = {tuple(point.axes.values()): point.study for point in points(study)}
    first = study.data.replace(split="train", limit=12_000).load()
    learnt, judged = first.take(10_000), first.subset(torch.arange(10_000, 12_000))
    memory, rows = study.memory, []
    assert isinstance(memory, mho.Memory)
    for name in METHODS:
        spec = asked[name, "0"].model
        assert isinstance(spec, Trained)
        tried = (5e-4, 5e-3, 5e-2) if isinstance(spec.method, CorrectNet) else (None,)
        for beta in tried:
            method = spec.method.replace(beta=beta) if isinstance(spec.method, CorrectNet) else spec.method
            recipe = spec.recipe.replace(epochs=EPOCHS)
            start = zoo.build(spec.architecture, seed=spec.starting_seed)
            made = mho.train(start, learnt, method=method, memory=spec.rules, recipe=recipe, progress=False)
            chips = mho.deploy(made, memory.with_sigma(0.5))
            found = mho.evaluate(chips, judged, n_chips=20, show_progress=False)
            mean = mean_interval(found.at().values)
            rows.append([name, beta, found.digital, *mean])
            print(rows[-1], flush=True)
    with open(sys.argv[2], "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "beta", "clean", "mean", "mean_low", "mean_high"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
