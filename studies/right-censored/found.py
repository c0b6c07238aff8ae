"""Prints the strength that the search found, of each method of a study: python found.py STUDY.yaml SEED [METHOD ...]"""

from __future__ import annotations

import sys

import mho
from mho import studies, training, zoo
from mho.text import table


def main() -> None:
    """Train the study's networks of one seed again, and say what came out of their searches."""
    study = studies.read(sys.argv[1])
    rows = []
    for point in study.points:
        name, seed = point.axes["model.method"], point.axes["model.recipe.seed"]
        if seed != sys.argv[2] or (sys.argv[3:] and name not in sys.argv[3:]) or name == "plain":
            continue
        spec = point.study.model
        data = mho.data.load(spec.data.name, split=spec.data.split, limit=spec.data.limit)
        start = zoo.build_for(spec.architecture, data, seed=spec.starting_seed, **spec.options)
        made = training.origin(mho.train(start, data, method=spec.method, memory=spec.rules, recipe=spec.recipe))
        rows.append([name, f"{made.sigma:.4f}", made.kept, *(f"{epoch.sigma:.3f}" for epoch in made.epochs)])
    header = ["trained", "found", "in epoch", *(f"epoch {n + 1}" for n in range(study.model.recipe.epochs))]
    print(table(header, rows, left=1, title=f"{study.name}, seed {sys.argv[2]}"))


if __name__ == "__main__":
    main()
