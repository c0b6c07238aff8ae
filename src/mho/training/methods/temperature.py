"""Temperature: noise injection on divided logits, the control for methods that shrink theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.errors import SpecError
from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class Temperature(NoisyMethod):
    """Noise injection whose loss is that of ``outputs / temperature``.

    The trained network has logits about ``temperature`` times as large, and so is more confident, at much the same
    decisions. Negative feedback from N outputs divides the logits by N + 1 too: what it gains in confidence counts only
    beyond this control at ``temperature=N + 1``, with which it agrees exactly at ``beta=0`` where no batch norm sees
    its other passes.

    Attributes:
        sigma: as in :class:`mho.training.NoiseInjection`.
        noise: as there.
        temperature: the divisor; 4 is that of the default N = 3.
    """

    references: ClassVar[tuple[str, ...]] = ("qin2025neft",)

    temperature: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.temperature > 0, "temperature", "must be more than zero")

    def begin(self, run: Run) -> Step:
        if not run.classifies:
            raise SpecError("Temperature divides the logits of classes; values have none: use NoiseInjection")
        errors = self.errors(run)

        def step(batch: Batch) -> Taught:
            outputs = batch.forward(errors(batch))
            loss = batch.loss(outputs / self.temperature)
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step
