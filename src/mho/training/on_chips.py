"""Training of what is added to a trained network, which itself runs as on a chip and stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from mho.data.dataset import Dataset
from mho.memory.rules import Rules
from mho.training.loop import train
from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod
from mho.training.recipe import Recipe
from mho.training.record import origin, remember
from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class _OnChips(NoisyMethod):
    """Noise injection into a network that runs as it would on a chip: what is trained sees what it will see there."""

    def begin(self, run: Run) -> Step:
        errors = self.errors(run)

        def step(batch: Batch) -> Taught:
            with run.as_on_chip():
                outputs = batch.forward(errors(batch))
            loss = batch.loss(outputs)
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step


def train_added(
    made: nn.Module, added: Iterable[nn.Parameter], data: Dataset, memory: Rules, recipe: Recipe, *, progress: bool
) -> nn.Module:
    """``made`` with its parameters ``added`` trained on fresh chips; all else is as it was, its origin too."""
    learns = {name: parameter.requires_grad for name, parameter in made.named_parameters()}
    made.requires_grad_(False)
    for parameter in added:
        parameter.requires_grad_(True)
    recipe = recipe.replace(norms="running")  # measuring norms anew would change the network
    out = train(made, data, method=_OnChips(), memory=memory, recipe=recipe, progress=progress)
    for name, parameter in out.named_parameters():
        parameter.requires_grad_(learns[name])
    remember(out, origin(made))
    return out
