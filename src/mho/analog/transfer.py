"""What Tiki-Taka v2, chopped Tiki-Taka v2 and AGAD share: gradients on an array of their own, carried to the weights.

After every sample the array of gradients A takes the outer product. After every ``transfer_every`` samples one of its
columns (or rows) is read, in turn; a digital accumulator H of the size of the array adds the reads up, and where an
entry of it reaches 1 the weight gets one pulse. What is read relative to what makes the three algorithms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from mho.analog.algorithm import PulsedAlgorithm
from mho.devices.pulsed import PulsedCell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mho.analog.tile import Batch, Tile
    from mho.kernels import pulses as kernel

MEMORY = 0.99
"""Of the running means of the largest input and error, a sample."""


@dataclass(frozen=True, kw_only=True)
class Transfer(PulsedAlgorithm):
    """Abstract algorithm of two arrays [rasch2024fast].

    ``rate_A = fast_rate l_max delta_A / (mean max|x| mean max|d|)`` (eq. 15) makes full use of A whatever the size of
    gradients; ``rate_H = rate n_s n / (gamma_0 delta_W)`` (eq. 14 without its factor 1 / rate_A, as in the paper's
    results) carries them on. n is the number of slices that are read in turn.

    Attributes:
        gradient_cell: of A; as ``cell`` if left out.
        transfer_every: samples between two reads (n_s).
        read: whether "columns" (inputs) or "rows" (outputs) of A are read in turn.
        granularity: gamma_0; more of it carries gradients on more slowly.
        fast_rate: eta_0.
        correct_gradient_magnitudes: keep the factor 1 / rate_A, so that small gradients move weights less (eq. 14).
        forget: an accumulator starts from 0 after its pulse; otherwise from what it had beyond 1.
        read_noise: standard deviation of a read, as conductances are counted.
        read_step: step of the converter that reads; 0 for none.
        reference_mean: by how much R, to which reads of A are relative, is off the symmetry points of A.
        reference_std: how much that differs from cell to cell (sigma_r); 0.1 is 5 % of the range from -1 to 1.
    """

    gradient_cell: PulsedCell | None = None
    transfer_every: int = 2
    read: Literal["columns", "rows"] = "columns"
    granularity: float = 1000.0
    fast_rate: float = 0.5
    correct_gradient_magnitudes: bool = False
    forget: bool = True
    read_noise: float = 0.0
    read_step: float = 0.0
    reference_mean: float = 0.0
    reference_std: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.transfer_every >= 1, "transfer_every", "must be 1 or more samples between two reads")
        self.check(self.granularity > 0, "granularity", "must be more than 0")
        self.check(self.fast_rate > 0, "fast_rate", "must be more than 0")
        self.check(self.read_noise >= 0, "read_noise", "must be zero or more")
        self.check(self.read_step >= 0, "read_step", "must be zero (no converter) or more")
        self.check(self.reference_std >= 0, "reference_std", "must be zero or more")

    @property
    def accumulating_cell(self) -> PulsedCell:
        """The cell of A."""
        return self.cell if self.gradient_cell is None else self.gradient_cell

    @property
    def cells(self) -> Mapping[str, PulsedCell]:
        return {"weight": self.cell, "gradient": self.accumulating_cell}

    @property
    def differential(self) -> bool:
        """Whether A is read relative to R."""
        return True

    @property
    def flips(self) -> tuple[float, bool, bool]:
        """Choppers: turns a read, whether they come regularly, whether the k-th read since a turn counts 1/k."""
        return 0.0, True, False

    @property
    def baseline(self) -> tuple[bool, float, bool]:
        """Baseline: whether reads are relative to one, the share of a new read in it, whether it must settle first."""
        return False, 1.0, False

    @property
    def has_reference(self) -> bool:
        return self.differential

    def with_reference(self, mean: float, std: float) -> Self:
        return self.replace(reference_mean=mean, reference_std=std)

    def build(self, tile: Tile) -> None:
        import torch

        super().build(tile)
        chips, (out, width) = len(tile.chips), tile.shape
        slices = width if self.read == "columns" else out
        symmetric = tile.points("gradient").symmetry_point(self.accumulating_cell.slopes)
        # A starts where pairs of pulses would bring it; R is where someone thinks that is.
        tile.register_buffer("gradient", symmetric)
        if self.differential:
            off = self.reference_mean + self.reference_std * tile.normal("gradient", "reference")
            tile.register_buffer("reference", symmetric + off)
        tile.register_buffer("hidden", torch.zeros_like(tile.weight))
        dynamic, beta, _ = self.baseline
        if dynamic:
            # Reads are relative to a first read of A as it is: what it starts from is no gradient.
            start = symmetric - tile.get_buffer("reference") if self.differential else symmetric
            tile.register_buffer("baseline", start.clone())
            if beta < 1:
                tile.register_buffer("average", start.clone())
        tile.note("means", torch.zeros(chips, 2, dtype=torch.float64, device="cpu"))
        tile.note("choppers", torch.ones(chips, slices, dtype=torch.int8, device="cpu"))
        tile.note("reads", torch.zeros(chips, slices, dtype=torch.int64, device="cpu"))
        tile.note("sweeps", torch.zeros(1, dtype=torch.int64, device="cpu"))
        tile.note("position", torch.zeros(1, dtype=torch.int64, device="cpu"))

    def update(self, tile: Tile, batch: Batch) -> None:
        from mho.kernels import pulses as kernel

        sample, chips = int(tile.samples), tile.chip_numbers
        plan = kernel.plan(
            *batch.sizes, tile.get_buffer("means").numpy(), rate=batch.rate, step=self.accumulating_cell.step,
            fast=self.fast_rate, memory=MEMORY, **self.pulses.options,
        )  # fmt: skip
        reads, chop = self._schedule(tile, plan, batch.rate, sample)
        by_column = self.read == "columns"
        choppers = (chop, None) if by_column else (None, chop)
        trains = kernel.draw(plan, batch.x, batch.d, chips, sample, tile.lines, choppers)
        arrays = tile.arrays
        pair = kernel.Pair(
            gradient=arrays["gradient"],
            hidden=arrays["hidden"],
            weight=tile.held,
            gradient_cells=tile.cells("gradient"),
            weight_cells=tile.cells("weight"),
            reference=arrays.get("reference"),
            average=arrays.get("average"),
            baseline=arrays.get("baseline"),
            beta=self.baseline[1],
            read_noise=self.read_noise,
            read_step=self.read_step,
            read_key=tile.key("reads"),
            forget=self.forget,
            by_column=by_column,
        )
        kernel.transfer(pair, trains, reads, chips, sample)

    def _schedule(
        self, tile: Tile, plan: kernel.Plan, rate: float, sample: int
    ) -> tuple[kernel.Reads, NDArray[np.int8] | None]:
        from mho.kernels import pulses as kernel

        signs, since, sweeps, position = (
            tile.get_buffer(name).numpy() for name in ("choppers", "reads", "sweeps", "position")
        )
        slices = signs.shape[1]
        flip_rate, regular, corrects = self.flips
        state = kernel.Choppers(signs, since, sweeps, position)
        return kernel.schedule(
            state, plan, tile.chip_numbers, sample,
            every=self.transfer_every,
            gain=rate * self.transfer_every * slices / (self.granularity * self.cell.step),
            corrects=corrects,
            by_magnitude=self.correct_gradient_magnitudes,
            flip_rate=flip_rate,
            regular=regular,
            waits=self.baseline[2],
            key=tile.key("choppers"),
        )  # fmt: skip
