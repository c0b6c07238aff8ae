"""What an array and its digital neighbour can do in a second: the assumptions behind every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Hardware(Spec):
    """Times of an array and speed of the digital core beside it; the defaults are the paper's [rasch2024fast].

    The paper takes the core at 0.7 TFLOPS (8-bit floats) for four arrays, so an array gets 175 operations a
    nanosecond. Its text calls that "70 % of one core of 1 GFLOPS", where 1 TFLOPS must be meant.

    Attributes:
        flops: digital operations a second of a core.
        sharing: arrays that share a core.
        pulse: seconds of one slot of a pulse train.
        mvm: seconds of one product of the array with a vector: a read of a row or column, a forward or backward pass.
        two_phase: whether pulses up and pulses down go one after the other, which doubles the time of pulses. The
            method section of the paper counts so, its table does not; the default is the table's.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)

    flops: float = 0.7e12
    sharing: int = 4
    pulse: float = 5e-9
    mvm: float = 40e-9
    two_phase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.flops > 0, "flops", "must be more than zero operations a second")
        self.check(self.sharing >= 1, "sharing", "must be 1 or more arrays a core")
        for field in ("pulse", "mvm"):
            self.check(0 <= getattr(self, field) < 1, field, "must be seconds, such as 5e-9: zero or more, less than 1")

    @property
    def array_flops(self) -> float:
        """Digital operations a second that an array can count on."""
        return self.flops / self.sharing

    @property
    def phases(self) -> int:
        """How often the slots of a pulse train are gone through."""
        return 2 if self.two_phase else 1
