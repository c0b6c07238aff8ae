"""Weights as numbers: what training on the array is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.analog.algorithm import Algorithm
from mho.devices.pulsed import PulsedCell

if TYPE_CHECKING:
    from mho.analog.tile import Batch, Tile


@dataclass(frozen=True, kw_only=True)
class FloatingPoint(Algorithm):
    """``W -= rate d x^T`` exactly, no cells and no bounds: the control."""

    name: ClassVar[str] = "floating point"

    @property
    def cells(self) -> Mapping[str, PulsedCell]:
        return {}

    def build(self, tile: Tile) -> None:
        """Nothing is remembered."""

    def update(self, tile: Tile, batch: Batch) -> None:
        from mho.kernels import pulses as kernel

        kernel.add_up(tile.weight, batch.x, batch.d, batch.rate)
