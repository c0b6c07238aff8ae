"""How long does an update take: Table 1 of [rasch2024fast], for arrays of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Literal

from mho.analog.hardware import Hardware
from mho.analog.naming import TITLES, class_of
from mho.analog.operations import ArrayUpdate, Counts, counts
from mho.analog.published import update_nanoseconds
from mho.errors import SpecError
from mho.text import table

if TYPE_CHECKING:
    from mho.analog.algorithm import Algorithm

_FROM_SPEC = ("transfer_every", "read", "beta", "batch")


@dataclass(frozen=True, kw_only=True)
class UpdateCost:
    """What one vector costs an array while it is trained, forward and backward pass left out.

    Attributes:
        kind: class of the algorithm.
        update: the array and how it is trained.
        counts: what that takes, a vector.
        hardware: what it runs on.
    """

    kind: str
    update: ArrayUpdate
    counts: Counts
    hardware: Hardware

    @property
    def algorithm(self) -> str:
        """What tables call the algorithm."""
        return TITLES.get(self.kind, self.kind)

    @property
    def digital_seconds(self) -> float:
        """Time of the digital operations."""
        return self.counts.flops / self.hardware.array_flops

    @property
    def read_seconds(self) -> float:
        """Time of the reads of the gradient array."""
        return self.counts.reads * self.hardware.mvm

    @property
    def pulse_seconds(self) -> float:
        """Time of the pulses, both arrays', in both phases where there are two."""
        return self.counts.slots * self.hardware.pulse * self.hardware.phases

    @property
    def seconds(self) -> float:
        """Time of the update of one vector: digital, then reads, then pulses; nothing overlaps."""
        return self.digital_seconds + self.read_seconds + self.pulse_seconds

    @property
    def published_seconds(self) -> float | None:
        """What Table 1 of [rasch2024fast] prints; ``None`` where it says nothing about this case."""
        found = update_nanoseconds(self.kind, self.update, self.hardware)
        return None if found is None else found * 1e-9

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of the model of costs; see :func:`mho.cite`."""
        return self.hardware.references

    def to_dict(self) -> dict[str, Any]:
        """A flat record."""
        u, c = self.update, self.counts
        return {
            "algorithm": self.algorithm,
            "outputs": u.outputs,
            "inputs": u.inputs,
            "transfer_every": u.transfer_every,
            "mean_length": u.mean_length,
            "flops": c.flops,
            "reads": c.reads,
            "slots": c.slots,
            "digital_seconds": self.digital_seconds,
            "read_seconds": self.read_seconds,
            "pulse_seconds": self.pulse_seconds,
            "seconds": self.seconds,
            "published_seconds": self.published_seconds,
            "storage_bytes": c.storage_bytes,
            "load_bits": c.load_bits,
            "memory_bits": c.memory_bits,
            "arrays": c.arrays,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One record a part of the update: what is counted, how many, seconds."""
        c = self.counts
        return [
            {"part": "digital operations", "count": c.flops, "seconds": self.digital_seconds},
            {"part": "reads of the gradient array", "count": c.reads, "seconds": self.read_seconds},
            {"part": "slots of pulses", "count": c.slots * self.hardware.phases, "seconds": self.pulse_seconds},
        ]

    def __str__(self) -> str:
        u, c = self.update, self.counts
        published = self.published_seconds
        said = "" if published is None else f" (published: {published * 1e9:.1f} ns)"
        title = (
            f"{self.algorithm}: {self.seconds * 1e9:.1f} ns{said} for the update of {u.outputs}x{u.inputs} devices by "
            f"one vector\n{c.storage_bytes:,} bytes of digital memory, {c.load_bits:,} bits loaded, "
            f"{c.memory_bits:,.6g} bits read and written, {c.arrays} analog arrays"
        )
        rows = [[r["part"], f"{r['count']:,.6g}", f"{r['seconds'] * 1e9:.2f}"] for r in self.rows()]
        return table(["a vector", "count", "ns"], rows, title=title)


