"""Oriented variational forward: outputs under larger errors are fed back, negatively, into the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.errors import SpecError
from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from torch import Tensor

    from mho.training.run import Batch, Run
    from mho.training.sources import Source


@dataclass(frozen=True, kw_only=True)
class OrientedVariationalForward(NoisyMethod):
    """The loss is that of ``(O_b - beta * sum_n gamma_n * Out_n) / (N + 1)``; the gradient of all passes goes to W.

    ``O_b`` are the outputs under errors of strength sigma, ``Out_n``, n = 1...N, those under errors of strength
    ``sigma + n * step``, each drawn for itself. Classes only: for values the sum is divided by the sum of its factors
    instead of N + 1, so that the deployed network, which gives ``O_b``, still meets its targets.

    Of the passes of a mini-batch each has dropout of its own and, in the order sigma, ``sigma + step``, ..., moves the
    running statistics once. Source: [qin2025neft] (eq. 1-3, algorithm 1); its published code for ResNet-18 has
    ``scope="top"``, its ablations ``strongest="first"`` and a negative ``step``.

    Attributes:
        sigma: as in :class:`mho.training.NoiseInjection`; what is below zero after adding ``n * step`` is zero.
        noise: as there.
        beta: strength of the feedback.
        copies: N, forward passes besides the one at sigma.
        step: added to sigma (with a memory, to the severity of every device) from one copy to the next.
        decay: ratio of the factors of neighbouring copies.
        strongest: copy of factor 1: ``"last"``, the noisiest, ``gamma_n = decay^(n - N)``; or ``"first"``,
            ``gamma_n = decay^(1 - n)``.
        scope: weights that see more than sigma: ``"all"``, or ``"top"``, those of the model's direct children only.
        sign: of the feedback; ``"positive"`` is a control, which adds the noisier outputs.
        graphs: kept at a time: ``"one"``, which takes the memory of noise injection and of one more copy of the
            weights, and N more forward passes; or ``"all"``. The gradient is the same but for rounding.
    """

    references: ClassVar[tuple[str, ...]] = ("qin2025neft",)

    beta: float = 1e-3
    copies: int = 3
    step: float = 0.05
    decay: float = 10.0
    strongest: Literal["last", "first"] = "last"
    scope: Literal["all", "top"] = "all"
    sign: Literal["negative", "positive"] = "negative"
    graphs: Literal["one", "all"] = "one"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.copies >= 1, "copies", "must be at least 1")
        self.check(self.decay >= 1, "decay", "must be at least 1; strongest= says which copy has the largest factor")
        self.check(self.beta >= 0, "beta", "must not be negative; sign='positive' adds the outputs instead")
        most = 1 / sum(self.gammas)
        if self.sign == "negative" and self.beta >= most:
            raise SpecError(
                f"OrientedVariationalForward: beta={self.beta:g} must be less than {most:.4g} with "
                f"copies={self.copies} and decay={self.decay:g}: what is fed back would outweigh the network's own "
                "outputs"
            ).at("beta")

    @property
    def gammas(self) -> tuple[float, ...]:
        """``gamma_1 ... gamma_N``."""
        falling = tuple(self.decay**-n for n in range(self.copies))
        return falling if self.strongest == "first" else falling[::-1]

    def shares(self, *, classifies: bool) -> tuple[float, ...]:
        """Factors of ``O_b, Out_1 ... Out_N`` in the outputs whose loss is taken."""
        beta = -self.beta if self.sign == "negative" else self.beta
        factors = (1.0, *(beta * gamma for gamma in self.gammas))
        whole = len(factors) if classifies else sum(factors)
        return tuple(factor / whole for factor in factors)

    def begin(self, run: Run) -> Step:
        from mho.training.methods.passes import in_turn, ladder, together

        sources: list[Source] = [*ladder(self, run, self.copies, self.step)]
        if self.scope == "top":
            _check_top(run)
            sources = [sources[0], *(_only_top(sources[0], more) for more in sources[1:])]
        shares, teach = self.shares(classifies=run.classifies), in_turn if self.graphs == "one" else together

        def step(batch: Batch) -> Taught:
            return teach(batch, sources, shares)

        return step


def _only_top(own: Source, more: Source) -> Source:
    """The errors of ``more`` on the weights of direct children, those of ``own`` elsewhere; one draw makes both."""

    def errors(batch: Batch, draw: int = 0) -> dict[str, Tensor]:
        return own(batch, draw) | {name: weight for name, weight in more(batch, draw).items() if _is_top(name)}

    return errors


def _check_top(run: Run) -> None:
    if not any(map(_is_top, run.stored)):
        first = next(iter(run.stored))
        raise SpecError(
            f"OrientedVariationalForward: scope='top' means weights of direct children of {type(run.model).__name__}, "
            f"which has none (its first weight is '{first}'); use scope='all'"
        ).at("scope")


def _is_top(name: str) -> bool:
    return name.count(".") <= 1
