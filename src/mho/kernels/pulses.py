"""Pulse trains, pulsed cells and transfers between arrays: the door to their compiled loops.

Arrays are ``(chips, out, in)`` float32, contiguous: rows take errors, columns inputs. Every random number is addressed
by (key, chip, sample, line or crosspoint, slot or pulse), so a chip is the same chip in any batch and on any machine.

Where an array is decides who computes: numba on the CPU, Triton on a CUDA device, with the same numbers bit for bit.
Inputs and errors are NumPy's on the CPU and torch's on a GPU; what goes from sample to sample (rates, choppers) is
always the CPU's, and sent along.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.errors import ModelError
from mho.kernels import cpu_pulses, cpu_trains, cpu_transfer
from mho.kernels.threads import in_parts

Key = tuple[int, int]
Numbers = NDArray[Any] | Tensor
"""NumPy's on the CPU, torch's on a GPU."""
WORD = 32
MOST = (1 << 16) - 1
"""Pulses that one crosspoint may get at once."""


@dataclass(frozen=True)
class Plan:
    """Rates and trains of the samples of a batch.

    Attributes:
        rates: ``(chips, T)`` float64, what a product of input and error moves a cell by.
        lengths: ``(chips, T)`` int64 slots.
        scales: ``(chips, T, 2)`` float64 from inputs, and from errors, to the chance of a bit.
        longest: slots of the longest train that there may be.
    """

    rates: NDArray[np.float64]
    lengths: NDArray[np.int64]
    scales: NDArray[np.float64]
    longest: int


@dataclass(frozen=True)
class Trains:
    """Which line fires in which slot: bit k of word w is slot 32 w + k. ``chips * T`` trains, samples fastest.

    On a GPU words are int32 of the same bits, signs int8, and all columns are listed, in order.

    Attributes:
        words: ``(chips * T, words, in)`` uint32 of the columns that are listed, in their order.
        signs: ``(chips * T, in)`` float32, of their inputs, 1 or -1.
        row_words: ``(chips * T, words, out)`` uint32.
        row_signs: ``(chips * T, out)`` float32, of errors with the sign changed: gradients are descended, so a
            crosspoint moves up where the product of the two is 1.
        columns: ``(chips * T, in)`` int32, columns in the order in which they are listed: all, or where they are few
            those with an input; ``None`` on a GPU.
        counts: ``(chips * T,)`` int32, how many are listed; ``None`` on a GPU.
    """

    words: Numbers
    signs: Numbers
    row_words: Numbers
    row_signs: Numbers
    columns: NDArray[np.int32] | None = None
    counts: NDArray[np.int32] | None = None

    @property
    def arrays(self) -> tuple[Any, ...]:
        lines = (self.words, self.signs, self.row_words, self.row_signs)
        return lines if self.columns is None else (*lines, self.columns, self.counts)


@dataclass(frozen=True)
class Cells:
    """The pulsed cells of an array, and how they answer a pulse.

    Attributes:
        table: ``(chips, out, 4, in)`` float32: steps up and down, upper and lower bounds.
        slopes: share of a step up, and down, that is lost on the way from 0 to the bound.
        sigma: cycle-to-cycle noise, in steps.
        multiplies: whether the noise multiplies the step rather than being added to it.
        exact: take several pulses of a sample one by one, also where they are one Gaussian step.
        key: stream of the noise.
        used: ``(chips, out, in)`` int32, pulses that cells have had; ``None`` if nobody counts.
    """

    table: Tensor
    slopes: tuple[float, float]
    sigma: float
    multiplies: bool
    exact: bool
    key: Key
    used: Tensor | None = None

    @property
    def answer(self) -> tuple[Any, ...]:
        slopes = (np.float32(self.slopes[0]), np.float32(self.slopes[1]))
        return slopes, np.float32(self.sigma), bool(self.multiplies), bool(self.exact)


def on_gpu(array: Tensor) -> bool:
    """Whether an array is on a CUDA device rather than the CPU.

    Raises:
        ModelError: it is on neither.
    """
    if array.device.type == "cpu":
        return False
    if array.device.type != "cuda" or torch.version.hip is not None:
        raise ModelError(f"an array is on {array.device}; arrays learn on the CPU or a CUDA device: move it to the CPU")
    return True


def largest(x: Tensor, d: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of inputs and errors on a GPU, ``(.., T, n)``, the largest magnitudes ``(.., T, 1)``, which :func:`plan` takes.

    They are NaN or infinite where a number is.
    """
    found: tuple[NDArray[np.float32], NDArray[np.float32]] = _gpu("cuda_trains").largest(x, d)
    return found


