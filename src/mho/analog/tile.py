"""One matrix on an array that learns: its cells, its state, and the door through which batches go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mho.analog.algorithm import Algorithm
from mho.devices.crosspoints import Crosspoints
from mho.errors import ModelError, SpecError
from mho.kernels import pulses as kernel
from mho.rng import Draws, stream_key


@dataclass(frozen=True)
class Batch:
    """Samples for the arrays of a tile, in order.

    On the CPU numbers are NumPy's, on a GPU torch's.

    Attributes:
        x: ``(1 or chips, T, in)`` float32 inputs.
        d: ``(chips, T, out)`` float32 errors: the loss derived by the outputs.
        rate: W -= rate d x^T is what is wanted.
        sizes: x and d as :func:`mho.kernels.pulses.plan` takes them; on a GPU the largest magnitudes of samples.
    """

    x: Any
    d: Any
    rate: float
    sizes: tuple[NDArray[np.float32], NDArray[np.float32]]

    def sample(self, t: int) -> Batch:
        """One of them."""

        def one(values: Any) -> Any:
            part = values[:, t : t + 1]
            return part.contiguous() if isinstance(part, Tensor) else np.ascontiguousarray(part)

        return Batch(one(self.x), one(self.d), self.rate, (one(self.sizes[0]), one(self.sizes[1])))


class Tile(nn.Module):
    """A matrix of weights on an array (and what else its algorithm needs), of one or many chips.

    All state are buffers, so ``state_dict`` holds the whole tile, and a tile that goes on from one gives the same
    numbers bit for bit. Cells and noise are addressed by (seed, name, chip, sample, crosspoint): chip 7 is the same
    chip alone or among a hundred, in batches of any size. A tile learns on the CPU or, after ``tile.to("cuda")``, on a
    GPU, by the same numbers.

    Samples of cells that leak go one by one, which takes a few times as long for small arrays.

    Args:
        algorithm: how weights are changed.
        shape: ``(out, in)``.
        name: of the tile; tiles of one seed and different names have nothing in common.
        seed: any integer.
        chips: numbers of the chips that are trained side by side, the first axis of every state.
        counted: count the pulses of every cell.

    Attributes:
        weight: ``(chips, out, in)`` float32, what the array holds, as it is read.
    """

    weight: Tensor
    chips: Tensor
    samples: Tensor
    skipped: Tensor

    def __init__(
        self,
        algorithm: Algorithm,
        shape: Sequence[int],
        *,
        name: str = "",
        seed: int = 0,
        chips: Sequence[int] = (0,),
        counted: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(algorithm, Algorithm):
            raise SpecError(f"algorithm={algorithm!r} is no analog algorithm; give one such as analog.AGAD()")
        whole = all(isinstance(n, Integral) and not isinstance(n, bool) for n in (*shape, *chips))
        if not whole or len(shape) != 2 or min(shape) < 1 or math.prod(shape) >= 1 << 32:
            raise SpecError(f"shape={tuple(shape)} must be (outputs, inputs), at least 1 each and below 2^32 in all")
        if not len(chips) or min(chips) < 0 or len(set(chips)) < len(chips):
            raise SpecError(f"chips={list(chips)} must be one or more different numbers, from 0")
        self.algorithm, self.shape, self.name, self.seed = algorithm, (int(shape[0]), int(shape[1])), name, int(seed)
        self.counted = counted
        self._notes: list[str] = []
        self.note("chips", torch.tensor(list(chips), dtype=torch.int64, device="cpu"))
        self.note("samples", torch.zeros((), dtype=torch.int64, device="cpu"))
        self.note("skipped", torch.zeros((), dtype=torch.int64, device="cpu"))
        self.register_buffer("weight", torch.zeros(len(chips), *self.shape))
        for array, cell in algorithm.cells.items():
            points = cell.build(self._draws(array))
            self.register_buffer(f"{array}_cells", torch.stack([points.up, points.down, points.high, points.low], 2))
            if counted:
                self.register_buffer(f"{array}_pulses", torch.zeros(len(chips), *self.shape, dtype=torch.int32))
        algorithm.build(self)
        self.program(self.weight)

    @property
    def held(self) -> Tensor:
        """``(chips, out, in)`` float32, the conductances of the weights' cells."""
        return self.weight if self._corrected is None else self.get_buffer("conductance")

    @property
    def _corrected(self) -> Tensor | None:
        return self._buffers.get("symmetric")

    @property
    def arrays(self) -> dict[str, Tensor]:
        """What there is to look at, by name, ``(chips, out, in)`` each; ``"weight"`` always."""
        names = ("gradient", "reference", "hidden", "average", "baseline", "weight")
        return {name: array for name in names if (array := self._buffers.get(name)) is not None}

    @property
    def pulses(self) -> dict[str, Tensor]:
        """Pulses that every cell has had, by array, ``(chips, out, in)`` int32; empty where nobody counts."""
        return {name: self.get_buffer(f"{name}_pulses") for name in self.algorithm.cells} if self.counted else {}

    def points(self, array: str) -> Crosspoints:
        """The cells of one of the arrays."""
        up, down, high, low = self.get_buffer(f"{array}_cells").unbind(2)
        return Crosspoints(up=up, down=down, high=high, low=low)

    @torch.no_grad()
    def program(self, weight: Tensor) -> None:
        """Bring the array to ``weight`` ``(out, in)`` or ``(chips, out, in)``, as far as its cells reach."""
        self.weight.copy_(weight)
        if "weight" in self.algorithm.cells:
            wanted = self.weight if self._corrected is None else self.weight + self._corrected
            self.held.copy_(self.points("weight").clip(wanted))
            self._look()

    @torch.no_grad()
    def update(self, x: Tensor, d: Tensor, rate: float) -> None:
        """Change the weights by a batch, sample after sample: W -= rate d x^T is what is wanted.

        Args:
            x: ``(T, in)`` or ``(chips, T, in)`` inputs.
            d: ``(T, out)`` or ``(chips, T, out)`` errors: the loss derived by the outputs.
            rate: zero or more.

        A batch that holds anything infinite or NaN changes nothing, and is counted in ``skipped``.

        Raises:
            ModelError: x or d has another shape.
            SpecError: the rate is negative or not finite.
        """
        if not isinstance(rate, Real) or not (0 <= rate < math.inf):
            raise SpecError(f"rate={rate} must be a finite number, zero or more")
        inputs, errors = self._checked(x, self.shape[1], "x"), self._checked(d, self.shape[0], "d")
        if inputs.shape[1] != errors.shape[1]:
            raise ModelError(f"tile '{self.name}': x has {inputs.shape[1]} samples, d {errors.shape[1]}")
        batch = self._batch(inputs, errors, float(rate))
        if batch is None:
            self.skipped += 1
            return
        if not self._leaks:
            if errors.shape[1]:
                self.algorithm.update(self, batch)
            self.samples += errors.shape[1]
        else:
            for t in range(errors.shape[1]):
                self.algorithm.update(self, batch.sample(t))
                self.samples += 1
                self._leak()
        self._look()

    def note(self, name: str, values: Tensor) -> None:
        """Add a buffer that stays with the CPU wherever the arrays go: what the next sample depends on."""
        self.register_buffer(name, values)
        self._notes.append(name)

    def key(self, purpose: str) -> tuple[int, int]:
        """The stream of random numbers of this tile for ``purpose``."""
        return stream_key(self.seed, f"analog {purpose}", self.name)

    @property
    def lines(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The streams of the bits of columns and of rows."""
        return self.key("columns"), self.key("rows")

    def normal(self, array: str, purpose: str) -> Tensor:
        """Standard normals of the cells of an array that stay with them, ``(chips, out, in)``."""
        return self._draws(array).normal(f"analog {purpose}", lasting=True)

    def cells(self, array: str) -> kernel.Cells:
        """The cells of an array as kernels take them."""
        cell, pulses = self.algorithm.cells[array], getattr(self.algorithm, "pulses", None)
        return kernel.Cells(
            self.get_buffer(f"{array}_cells"),
            cell.slopes,
            cell.ctoc,
            cell.noise == "multiplicative",
            pulses is not None and pulses.exact,
            self.key(f"pulses of {array}"),
            self.pulses.get(array),
        )

    @property
    def chip_numbers(self) -> NDArray[np.int64]:
        """``(chips,)``, as kernels take them."""
        numbers: NDArray[np.int64] = self.chips.numpy()
        return numbers

    def extra_repr(self) -> str:
        many = f", {len(self.chips)} chips" if len(self.chips) > 1 else ""
        return f"{self.algorithm.label}, {self.shape[0]} x {self.shape[1]}{many}"

    def _draws(self, array: str) -> Draws:
        return Draws(self.seed, f"{self.name}\x1e{array}", self.chips, self.shape, self.weight.device)

    def _checked(self, values: Tensor, width: int, name: str) -> Tensor:
        chips = len(self.chips)
        if not isinstance(values, Tensor):
            raise ModelError(f"tile '{self.name}': {name} is a {type(values).__name__}, not a tensor")
        shaped = values[None] if values.dim() == 2 else values
        if shaped.dim() != 3 or shaped.shape[2] != width or shaped.shape[0] not in (1, chips):
            takes = f"(T, {width})" + (f" or ({chips}, T, {width})" if chips > 1 else "")
            raise ModelError(f"tile '{self.name}': {name} has the shape {tuple(values.shape)}; it takes {takes}")
        return shaped.detach().to(self.weight.device, torch.float32).contiguous()

    def _batch(self, x: Tensor, d: Tensor, rate: float) -> Batch | None:
        """A batch, if all of its numbers are finite."""
        if kernel.on_gpu(x):
            d = d.expand(len(self.chips), -1, -1).contiguous()
            sizes = kernel.largest(x, d)  # waits for the GPU, once a batch
            return Batch(x, d, rate, sizes) if all(np.isfinite(size).all() for size in sizes) else None
        if not (torch.isfinite(x).all() and torch.isfinite(d).all()):
            return None
        if d.shape[0] != len(self.chips):
            d = d.expand(len(self.chips), -1, -1).contiguous()
        inputs, errors = x.numpy(), d.numpy()
        return Batch(inputs, errors, rate, (inputs, errors))

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        notes = {name: self._buffers[name] for name in self._notes}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._buffers.update(notes)
        return self

    @property
    def _leaks(self) -> list[tuple[str, float]]:
        """Arrays whose conductances leak, and what is left of them after a sample."""
        cells = self.algorithm.cells.items()
        return [(array, cell.kept) for array, cell in cells if cell.lifetime is not None]

    def _leak(self) -> None:
        for array, kept in self._leaks:
            state = self.held if array == "weight" else self.get_buffer(array)
            state.copy_(self.points(array).clip(state * kept))  # a stuck cell stays where it is

    def _look(self) -> None:
        if self._corrected is not None:
            torch.sub(self.held, self._corrected, out=self.weight)
