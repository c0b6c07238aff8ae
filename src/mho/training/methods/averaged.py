"""Averaged noise: the mean loss of several noisy passes, the control that costs as much as feeding them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class AveragedNoise(NoisyMethod):
    """The loss is the mean of those under errors of strength ``sigma + n * step``, n = 0...N.

    The passes are those of :class:`mho.training.OrientedVariationalForward`, errors included; one is in memory at a
    time. What that method gains over this one is due to its feedback, and not to more passes or stronger errors.

    Attributes:
        sigma: as in :class:`mho.training.NoiseInjection`; what is below zero after adding ``n * step`` is zero.
        noise: as there.
        copies: N, forward passes besides the one at sigma.
        step: added to sigma (with a memory, to the severity of every device) from one copy to the next.
    """

    references: ClassVar[tuple[str, ...]] = ("qin2025neft",)

    copies: int = 3
    step: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.copies >= 1, "copies", "must be at least 1; NoiseInjection has one pass")

    def begin(self, run: Run) -> Step:
        import torch

        from mho.training.methods.passes import ladder

        sources = ladder(self, run, self.copies, self.step)

        def step(batch: Batch) -> Taught:
            taught = []
            for draw, errors in enumerate(sources):
                outputs = batch.forward(errors(batch, draw))
                loss = batch.loss(outputs) / len(sources)
                loss.backward()  # type: ignore[no-untyped-call]
                taught.append(Taught(loss.detach(), outputs.detach()))
            return Taught(torch.stack([part.loss for part in taught]).sum(), taught[0].outputs)

        return step
