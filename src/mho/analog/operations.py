"""What one update of an array takes, counted: digital operations, reads, slots of pulses, bytes and bits.

A vector is one input of the array: a sample of a dense layer, a position of a convolution. All counts are a vector's,
on average: what happens every n_s-th vector counts 1/n_s. Sign flips, comparisons, rounding, resets and random numbers
are not counted, as in [rasch2024fast].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mho.errors import SpecError
from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class ArrayUpdate(Spec):
    """An array and how it is trained, as far as costs go.

    Attributes:
        outputs: rows of the array.
        inputs: columns of the array.
        transfer_every: n_s, vectors from one read of the gradient array to the next.
        mean_length: l_avg, slots of an average pulse train.
        max_length: l_max, slots that a train has room for.
        read: whether a transfer reads a column (``outputs`` numbers) or a row (``inputs`` numbers).
        beta: share of a new read in AGAD's running average; 1 needs no average at all.
        batch: B, vectors between two programmings of mixed precision.
    """

    outputs: int = 512
    inputs: int = 512
    transfer_every: int = 2
    mean_length: float = 5.0
    max_length: int = 5
    read: Literal["columns", "rows"] = "columns"
    beta: float = 0.5
    batch: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("outputs", "inputs", "transfer_every", "max_length", "batch"):
            self.check(getattr(self, field) >= 1, field, "must be 1 or more")
        must = f"must be more than zero slots, and max_length={self.max_length} at most"
        self.check(0 < self.mean_length <= self.max_length, "mean_length", must)
        self.check(0 < self.beta <= 1, "beta", "must be more than 0, and 1 at most")

    @property
    def slices(self) -> int:
        """n, reads until all of the gradient array was read once."""
        return self.inputs if self.read == "columns" else self.outputs

    @property
    def slice_size(self) -> int:
        """Numbers of one read."""
        return self.outputs if self.read == "columns" else self.inputs

    @property
    def lines(self) -> int:
        """Rows and columns together."""
        return self.outputs + self.inputs

    @property
    def crosspoints(self) -> int:
        """Devices of an array."""
        return self.outputs * self.inputs


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What an update takes, a vector.

    Attributes:
        flops: digital operations.
        reads: products of an array with a vector, beside those of the forward and the backward pass.
        slots: slots of pulses, in one phase.
        storage_bytes: digital memory, numbers of eight bits.
        load_bits: that go to the array or the core: the two vectors, and room for their pulse trains.
        memory_bits: that are read from and written to digital memory.
        arrays: analog arrays of the size of the weights.
    """

    flops: float
    reads: float
    slots: float
    storage_bytes: int
    load_bits: int
    memory_bits: float
    arrays: int


_COUNTS: dict[str, Callable[[ArrayUpdate], Counts]] = {}


def counted(kind: str) -> Callable[[Callable[[ArrayUpdate], Counts]], Callable[[ArrayUpdate], Counts]]:
    """Say what an algorithm takes: a decorator for a function of :class:`ArrayUpdate`.

    Args:
        kind: name of the algorithm's class, such as ``"AGAD"``.
    """

    def add(count: Callable[[ArrayUpdate], Counts]) -> Callable[[ArrayUpdate], Counts]:
        _COUNTS[kind] = count
        return count

    return add


def counts(kind: str, update: ArrayUpdate) -> Counts:
    """What one vector takes with the algorithm of class ``kind``.

    Raises:
        SpecError: nobody has said what it takes.
    """
    if kind not in _COUNTS:
        known = ", ".join(_COUNTS)
        raise SpecError(
            f"what an update of {kind} takes is unknown (known: {known}); say it with @analog.counted('{kind}')"
        )
    return _COUNTS[kind](update)


@counted("InMemorySGD")
def _sgd(u: ArrayUpdate) -> Counts:
    """The two maxima that scale the pulse trains (2N), and the trains."""
    return Counts(
        flops=u.lines,
        reads=0,
        slots=u.mean_length,
        storage_bytes=u.lines,
        load_bits=_loads(u),
        memory_bits=0,
        arrays=1,
    )


@counted("TTv2")
def _ttv2(u: ArrayUpdate) -> Counts:
    """Also, every n_s vectors: a read, a scaled sum into H (2N), one pulse; H costs N² bytes."""
    return Counts(
        flops=u.lines + 2 * u.slice_size / u.transfer_every,
        reads=1 / u.transfer_every,
        slots=u.mean_length + 1 / u.transfer_every,
        storage_bytes=u.crosspoints + u.lines,
        load_bits=_loads(u),
        memory_bits=16 * u.slice_size / u.transfer_every,
        arrays=3,
    )


@counted("ChoppedTTv2")
def _chopped(u: ArrayUpdate) -> Counts:
    """As TTv2; the choppers cost bits but no operations."""
    base = _ttv2(u)
    return Counts(
        flops=base.flops,
        reads=base.reads,
        slots=base.slots,
        storage_bytes=base.storage_bytes,
        load_bits=base.load_bits,
        memory_bits=base.memory_bits + 2 * u.slices / u.transfer_every,
        arrays=3,
    )


@counted("AGAD")
def _agad(u: ArrayUpdate) -> Counts:
    """Subtracting the digital reference takes N more operations a read, its running average 3N (none at beta = 1).

    The average P and the reference cost N² bytes each; the array of references is gone.
    """
    averaged = u.beta < 1
    return Counts(
        flops=u.lines + (6 if averaged else 3) * u.slice_size / u.transfer_every,
        reads=1 / u.transfer_every,
        slots=u.mean_length + 1 / u.transfer_every,
        storage_bytes=(3 if averaged else 2) * u.crosspoints + u.lines,
        load_bits=_loads(u),
        memory_bits=((48 if averaged else 32) * u.slice_size + 2 * u.slices) / u.transfer_every,
        arrays=2,
    )


@counted("MixedPrecision")
def _mixed(u: ArrayUpdate) -> Counts:
    """The outer product in digital (2N² and N for the rate); once a batch, every row is written in one slot."""
    return Counts(
        flops=2 * u.crosspoints + u.inputs,
        reads=0,
        slots=u.outputs / u.batch,
        storage_bytes=u.crosspoints + u.lines * u.batch,
        load_bits=8 * u.lines,
        memory_bits=16 * u.crosspoints / u.batch,
        arrays=1,
    )


def _loads(u: ArrayUpdate) -> int:
    """Two vectors of 8-bit numbers, and their trains."""
    return (8 + u.max_length) * u.lines
