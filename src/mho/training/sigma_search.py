"""Finding the strength of the injected errors while training: three copies, the best of which goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class SigmaSearch(Spec):
    """A ternary search for ``sigma`` inside one training run.

    Three copies of the network train with the strengths at one, two and three quarters of the interval. After every
    epoch each is judged by its k-th percentile accuracy over ``chips`` chips on held-out samples; all three go on from
    the best, and the interval narrows around its strength. The returned network is the best of all epochs.

    The chips that judge are those of the memory given to ``mho.train``. Where the method says the distribution of its
    errors itself (``noise``), that memory only judges; else it is also what the errors are taken from.

    Source: the automated choice of the noise in [yan2023trice]. The published code judges on the test set and keeps
    three optimisers; here samples are held out and the optimiser's state goes with the weights. Weak errors learn
    faster and so win early epochs: in short trainings a fast narrowing (``"half"``) can shut out strengths that would
    have been better in the end (studies/right-censored); ``warmup`` helps.

    The chips that judge are those of the memory given to ``mho.train``. Where the method says the distribution of its
    errors itself (``noise``), that memory only judges; else it is also what the errors are taken from.

    Source: the automated choice of the noise in [yan2023trice]. The published code judges on the test set and keeps
    three optimisers; here samples are held out and the optimiser's state goes with the weights. It also narrows less
    where the best strength is not the middle one (``narrowing="outer"``), for its hundreds of epochs.

    Attributes:
        low: smallest strength.
        high: largest; twice the severity of the memory that judges if ``None``.
        percentile: k; small ones need many chips.
        chips: judged after every epoch and copy; the same ones for all three.
        held_out: fraction of the training samples that nothing is trained on, where ``mho.train`` has no
            ``validation`` samples.
        warmup: epochs of plain training, without the method, before the search.
        narrowing: what is left of the interval: without the quarter beyond the strength that is farthest from the best,
            or both outer quarters if the middle is best (``"outer"``, as published); or always half of it, around the
            best (``"half"``).
        narrowest: width of the interval from which only the middle copy goes on.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2023trice",)

    low: float = 0.0
    high: float | None = None
    percentile: float = 1.0
    chips: int = 30
    held_out: float = 0.1
    warmup: int = 0
    narrowing: Literal["outer", "half"] = "outer"
    narrowest: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.low >= 0, "low", "must be zero or more")
        self.check(
            self.high is None or self.high > self.low,
            "high",
            f"must be more than low={self.low:g}: no strength lies between",
        )
        self.check(0 < self.percentile < 100, "percentile", "must be between 0 and 100")
        self.check(self.chips >= 1, "chips", "must be at least 1")
        self.check(0 < self.held_out < 1, "held_out", "is a fraction between 0 and 1")
        self.check(self.warmup >= 0, "warmup", "must be zero or more")
        self.check(self.narrowest > 0, "narrowest", "must be more than zero")
