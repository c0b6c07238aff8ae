"""Your own way to train, in one class: does it protect better than noise injection does?

    python examples/own_method.py

It is held to what mho.train promises, trained five times beside others from the same starts, and compared on chips with
the same luck. Where five trainings show no difference, the interval holds zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import mho
from mho import data, devices, zoo
from mho.evaluation import mean_interval
from mho.testing import check_method
from mho.text import table
from mho.training import NoiseInjection, Plain, Recipe
from mho.training.method import Method, Taught


@dataclass(frozen=True, kw_only=True)
class NarrowRange(Method):
    """A cell's error is a fraction of max|W|, so a weight that sticks out of its matrix has to pay."""

    strength: float
    sigma: float = 0.0

    def begin(self, run):
        errors = run.errors(self.sigma)

        def step(batch):
            outputs = batch.forward(errors(batch))
            loss = batch.loss(outputs)
            for weight in run.stored.values():
                loss = loss + self.strength * weight.abs().max() / weight.std()
            loss.backward()
            return Taught(loss, outputs)

        return step


METHODS = {
    "plain": Plain(),
    "noise injection": NoiseInjection(sigma=0.1),
    "narrow range": NarrowRange(strength=0.02),
    "narrow range, noise": NarrowRange(strength=0.02, sigma=0.1),
}
TRAININGS = 5


def main() -> None:
    check_method(METHODS["narrow range, noise"])

    train, test = data.digits(split="train"), data.digits(split="test")
    memory = mho.Memory(device=devices.RRAM1(sigma=0.2))
    found = np.empty((len(METHODS), 2, TRAININGS))
    for seed in range(TRAININGS):
        start = zoo.build("mlp", hidden=[64], seed=seed)
        for i, method in enumerate(METHODS.values()):
            model = mho.train(start, train, method=method, recipe=Recipe(epochs=10, lr=3e-3, seed=seed))
            # Chip i of a seed has the same luck whatever network it holds: differences are paired.
            chip = mho.evaluate(mho.deploy(model, memory, seed=seed), test, n_chips=100).at()
            found[i, :, seed] = 100 * chip.mean.value, 100 * chip.percentile(5).value

    rows = []
    for name, mine in zip(METHODS, found, strict=True):
        rows.append([name])
        for values, noise in zip(mine, found[1], strict=True):
            gain = mean_interval(values - noise)
            rows[-1] += [f"{values.mean():.1f}", f"{gain.value:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}]"]
    title = f"accuracy in %, {TRAININGS} trainings x 100 chips of RRAM1 at sigma 0.2; [95 % intervals over trainings]"
    print(table(["method", "mean", "less noise", "5th percentile", "less noise"], rows, title=title))


if __name__ == "__main__":
    main()
