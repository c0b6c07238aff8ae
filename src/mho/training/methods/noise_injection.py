"""Noise injection: train on a fresh chip in every mini-batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class NoiseInjection(NoisyMethod):
    """The loss is that of ``W + dW``, the gradient goes to ``W``; ``dW`` is drawn once a mini-batch and tensor.

    ``dW`` and the full scale ``S = max|W|`` count as constants (straight through), and so does quantisation. Batch
    norm is in training mode and gathers its running statistics under the errors. Biases and norms have no errors.

    Without a memory, ``dW = sigma * S * z`` on every weight matrix, z of ``noise`` (the ``"direct"`` convention of
    :func:`mho.devices.kappa`). With ``mho.train(..., memory=memory)``, each mini-batch sees a chip of that memory to
    which the current weights have just been programmed: quantised, and with the errors of its device.

    Source: [joshi2020pcm] (Methods, noise in training); the baseline "W/ noise" of [qin2025neft].

    Attributes:
        sigma: standard deviation as a fraction of ``max|W|``; with a memory, severity of its device (a fraction of the
            cell's full range), the device's own if ``None``; or a :class:`SigmaSearch` that finds it while training.
        noise: distribution of the errors where no memory says it; Gaussian if ``None``.
    """

    references: ClassVar[tuple[str, ...]] = ("joshi2020pcm", "qin2025neft")

    def begin(self, run: Run) -> Step:
        errors = self.errors(run)

        def step(batch: Batch) -> Taught:
            outputs = batch.forward(errors(batch))
            loss = batch.loss(outputs)
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step
