"""The pulse trains of an outer product: how long they are, and how inputs and errors become chances of a pulse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mho.spec import Spec

LONGEST = 1024


@dataclass(frozen=True, kw_only=True)
class PulseTrain(Spec):
    """Stochastic coincidences: every line of an array fires at random in ``length`` slots, once per sample.

    A column fires in a slot with the chance ``|x_j| sqrt(rate / (delta BL)) / k``, a row with
    ``|d_i| sqrt(rate / (delta BL)) k``, and where both fire a crosspoint gets one pulse: ``rate d x / delta`` of them
    on average, all crosspoints of an array at once [gokmen2016rpu]. delta is the cells' step, ``BL`` the number of
    slots. A line's bits are shared by all its crosspoints.

    Attributes:
        length: slots at most (l_max), 1 to 1024.
        length_management: take only as many slots as the largest product needs, ``BL = ceil(rate max|x| max|d| /
            delta)``, and never more than ``length``.
        update_management: ``k = sqrt(max|x| / max|d|)``, so that the largest input and error have the same chance;
            otherwise k is 1.
        saturation: where the largest product needs more than ``length`` slots, chances beyond 1 are cut of "both"
            inputs and errors, or of "errors" alone, inputs being scaled to fit.
        exact: several pulses of one sample are taken one by one. Otherwise they are one Gaussian step of the same
            mean and variance wherever no bound is within five standard deviations, which is faster; the two have the
            same distribution up to what happens once in a million.
    """

    references: ClassVar[tuple[str, ...]] = ("gokmen2016rpu",)

    length: int = 5
    length_management: bool = True
    update_management: bool = True
    saturation: Literal["both", "errors"] = "both"
    exact: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(1 <= self.length <= LONGEST, "length", f"must be 1 to {LONGEST} slots")

    @property
    def options(self) -> dict[str, Any]:
        """As :func:`mho.kernels.pulses.plan` takes them."""
        return {
            "longest": self.length,
            "managed": self.length_management,
            "balanced": self.update_management,
            "saturates": self.saturation == "errors",
        }