def update_time(
    algorithm: str | Algorithm,
    n: int | tuple[int, int] = 512,
    *,
    transfer_every: int | None = None,
    mean_length: float | None = None,
    max_length: int | None = None,
    beta: float | None = None,
    read: Literal["columns", "rows"] | None = None,
    batch: int | None = None,
    hardware: Hardware | None = None,
    two_phase: bool | None = None,
) -> UpdateCost:
    """How long does an array take to learn from one vector, and what does that move around?

    With F = ``hardware.array_flops``, N rows and columns, t_p = ``pulse``, t_MVM = ``mvm`` ([rasch2024fast] Table 1)::

        SGD            2N/F + l t_p
        TTv2, c-TTv2   (2N + 2N/n_s)/F + (l + 1/n_s) t_p + t_MVM/n_s
        AGAD           (2N + 6N/n_s)/F + (l + 1/n_s) t_p + t_MVM/n_s         beta = 1: 3N/n_s
        MP             (2N² + N)/F + (N/B) t_p

    Arrays that are not square count their own rows and columns, which is ours.

    Args:
        algorithm: "sgd", "ttv2", "c-ttv2", "agad", "mp", or a spec, whose own fields are then the defaults below.
        n: devices along a side, or ``(outputs, inputs)``.
        transfer_every: n_s, vectors between two reads of the gradient array; 2.
        mean_length: l, slots of an average train; as many as there is room for, 5. Length management makes it shorter:
            :attr:`mho.analog.PulseTrain.length` is what there is room for.
        max_length: l_max, slots there is room for; ``mean_length`` rounded up.
        beta: of AGAD; 0.5.
        read: "columns" (unless given) or "rows".
        batch: B of mixed precision; 100.
        hardware: times and speeds; the paper's if ``None``.
        two_phase: overrides the hardware's.

    Raises:
        UnknownNameError: no algorithm has this name.
        SpecError: a number is out of range, or nobody has said what this algorithm takes.
    """
    own: dict[str, Any] = {}
    if isinstance(algorithm, str):
        kind = class_of(algorithm)
    else:
        kind, own = type(algorithm).__name__, _of_spec(algorithm)
    given = {"transfer_every": transfer_every, "read": read, "beta": beta, "batch": batch, "max_length": max_length}
    fields = own | {name: value for name, value in given.items() if value is not None}
    if mean_length is not None:
        fields = {"max_length": _room(mean_length), "mean_length": mean_length} | fields
    else:
        fields["mean_length"] = float(fields.get("max_length", ArrayUpdate().max_length))
    outputs, inputs = n if isinstance(n, tuple) and len(n) == 2 else (n, n)
    if isinstance(outputs, bool) or not (isinstance(outputs, int) and isinstance(inputs, int)):
        raise SpecError(f"n={n!r} must be a whole number of devices, or (outputs, inputs)")
    update = ArrayUpdate(outputs=outputs, inputs=inputs, **fields)
    hardware = hardware or Hardware()
    if two_phase is not None:
        hardware = hardware.replace(two_phase=two_phase)
    return UpdateCost(kind=kind, update=update, counts=counts(kind, update), hardware=hardware)


def _of_spec(algorithm: Algorithm) -> dict[str, Any]:
    """What an algorithm says itself."""
    found = {name: getattr(algorithm, name) for name in _FROM_SPEC if hasattr(algorithm, name)}
    if hasattr(algorithm, "write_every"):
        found["batch"] = algorithm.write_every
    pulses = getattr(algorithm, "pulses", None)
    return found if pulses is None else found | {"max_length": pulses.length}


def _room(mean_length: float) -> int:
    """Slots that there is room for, where nobody said: as few as a train of this mean length takes."""
    return max(1, ceil(mean_length)) if isfinite(mean_length) else 1
