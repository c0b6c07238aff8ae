"""Training with right-censored Gaussian noise, for the percentile of unlucky chips instead of their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.training.method import Method, Step
from mho.training.methods.noise_injection import NoiseInjection
from mho.training.noises.base import Noise
from mho.training.noises.censored import RightCensoredNoise
from mho.training.noises.level_dependent import LevelDependentNoise
from mho.training.noisy import check_sigma
from mho.training.sigma_search import SigmaSearch

if TYPE_CHECKING:
    from mho.training.run import Run


@dataclass(frozen=True, kw_only=True)
class RightCensored(Method):
    """Noise injection with ``dW = sigma * S * min(z, C)``, z standard normal, S = max|W| per tensor.

    What is censored is the error: what exceeds C standard deviations upwards is set to C (not drawn again), whatever
    the sign of the weight; downwards nothing is. So the errors have a mean below zero, ``m_C sigma S`` with
    ``m_C = C (1 - Phi(C)) - phi(C)``, -0.083 at C = 1. Everything else is as in
    :class:`~mho.training.NoiseInjection` with ``noise=RightCensoredNoise(censor=C)``.

    The errors are always these, never those of a memory: one that is given to ``mho.train`` only judges the search for
    sigma.

    What is not known: the values of C behind the published figures (the published code names 0.5, 0.7, 1 and 2). The
    default of 1 is a choice of ours. Nor does theory say that this noise beats Gaussian noise at equal best sigma:
    measure it. The noises of :mod:`mho.training.noises` tell the effects of shape, shift and side apart.

    Source: [yan2023trice]. ``sigma`` is a fraction of ``max|W|`` (the ``"direct"`` convention of
    :func:`mho.devices.kappa`), not of a cell's range, so it cannot be compared with the sigma of a device.

    Attributes:
        censor: C, zero or more standard deviations.
        sigma: standard deviation before censoring, a fraction of ``max|W|``; or a :class:`SigmaSearch` that finds it
            while training.
        mid_factor: s, how many times larger errors are on weights with ``0.25 < |W|/S < 0.75``; normalised, see
            :class:`LevelDependentNoise`. 1 makes all alike.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2023trice",)

    censor: float = 1.0
    sigma: float | SigmaSearch = SigmaSearch()  # noqa: RUF009 - frozen, so all may share one
    mid_factor: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sigma(self, self.sigma)
        self.check(self.censor >= 0, "censor", "must be zero or more standard deviations")
        self.check(self.mid_factor > 0, "mid_factor", "must be more than zero")

    @property
    def noise(self) -> Noise:
        """The distribution that is injected."""
        censored = RightCensoredNoise(censor=self.censor)
        return censored if self.mid_factor == 1 else LevelDependentNoise(of=censored, mid_factor=self.mid_factor)

    def begin(self, run: Run) -> Step:
        return NoiseInjection(sigma=self.sigma, noise=self.noise).begin(run)
