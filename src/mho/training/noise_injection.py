"""Noise injection: train on a fresh chip in every mini-batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.errors import SpecError
from mho.training.method import Method, Step, Taught
from mho.training.noise import Noise

if TYPE_CHECKING:
    from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class NoiseInjection(Method):
    """The loss is that of ``W + dW``, the gradient goes to ``W``; ``dW`` is drawn once a mini-batch and tensor.

    ``dW`` and the full scale ``S = max|W|`` count as constants (straight through), and so does quantisation. Batch
    norm is in training mode and gathers its running statistics under the errors. Biases and norms have no errors.

    Without a memory, ``dW = sigma * S * z`` on every weight matrix, z of ``noise`` (the ``"direct"`` convention of
    :func:`mho.devices.kappa`). With ``mho.train(..., memory=memory)``, each mini-batch sees a chip of that memory to
    which the current weights have just been programmed: quantised, and with the errors of its device.

    Source: [joshi2020pcm] (Methods, noise in training); the baseline "W/ noise" of [qin2025neft].

    Attributes:
        sigma: standard deviation as a fraction of ``max|W|``; with a memory, severity of its device (a fraction of the
            cell's full range), the device's own if ``None``.
        noise: distribution of the errors where no memory says it; Gaussian if ``None``.
    """

    references: ClassVar[tuple[str, ...]] = ("joshi2020pcm", "qin2025neft")
    takes_memory: ClassVar[bool] = True

    sigma: float | None = None
    noise: Noise | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma is None:
            return
        self.check(self.sigma >= 0, "sigma", "must be zero or more")
        if self.sigma > 1:
            raise SpecError(
                f"NoiseInjection: sigma={self.sigma:g} is more than the largest weight; sigma is a fraction, "
                f"so {self.sigma:g} % is written {self.sigma / 100:g}"
            ).at("sigma")

    def begin(self, run: Run) -> Step:
        errors = run.errors(self.sigma, self.noise)

        def step(batch: Batch) -> Taught:
            outputs = batch.forward(errors(batch))
            loss = batch.loss(outputs)
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step
