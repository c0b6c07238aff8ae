"""What the methods have in common that train on weights with errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.errors import SpecError
from mho.training.method import Method
from mho.training.noises.base import Noise
from mho.training.sigma_search import SigmaSearch

if TYPE_CHECKING:
    from mho.training.run import Run
    from mho.training.sources import Errors


@dataclass(frozen=True, kw_only=True)
class NoisyMethod(Method):
    """Abstract method whose forward passes run with errors ``dW`` on the stored weights.

    ``dW`` and the full scale ``S = max|W|`` count as constants (straight through), and so does quantisation. Batch
    norm is in training mode and gathers its running statistics under the errors. Biases and norms have no errors.

    Without a memory, ``dW = sigma * S * z`` on every weight matrix, z of ``noise`` (the ``"direct"`` convention of
    :func:`mho.devices.kappa`). With ``mho.train(..., memory=memory)``, each mini-batch sees a chip of that memory to
    which the current weights have just been programmed: quantised, and with the errors of its device.

    Attributes:
        sigma: standard deviation as a fraction of ``max|W|``; with a memory, severity of its device (a fraction of the
            cell's full range), the device's own if ``None``; or a :class:`SigmaSearch` that finds it while training.
        noise: distribution of the errors where no memory says it; Gaussian if ``None``.
    """

    takes_memory: ClassVar[bool] = True

    sigma: float | SigmaSearch | None = None
    noise: Noise | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sigma(self, self.sigma)

    def errors(self, run: Run, more: float = 0.0) -> Errors:
        """The source of weights with this method's errors; see :meth:`mho.training.run.Run.errors`."""
        return run.errors(self.sigma, self.noise, more=more)


def check_sigma(method: Method, sigma: float | SigmaSearch | None) -> None:
    """Raise unless ``sigma`` of ``method`` is a fraction."""
    if sigma is None or isinstance(sigma, SigmaSearch):
        return
    method.check(sigma >= 0, "sigma", "must be zero or more")
    if sigma > 1:
        raise SpecError(
            f"{type(method).__name__}: sigma={sigma:g} is more than the largest weight; sigma is a fraction, "
            f"so {sigma:g} % is written {sigma / 100:g}"
        ).at("sigma")
