"""Tiki-Taka v2: gradients are read relative to an array of references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mho.analog.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class TTv2(Transfer):
    """``h_k += rate_H (A - R) v_k`` [gokmen2021ttv2; rasch2024fast, eq. 10].

    Pulses up and down take A to the symmetry point of its cells wherever gradients are noise; what it holds beyond
    that is gradient. So R has to hold those points, cell by cell: what it is off by is taken for a gradient for ever.
    """

    references: ClassVar[tuple[str, ...]] = ("gokmen2021ttv2", "rasch2024fast")
    name: ClassVar[str] = "TTv2"
