"""AGAD: gradients are read relative to what the array held when the chopper last turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from mho.analog.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class AGAD(Transfer):
    """Analog Gradient Accumulation with Dynamic reference: ``h_k += rate_H c_k (A v_k - pref_k)``.

    ``p_k <- (1 - beta) p_k + beta A v_k`` after every read, and ``pref_k <- p_k`` when the chopper of the slice turns
    [rasch2024fast, eqs 12-13]. No array R is needed, no symmetry point, and so no asymmetry. Both p and pref start
    from a read of A before the first sample; from 0, the symmetry points of A would pass for gradients until choppers
    turn.

    Attributes:
        flip_rate: turns of a chopper a read (rho), more than 0, at most 1.
        chopper: "regular" turns after every 1 / flip_rate reads, rounded up, or "random" ones with that chance.
        multiple_read_correction: the k-th read since a turn counts 1/k; see :class:`ChoppedTTv2`.
        beta: share of a new read in the average P, more than 0, at most 1. With 1 the baseline is the last read, and
            P takes no memory.
        warm_up: send no pulse in the first 1 / flip_rate sweeps over all slices, in which regular choppers all turn;
            what would have been sent is lost.
        differential: read A relative to an array R as the others do, for a comparison; ``reference_mean`` and
            ``reference_std`` then say how far that is off.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)
    name: ClassVar[str] = "AGAD"

    flip_rate: float = 0.1
    chopper: Literal["random", "regular"] = "regular"
    multiple_read_correction: bool = False
    beta: float = 0.5
    warm_up: bool = False
    differential: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(0 < self.flip_rate <= 1, "flip_rate", "must be more than 0 and at most 1 turns a read")
        self.check(0 < self.beta <= 1, "beta", "must be more than 0, at most 1")
        for field in ("reference_mean", "reference_std"):
            must = "is for differential=True; AGAD has no reference"
            self.check(self.differential or getattr(self, field) == 0, field, must)

    @property
    def flips(self) -> tuple[float, bool, bool]:
        return self.flip_rate, self.chopper == "regular", self.multiple_read_correction

    @property
    def baseline(self) -> tuple[bool, float, bool]:
        return True, self.beta, self.warm_up

    def with_reference(self, mean: float, std: float) -> Self:
        return super().with_reference(mean, std) if self.differential else self
