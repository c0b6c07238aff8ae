"""Chopped Tiki-Taka v2: inputs change sign now and then, so that what is off cancels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mho.analog.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class ChoppedTTv2(Transfer):
    """``h_k += rate_H c_k (A - R) v_k`` with A fed by ``c * x`` [rasch2024fast, eq. 11].

    Every slice has a chopper c of +1 or -1 that turns after some of its reads. Gradients are multiplied by it twice,
    what R is off by once, which cancels over the turns.

    Attributes:
        flip_rate: turns a read (rho), 0 to 1; with 0 this is Tiki-Taka v2.
        chopper: "random" turns with that chance, or "regular" ones after every 1 / flip_rate reads,
            rounded up.
        multiple_read_correction: the k-th read since a turn counts 1/k: A keeps what it had, so reads of one cycle
            repeat each other. Without it they are summed as they are, which is the published algorithm.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)
    name: ClassVar[str] = "c-TTv2"

    flip_rate: float = 0.1
    chopper: Literal["random", "regular"] = "random"
    multiple_read_correction: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(0 <= self.flip_rate <= 1, "flip_rate", "must be within 0 and 1 turns a read")

    @property
    def flips(self) -> tuple[float, bool, bool]:
        return self.flip_rate, self.chopper == "regular", self.multiple_read_correction
