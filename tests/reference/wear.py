"""A cell that ages by inferences, in one line: the smallest device whose clock is not the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mho.devices.base import Ageing


@dataclass(frozen=True, kw_only=True)
class Wear(Ageing):
    """Every inference takes the share ``rate`` of what a cell still holds."""

    rate: float = 0.01

    @property
    def clock(self) -> Literal["inferences"]:
        return "inferences"

    def read(self, level, held, draws, age):
        return held * (1 - self.rate) ** age