def plan(
    x: NDArray[np.float32],
    d: NDArray[np.float32],
    means: NDArray[np.float64],
    *,
    rate: float,
    step: float,
    longest: int,
    fast: float = 0.0,
    memory: float = 0.99,
    managed: bool = True,
    balanced: bool = True,
    saturates: bool = False,
) -> Plan:
    """Rate and train of every sample of a batch [rasch2024fast, Methods; gokmen2016rpu].

    Args:
        x: ``(1 or chips, T, in)`` inputs, or the largest of every sample.
        d: ``(chips, T, out)`` errors, likewise.
        means: ``(chips, 2)``, running means of the largest input and error; kept up where ``fast`` is not 0.
        rate: what a product of input and error moves a cell by.
        step: of the cells.
        longest: slots of the longest train.
        fast: where it is not 0, the rate is instead ``fast * longest * step / (mean x * mean d)`` (eq. 15).
        memory: of the running means, a sample.
        managed: take no more slots than the largest product needs.
        balanced: scale inputs and errors so that their largest have the same chance of a bit.
        saturates: where the largest product needs more slots than there are, let only errors saturate.
    """
    shape = d.shape[:2]
    rates, lengths, scales = np.empty(shape), np.empty(shape, np.int64), np.empty((*shape, 2))
    cpu_trains.plan(
        rates, lengths, scales, means, x, d, float(rate), float(fast), float(step), int(longest), float(memory),
        managed, balanced, saturates,
    )  # fmt: skip
    return Plan(rates, lengths, scales, int(longest))


