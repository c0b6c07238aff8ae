"""A step of the search against a step of training on the same batches; what each part of the search finds.

    python benchmarks/bench_worst_case.py [CHECKPOINT] [starts]

Rows of the first tables: a pass of Adam over the data in the batches and layout of the search (forward, backward and an
update a batch: what a training step costs); one step of the search (forward, backward, metric, one update). The second
table, with a checkpoint of a LeNet and MNIST at hand: the accuracy found by variants of the search, and their passes.
"""

from __future__ import annotations

import copy
import sys

import torch
from timing import interleaved, machine, show
from torch import nn
from torch.nn.functional import cross_entropy

from mho import data, zoo
from mho.data import Dataset
from mho.evaluation.bench import Bench
from mho.evaluation.worst_case import SignedDescent, worst_case
from mho.evaluation.worst_case import losses as known
from mho.evaluation.worst_case.box import box_of
from mho.evaluation.worst_case.objective import Objective
from mho.text import table

BOUNDS = [0.003, 0.005, 0.0075, 0.01, 0.02, 0.03]
PAPER = {"soften": False, "momentum": 0.0, "step": 0.1}


def step_costs(name: str, model: nn.Module, samples: Dataset, runs: int) -> None:
    """One pass of training and one step of the search."""
    box = box_of(model)
    bench = Bench(box.chips, samples)
    centre, reach = box.on(bench.where, samples.inputs[:1], 0)  # type: ignore[index]
    objective = Objective(Bench(centre, bench.data), reach, higher_is_better=True)
    losses = [known.make(n, objective.outputs(objective.zeros()), bench.data, 1.0) for n in ("hinge", "cross-entropy")]
    trained = copy.deepcopy(model).train()
    adam = torch.optim.Adam(trained.parameters(), lr=1e-5)
    delta, method = objective.zeros(), SignedDescent(steps=2)

    def train() -> None:
        for inputs, targets in bench.data.batches(objective.images):
            adam.zero_grad(set_to_none=True)
            cross_entropy(trained(inputs), targets).backward()
            adam.step()

    def search(loss: known.Loss) -> None:
        method._run(objective, loss, 1e-3, delta, 1.0, lambda _: None)

    cases = {"training": train} | {loss.name: (lambda loss=loss: search(loss)) for loss in losses}
    seconds = interleaved(cases, runs=runs)
    # Two looks a run, and one move between them.
    halved = {k: v if k == "training" else [s / 2 for s in v] for k, v in seconds.items()}
    show(f"{name}, {len(samples)} images", halved, unit=1e-3, unit_name="ms", baseline="training")


def variants(path: str, *, starts: bool) -> None:
    """What each part of the search finds on 2,000 images of MNIST."""
    model, samples = zoo.load(path), data.load("mnist", split="test", limit=2000)
    cases: dict[str, SignedDescent] = {
        "as papers: plain losses, steps of a tenth": SignedDescent(**PAPER),  # type: ignore[arg-type]
        "falling steps": SignedDescent(soften=False, momentum=0.0),
        "falling steps, momentum": SignedDescent(soften=False),
        "softened losses": SignedDescent(momentum=0.0),
        "default": SignedDescent(),
        "10 steps": SignedDescent(steps=10),
        "50 steps": SignedDescent(steps=50),
    }
    if starts:
        cases = {
            "default": SignedDescent(),
            "zero, uniform and Gaussian starts": SignedDescent(starts=("zero", "uniform", "gaussian")),
        }
    rows = []
    for name, method in cases.items():
        found = worst_case(model, samples, bound=BOUNDS, method=method, random=0, show_progress=False)
        rows.append([name, *(f"{100 * value:.2f}" for value in found.searched), found.passes])
        print(name, rows[-1], file=sys.stderr, flush=True)
    print(table(["LeNet, MNIST: worst % found at", *map(str, BOUNDS), "passes"], rows))
    print(machine())


def main() -> None:
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(2000) % 10
    grey = Dataset(inputs=torch.rand(2000, 1, 28, 28, generator=draws), targets=labels, classes=10, name="noise")
    step_costs("LeNet", zoo.build("lenet").eval(), grey, 9)
    colour = Dataset(inputs=torch.rand(96, 3, 32, 32, generator=draws), targets=labels[:96], classes=10, name="noise")
    step_costs("ResNet-18", zoo.build("resnet18").eval(), colour, 5)
    if len(sys.argv) > 1:
        variants(sys.argv[1], starts="starts" in sys.argv[2:])


if __name__ == "__main__":
    main()
