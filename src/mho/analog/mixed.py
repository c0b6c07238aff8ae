"""Mixed precision: gradients are summed digitally, and whole pulses are written to the array of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.analog.algorithm import PulsedAlgorithm

if TYPE_CHECKING:
    from mho.analog.tile import Batch, Tile


@dataclass(frozen=True, kw_only=True)
class MixedPrecision(PulsedAlgorithm):
    """``X -= rate d x^T`` in digital memory; every so often ``trunc(X / delta)`` pulses to W [nandakumar2020mixed].

    What was sent is subtracted from X. The sum is exact, so a device need be neither symmetric nor fine, but every
    sample takes ``2 N^2`` digital operations and X as much memory as the array has cells.

    Attributes:
        write_every: samples from one write to the next (B).
    """

    references: ClassVar[tuple[str, ...]] = ("nandakumar2020mixed",)
    name: ClassVar[str] = "mixed precision"

    write_every: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.write_every >= 1, "write_every", "must be 1 or more samples")

    def build(self, tile: Tile) -> None:
        import torch

        super().build(tile)
        tile.register_buffer("hidden", torch.zeros_like(tile.weight))

    def update(self, tile: Tile, batch: Batch) -> None:
        from mho.kernels import pulses as kernel

        hidden, sample, many, first = tile.get_buffer("hidden"), int(tile.samples), batch.d.shape[1], 0
        while first < many:
            last = min(many, first + self.write_every - (sample + first) % self.write_every)
            kernel.add_up(hidden, batch.x[:, first:last], batch.d[:, first:last], batch.rate)
            if (sample + last) % self.write_every == 0:
                self._write(tile, sample + last - 1)
            first = last

    def _write(self, tile: Tile, sample: int) -> None:
        import torch

        from mho.kernels import pulses as kernel

        hidden = tile.get_buffer("hidden")
        wanted = (hidden / self.cell.step).trunc().clamp_(-kernel.MOST, kernel.MOST)
        hidden.sub_(wanted * self.cell.step)  # not fused: other machines would round otherwise
        kernel.press(tile.held, tile.cells("weight"), wanted.to(torch.int32), tile.chip_numbers, sample)