def draw(
    plan: Plan,
    x: Any,
    d: Any,
    chips: NDArray[np.int64],
    sample: int,
    keys: tuple[Key, Key],
    choppers: tuple[NDArray[np.int8] | None, NDArray[np.int8] | None] = (None, None),
) -> Trains:
    """The trains of a batch.

    Args:
        plan: their lengths and chances.
        x: ``(1 or chips, T, in)`` inputs.
        d: ``(chips, T, out)`` errors.
        chips: ``(chips,)`` numbers.
        sample: number of the first sample.
        keys: streams of the bits of columns and rows.
        choppers: ``(chips, T, in)`` and ``(chips, T, out)`` signs that inputs and errors are multiplied by.
    """
    if isinstance(d, Tensor):
        with _beside(d):
            return Trains(
                *_gpu("cuda_trains").draw(
                    x, d, plan.lengths, plan.scales, plan.longest, chips, int(sample), keys, choppers
                )
            )
    total, width, out, words = d.shape[0] * d.shape[1], x.shape[2], d.shape[2], -(-plan.longest // WORD)
    none = np.empty((0, 0, 0), np.int8)
    made = Trains(
        np.empty((total, words, width), np.uint32),
        np.empty((total, width), np.float32),
        np.empty((total, words, out), np.uint32),
        np.empty((total, out), np.float32),
        np.empty((total, width), np.int32),
        np.empty(total, np.int32),
    )
    chop_x, chop_d = (none if c is None else c for c in choppers)
    in_parts(
        cpu_trains.draw, total, 8 * total * (width + out) * plan.longest, *made.arrays, x, d, chop_x, chop_d,
        plan.lengths, plan.scales, chips, int(sample), _words(keys[0]), _words(keys[1]),
    )  # fmt: skip
    return made


def descend(v: Tensor, cells: Cells, trains: Trains, chips: NDArray[np.int64], sample: int) -> None:
    """Send the coincidences of a batch of trains to the array ``v`` ``(chips, out, in)``, in place.

    Args:
        v: what the array holds.
        cells: its cells.
        trains: of the batch.
        chips: ``(chips,)`` numbers.
        sample: number of the first sample.
    """
    if on_gpu(v):
        with _beside(v):
            _gpu("cuda_pulses").descend(v, cells, trains.arrays, _sent(v, chips)[0], int(sample))
        return
    rows = v.shape[0] * v.shape[1]
    in_parts(
        cpu_pulses.descend, rows, _work(v, trains), v.numpy(), cells.table.numpy(), _of(cells.used, v, np.int32),
        trains.arrays, chips, int(sample), _words(cells.key), cells.answer,
    )  # fmt: skip


def press(v: Tensor, cells: Cells, wanted: Any, chips: NDArray[np.int64], sample: int) -> None:
    """Send ``wanted`` ``(chips, out, in)`` int32 pulses, up where positive, to the array ``v``, in place."""
    if on_gpu(v):
        with _beside(v):
            _gpu("cuda_pulses").press(v, cells, wanted, _sent(v, chips)[0], int(sample))
        return
    rows = v.shape[0] * v.shape[1]
    in_parts(
        cpu_pulses.press, rows, v.numel(), v.numpy(), cells.table.numpy(), _of(cells.used, v, np.int32),
        np.asarray(wanted), chips, int(sample), _words(cells.key), cells.answer,
    )  # fmt: skip


def add_up(total: Tensor, x: Any, d: Any, rate: float) -> None:
    """``total -= rate d x^T`` exactly, ``(chips, out, in)`` in place: sample after sample on the CPU.

    On a GPU samples are summed as its matrix product does, so that the last bits may differ.
    """
    if on_gpu(total):
        total.sub_(torch.matmul(d.transpose(1, 2), x), alpha=rate)
        return
    rows = total.shape[0] * total.shape[1]
    in_parts(cpu_pulses.add_up, rows, total.numel() * d.shape[1], total.numpy(), x, d, np.float32(rate))


@dataclass(frozen=True)
class Reads:
    """What is read of an array of gradients after which sample, and what becomes of it.

    ``chips * T`` entries, samples fastest; what belongs to a sample without a read means nothing.

    Attributes:
        slices: ``(T,)`` int64, the column (or row) that is read; -1 for none.
        signs: int8, of its chopper.
        gains: float32, from what is read to the accumulator.
        latches: bool, whether the baseline is taken anew.
        armed: bool, whether a full accumulator sends its pulse.
    """

    slices: NDArray[np.int64]
    signs: NDArray[np.int8]
    gains: NDArray[np.float32]
    latches: NDArray[np.bool_]
    armed: NDArray[np.bool_]

    @classmethod
    def empty(cls, chips: int, samples: int) -> Reads:
        """Room for the reads of a batch."""
        n = chips * samples
        return cls(
            np.empty(samples, np.int64), np.empty(n, np.int8), np.empty(n, np.float32), np.empty(n, np.bool_),
            np.empty(n, np.bool_),
        )  # fmt: skip


@dataclass
class Choppers:
    """Where the reads of an array stand.

    Attributes:
        signs: ``(chips, slices)`` int8.
        reads: ``(chips, slices)`` int64 since the last turn.
        sweeps: ``(1,)`` int64 times that all slices were read.
        position: ``(1,)`` int64, the slice that is read next.
    """

    signs: NDArray[np.int8]
    reads: NDArray[np.int64]
    sweeps: NDArray[np.int64]
    position: NDArray[np.int64]


def schedule(
    choppers: Choppers,
    plan: Plan,
    numbers: NDArray[np.int64],
    sample: int,
    *,
    every: int,
    gain: float,
    corrects: bool = False,
    by_magnitude: bool = False,
    flip_rate: float = 0.0,
    regular: bool = False,
    waits: bool = False,
    key: Key = (0, 0),
) -> tuple[Reads, NDArray[np.int8] | None]:
    """What is read when, and the choppers of every sample ``(chips, T, slices)`` if there are any.

    Args:
        choppers: where reads stand; moved on.
        plan: of the batch.
        numbers: ``(chips,)``, of the chips.
        sample: number of its first sample.
        every: samples between two reads.
        gain: from what is read to the accumulator.
        corrects: divide the gain by the number of reads since the chopper turned.
        by_magnitude: divide it by the rate of the array.
        flip_rate: reads after which a chopper turns are 1 in 1 / flip_rate.
        regular: turn after exactly so many.
        waits: send nothing before every chopper has turned.
        key: stream that decides about turns which are not regular.
    """
    chips, samples = plan.rates.shape
    made = Reads.empty(chips, samples)
    chop = np.empty((chips, samples, choppers.signs.shape[1]) if flip_rate > 0 else (0, 0, 0), np.int8)
    cpu_transfer.schedule(
        made.slices, made.signs, made.gains, made.latches, made.armed, chop, choppers.signs, choppers.reads,
        choppers.sweeps, choppers.position, plan.rates, numbers, int(sample), int(every), float(gain), corrects,
        by_magnitude, float(flip_rate), regular or flip_rate == 0, waits, *_words(key),
    )  # fmt: skip
    return made, chop if flip_rate > 0 else None


@dataclass(frozen=True)
class Pair:
    """An array of gradients that feeds an array of weights; all ``(chips, out, in)`` float32.

    Attributes:
        gradient: A.
        hidden: H, the digital accumulator; a weight gets a pulse whenever one of its entries reaches 1.
        weight: W.
        gradient_cells, weight_cells: cells of the two.
        reference: R, subtracted from what is read of A; ``None`` where nothing is.
        average: P, the leaky mean of reads; ``None`` for the last read.
        baseline: the part of P that is subtracted from reads; ``None`` where nothing is.
        beta: weight of a new read in P.
        read_noise: standard deviation of a read.
        read_step: step of the converter that reads; 0 for none.
        read_key: stream of the noise.
        forget: whether the accumulator starts from 0 after a pulse, rather than from what it had beyond 1.
        by_column: whether columns are read, not rows.
    """

    gradient: Tensor
    hidden: Tensor
    weight: Tensor
    gradient_cells: Cells
    weight_cells: Cells
    reference: Tensor | None = None
    average: Tensor | None = None
    baseline: Tensor | None = None
    beta: float = 1.0
    read_noise: float = 0.0
    read_step: float = 0.0
    read_key: Key = field(default=(0, 0))
    forget: bool = True
    by_column: bool = True


def transfer(pair: Pair, trains: Trains, reads: Reads, chips: NDArray[np.int64], sample: int) -> None:
    """Take a pair of arrays through a batch: coincidences to A; after some samples a slice of A to H, and pulses to W.

    Args:
        pair: the arrays, changed in place.
        trains: of the batch.
        reads: what is read when.
        chips: ``(chips,)`` numbers.
        sample: number of the first sample.
    """
    a, w = pair.gradient_cells, pair.weight_cells
    v = pair.gradient
    if on_gpu(v):
        there = _sent(v, reads.slices, reads.signs, reads.gains, reads.latches, reads.armed, chips)
        with _beside(v):
            _gpu("cuda_transfer").transfer(pair, trains.arrays, tuple(there[:-1]), there[-1], int(sample))
        return
    in_parts(
        cpu_transfer.transfer, v.shape[0] * v.shape[1], _work(v, trains), v.numpy(), _of(pair.reference, v),
        _of(pair.average, v), _of(pair.baseline, v), a.table.numpy(), _of(a.used, v, np.int32), pair.hidden.numpy(),
        pair.weight.numpy(), w.table.numpy(), _of(w.used, v, np.int32), trains.arrays, reads.slices,
        (reads.signs, reads.gains, reads.latches, reads.armed), chips, int(sample),
        (_words(a.key), _words(w.key), _words(pair.read_key)), a.answer, w.answer,
        (np.float32(pair.read_noise), np.float32(pair.read_step), np.float32(pair.beta)), pair.forget, pair.by_column,
    )  # fmt: skip


def _beside(array: Tensor) -> AbstractContextManager[None]:
    """Kernels run on the device that is current."""
    there: AbstractContextManager[None] = torch.cuda.device_of(array)  # type: ignore[no-untyped-call]
    return there


def _gpu(name: str) -> Any:
    try:
        return import_module(f"mho.kernels.{name}")
    except ImportError:
        raise ModelError("arrays on a GPU need Triton, which cannot be imported; move them to the CPU") from None


def _sent(like: Tensor, *arrays: NDArray[Any]) -> list[Tensor]:
    there: list[Tensor] = _gpu("cuda_trains").sent(like.device, *arrays)
    return there


def _work(v: Tensor, trains: Trains) -> int:
    return prod(v.shape[1:]) * len(trains.signs)


def _words(key: Key) -> tuple[np.uint32, np.uint32]:
    return np.uint32(key[0]), np.uint32(key[1])


def _of(array: Tensor | None, like: Tensor, kind: Any = np.float32) -> NDArray[Any]:
    return np.empty((0, 0, 0), kind) if array is None else array.numpy()
