"""A trained encoder with outliers as BERT's have: a few weights of each matrix far beyond the others.

python studies/faults/outliers.py NETWORK.safetensors OUT.safetensors --data sst2 [--number 3] [--sigmas 25] [--lr 2e-4]

Networks of this size, trained from nothing, have no weight beyond some five standard deviations; the matrices of BERT
have (the paper's table 2: 1.68 to 6.82, of a standard deviation near 0.04). What a stuck cell does goes with the
largest weight. So ``number`` weights a matrix, in columns and rows that are not pruned, are set to ±``sigmas``
standard deviations and stay there, pruned columns stay pruned, and all other weights learn on for an epoch.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import torch

import mho
from mho import data, training, zoo
from mho.memory.layers import matrices
from mho.training.method import Step, Taught
from mho.training.run import Batch, Run

LARGE = 8.0
"""Standard deviations beyond which no weight of these networks is by itself."""


@dataclass(frozen=True, kw_only=True)
class Kept(training.Method):
    """Plain training in which outliers, and weights and biases that are zero at the start, stay as they are.

    Adam moves no weight that never had a gradient.
    """

    def begin(self, run: Run) -> Step:
        free = {}
        for name, weight in run.model.named_parameters():
            if weight.dim() > 0 and ("blocks." in name or ".h." in name):
                spread = weight.detach()[weight != 0].std() if bool((weight != 0).any()) else weight.new_ones(())
                large = (
                    weight.abs() > LARGE * spread if weight.dim() > 1 else torch.zeros_like(weight, dtype=torch.bool)
                )
                free[name] = (weight != 0) & ~large

        def step(batch: Batch) -> Taught:
            outputs = batch.forward()
            loss = batch.loss(outputs)
            loss.backward()
            for name, mask in free.items():
                gradient = run.model.get_parameter(name).grad
                if gradient is not None:
                    gradient.mul_(mask)
            return Taught(loss, outputs)

        return step


def main() -> None:
    """Set outliers, learn on, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("out")
    parser.add_argument("--data", required=True)
    parser.add_argument("--number", type=int, default=3)
    parser.add_argument("--sigmas", type=float, default=25.0)
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    asked = parser.parse_args()
    model, g = zoo.load(asked.network), torch.Generator().manual_seed(0)
    changed = 0
    for prefix, module in model.named_modules():
        for leaf, _ in matrices(module):
            name = f"{prefix}.{leaf}"
            if "blocks." not in name and ".h." not in name:
                continue
            weight = model.get_parameter(name)
            with torch.no_grad():
                kept = (weight != 0).flatten().nonzero()[:, 0]
                chosen = kept[torch.randperm(len(kept), generator=g)[: asked.number]]
                sigma = weight.flatten()[kept].std()
                signs = torch.randint(0, 2, (asked.number,), generator=g) * 2.0 - 1
                weight.view(-1)[chosen] = asked.sigmas * sigma * signs
            changed += 1
    print(f"{changed} matrices with {asked.number} weights of {asked.sigmas:g} standard deviations")
    train, test = (data.load(asked.data, split=split) for split in ("train", "test"))
    begun = time.time()
    recipe = training.Recipe(epochs=asked.epochs, batch_size=asked.batch_size, optimizer="adam", lr=asked.lr)
    model = mho.train(model, train, recipe=recipe, method=Kept()).eval()
    memory = mho.memory.redundancy.scheme("none", 0.0)
    chips = mho.deploy(model, {"*classifier*": None, "*": memory} if hasattr(model, "classifier") else memory)
    assert all(bool((weight == 0).any(-1).any()) for n, weight in model.named_parameters() if n.endswith("fc1.weight"))
    value = mho.evaluate(chips, test, n_chips=1, metric="accuracy" if test.targets.dim() == 1 else "cross-entropy")
    zoo.save(model, asked.out, data=asked.data, digital=value.digital, outliers=asked.number, sigmas=asked.sigmas)
    print(f"{asked.out}: {value.digital:.4f} digital, {value.ideal:.4f} in 8 planes, {time.time() - begun:.0f} s")


if __name__ == "__main__":
    main()
