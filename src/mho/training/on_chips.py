"""Training of what is added to a network, which itself runs as on a chip."""

from __future__ import annotations

from dataclasses import dataclass

from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod
from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class OnChips(NoisyMethod):
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
