"""Stochastic gradient descent straight on the array of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.analog.algorithm import PulsedAlgorithm

if TYPE_CHECKING:
    from mho.analog.tile import Batch, Tile


@dataclass(frozen=True, kw_only=True)
class InMemorySGD(PulsedAlgorithm):
    """Every outer product goes to the weights at once: ``W -= rate d x^T`` by coincidences [gokmen2016rpu].

    The shortest way, and the one that asks most of a device: steps up and down must be equal, or weights drift to the
    symmetry points of their cells, and one step must be small beside what a weight has to resolve.
    """

    references: ClassVar[tuple[str, ...]] = ("gokmen2016rpu",)
    name: ClassVar[str] = "in-memory SGD"

    def update(self, tile: Tile, batch: Batch) -> None:
        import numpy as np

        from mho.kernels import pulses as kernel

        if batch.rate == 0:
            return
        unused = np.zeros((len(tile.chips), 2))
        plan = kernel.plan(*batch.sizes, unused, rate=batch.rate, step=self.cell.step, **self.pulses.options)
        trains = kernel.draw(plan, batch.x, batch.d, tile.chip_numbers, int(tile.samples), tile.lines)
        kernel.descend(tile.held, tile.cells("weight"), trains, tile.chip_numbers, int(tile.samples))
