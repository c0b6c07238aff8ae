"""A racetrack of skyrmions: a bit is 1 where there is one, and it may slip, stray, vanish or appear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.devices.base import Ageing, Device, check_rate
from mho.devices.nanowires import Nanowires
from mho.devices.racetrack import inferences
from mho.errors import SpecError
from mho.rng import stream_key

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws

_EXACT = 1 << 53
"""Slots are numbered in double precision."""


@dataclass(frozen=True, kw_only=True)
class Skyrmion(Ageing):
    """Skyrmions that are shifted past a port; what goes wrong stays, so that errors add up from read to read.

    In every shift the whole track may first slip by a position, as a :class:`~mho.devices.Racetrack` does. Then each
    domain has its turn, from the first to the last. A skyrmion there vanishes with probability ``annihilation_rate``,
    or strays to one of the two domains beside it with ``individual_rate`` (and stays if that is taken, or beyond the
    track's end); in an empty domain one appears with ``nucleation_rate``. A skyrmion that has just moved into the next
    domain has had its turn. Nothing but writing brings back what has vanished: without the other errors, a skyrmion
    survives n shifts with probability ``(1 - annihilation_rate)^n``.

    There are no accepted rates, so the defaults are 0 and the numbers are the user's. What physics gives to go by: bit
    error rates below 1e-9 take depinning times that spread by less than about 6 % of the pulse [suess2018skyrmion],
    which also finds that skyrmions are lost at boundaries; barriers of up to about 45 kT hold them in place
    [morshed2021positional]; up to room temperature the noise of the spin current dominates how they diffuse
    [hlushchenko2025stochastic].

    Age counts inferences: what is judged at age T is what inference T reads. At age 0 nothing has moved.

    Attributes:
        slip_rate: probability that a shift leaves the whole track off by one more position, either way.
        individual_rate: probability that a shift leaves a skyrmion off by one position, either way, alone.
        annihilation_rate: probability that a shift loses a skyrmion.
        edge_factor: factor on that in the first and the last domain of a track.
        nucleation_rate: probability that a shift makes a skyrmion in an empty domain.
        passes: complete reads of the weights in one inference; what counts is the last.
        read_order: "progressive": a fault hits the bits read after it, and all later reads; "block": the whole pass is
            read as it is at its end.
        fill: what lies beyond the ends of the track: no skyrmions ("zero"), or the nearest own bit ("edge").
        margin: positions that the whole track can be off by; ``None`` for all that it has room for, K - 1.
        rewind: how a track returns to its first bit: "free" of faults, or "faulty" (as many shifts again).
    """

    references: ClassVar[tuple[str, ...]] = (
        "suess2018skyrmion",
        "morshed2021positional",
        "hlushchenko2025stochastic",
    )
    lacks: ClassVar[Mapping[str, str]] = {
        "correction": "position codes correct tracks that are off as a whole, and skyrmions also go astray alone; "
        "give device=mho.devices.Racetrack(correction=...)"
    }

    slip_rate: float = 0.0
    individual_rate: float = 0.0
    annihilation_rate: float = 0.0
    edge_factor: float = 1.0
    nucleation_rate: float = 0.0
    passes: int = 1
    read_order: Literal["progressive", "block"] = "progressive"
    fill: Literal["zero", "edge"] = "zero"
    margin: int | None = None
    rewind: Literal["free", "faulty"] = "free"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate(self, "slip_rate", "individual_rate", "annihilation_rate", "nucleation_rate")
        self.check(self.edge_factor >= 0, "edge_factor", "must be zero or more")
        gone, alone = self.annihilation_rate * max(1.0, self.edge_factor), self.individual_rate
        where = "" if self.edge_factor <= 1 else f" times edge_factor={self.edge_factor:g}"
        said = f"{where} and individual_rate={alone:g} add up to {gone + alone:g}, over 1"
        self.check(gone + alone <= 1, "annihilation_rate", said)
        self.check(self.passes >= 1, "passes", "must be one or more reads of the weights an inference")
        self.check(self.margin is None or 0 < self.margin <= 32000, "margin", "must be 1 to 32000 positions")

    @property
    def slips(self) -> bool:
        return True

    @property
    def clock(self) -> Literal["inferences"]:
        """What its age counts."""
        return "inferences"

    @property
    def inert(self) -> bool:
        return not any((self.slip_rate, self.individual_rate, self._vanishing, self.nucleation_rate))

    @property
    def _vanishing(self) -> float:
        return self.annihilation_rate * max(1.0, self.edge_factor)

    def survival(self, shifts: float) -> float:
        """Probability that a skyrmion, away from the ends of its track, is still there after ``shifts`` shifts."""
        return float((1 - self.annihilation_rate) ** shifts)

    def shifts(self, wires: Nanowires, age: float) -> float:
        """Shifts of the longest track in ``age`` inferences, rewinding included where it is faulty."""
        return age * self.passes * wires.most * (2 if self.rewind == "faulty" else 1)

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        if age == 0:
            return held
        raise SpecError(
            "Skyrmion: shifts need to know where bits lie on tracks; map the weights by mapping.Tracks(...)"
        )

    def on_tracks(self, wires: Nanowires) -> Device:
        """This device on the nanowires of one weight tensor."""
        if self.read_order == "progressive" and not wires.reached:
            raise SpecError("Skyrmion: order='published' does not say when a bit is read; use another order")
        return _OnTracks(skyrmion=self, wires=wires)


@dataclass(frozen=True, kw_only=True, eq=False)
class _OnTracks(Ageing):
    """Skyrmions that know where the bits of one weight tensor lie."""

    skyrmion: Skyrmion
    wires: Nanowires

    @property
    def clock(self) -> Literal["inferences"]:
        return "inferences"

    @property
    def inert(self) -> bool:
        return self.skyrmion.inert

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        import torch

        from mho.kernels import skyrmions as kernel

        spec, wires = self.skyrmion, self.wires
        passes = inferences(age) * spec.passes
        if passes == 0 or self.inert or wires.most == 0:
            return held
        if draws.at is not None:
            raise SpecError("Skyrmion: a write is verified before anything is shifted, at age 0")
        if spec.shifts(wires, age) * wires.bits >= _EXACT:
            raise SpecError(f"Skyrmion: age={age:g} is more shifts of {wires.bits} domains than can be numbered, 2^53")
        chips, cells = len(draws.chips), wires.cells
        bits = held.reshape(-1, cells).to("cpu", torch.float32).contiguous()
        out = bits.expand(chips, cells).clone(memory_format=torch.contiguous_format)
        kernel.read(
            out,
            bits,
            draws.chips,
            kernel.Rates(
                slip=spec.slip_rate,
                vanish=spec.annihilation_rate,
                vanish_end=spec.annihilation_rate * spec.edge_factor,
                move=spec.individual_rate,
                appear=spec.nucleation_rate,
            ),
            kernel.Reading(
                passes=passes,
                margin=max(1, wires.bits - 1) if spec.margin is None else spec.margin,
                rewinds=spec.rewind == "faulty",
                progressive=spec.read_order == "progressive",
                edge=spec.fill == "edge",
            ),
            starts=wires.starts,
            places=wires.places,
            shifts=wires.shifts,
            segment=wires.segment,
            slip_key=stream_key(draws.seed, "skyrmion slips", draws.layer),
            event_key=stream_key(draws.seed, "skyrmions", draws.layer),
        )
        return out.view(chips, *level.shape).to(level.device)
