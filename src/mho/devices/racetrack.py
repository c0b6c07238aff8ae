"""A racetrack nanowire: bits that slip along the track when they are shifted to the port."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mho.devices.base import Ageing, Device, check_rate
from mho.devices.nanowires import Nanowires
from mho.devices.position_codes import PositionCode
from mho.devices.shift_law import Bound, Fill, Law
from mho.errors import SpecError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from mho.devices.offsets import Offsets
    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class Racetrack(Ageing):
    """Position errors of shifts (misalignment faults), which add up from read to read [bereholschi2024netdrift].

    Bits are read by shifting the track past its port. A shift that goes wrong leaves the whole track off by one more
    position, one way or the other with equal probability, and so it stays: the age of a chip is the number of
    inferences that it has done, and what is judged at age T is what inference T reads. At age 0 nothing has moved.

    The defaults are the physical reading of the paper (docs/decisions/0018); :func:`mho.racetrack.compat2024` makes the
    choices of the simulator that its figures come from.

    Attributes:
        fault_rate: probability that a shift by one position goes wrong [zhang2015hifi: 4.55e-5].
        double: share of these errors that are by two positions; without a code, less than 5e-10 counts as none.
        stop_rate: probability that a shift stops in the middle: the bits then read are random, in that read alone.
        passes: complete reads of the weights in one inference; what counts is the last.
        read_order: "progressive": a fault hits the bits read after it, and all later reads; "block": the whole pass is
            read with the offset at its end.
        fill: what lies beyond the ends of the track: the nearest own bit ("edge"), "zero" or "one" (the bits),
            random bits that stay ("latched") or not ("fresh"), the other end ("wrap"), the next track's bits
            ("neighbour"), or what the published simulator reads ("published").
        bound: what stops an offset at ``margin``: "clamp" it there, "free" (nothing), "stick" (a track there never
            moves again), or "stick-right" (that, on one side, with no bound on the other).
        margin: positions; ``None`` for all that a track has room for, K - 1 (K/2 where it sticks).
        rewind: how a track returns to its first bit: "free" of faults, "faulty" (as many shifts again), or "zigzag"
            (not at all: every second pass reads backwards).
        rewind_step: positions that one rewinding shift goes.
        rewind_rates: probability of an error of a shift by 1, 2, ... positions; ``1 - (1 - fault_rate)^d`` if empty.
        correction: the position code that guards the nanowires, or ``None``: errors that it corrects leave no trace,
            others stay (:meth:`PositionCode.net`). Shifts that stop in the middle are noticed and read again.
        protected_planes: how many of the most significant bit planes the code guards; ``None`` for all.
        path: a chip is one device through its ages. ``False`` draws the offsets of every age afresh from their exact
            law, which costs the same at any age.
    """

    references: ClassVar[tuple[str, ...]] = ("bereholschi2024netdrift",)

    fault_rate: float = 4.55e-5
    double: float = 0.0
    stop_rate: float = 0.0
    passes: int = 1
    read_order: Literal["progressive", "block"] = "progressive"
    fill: Fill = "edge"
    bound: Bound = "clamp"
    margin: int | None = None
    rewind: Literal["free", "faulty", "zigzag"] = "free"
    rewind_step: int = 1
    rewind_rates: tuple[float, ...] = ()
    correction: PositionCode | None = None
    protected_planes: int | None = None
    path: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate(self, "fault_rate", "double", "stop_rate")
        self.check(self.passes >= 1, "passes", "must be one or more reads of the weights an inference")
        self.check(self.margin is None or 0 < self.margin <= 32000, "margin", "must be 1 to 32000 positions")
        unbounded = self.margin is not None and self.bound == "free"
        self.check(not unbounded, "margin", "bounds offsets; with bound='free' leave it out")
        self.check(self.rewind_step >= 1, "rewind_step", "must be one position or more")
        faulty = self.rewind == "faulty"
        self.check(faulty or self.rewind_step == 1, "rewind_step", "is for rewind='faulty'")
        self.check(faulty or not self.rewind_rates, "rewind_rates", "is for rewind='faulty'")
        for rate in self.rewind_rates:
            self.check(0 <= rate <= 1, "rewind_rates", "holds probabilities, which must be within 0 and 1")
        if self.rewind_rates and len(self.rewind_rates) < self.rewind_step:
            raise SpecError(
                f"Racetrack: rewind_rates lists {len(self.rewind_rates)} distances; rewind_step={self.rewind_step} "
                "needs one rate for each distance up to it"
            ).at("rewind_rates")
        longest = None if self.correction is None else self.correction.max_distance
        if longest is not None and self.rewind_step > longest:
            raise SpecError(
                f"Racetrack: rewind_step={self.rewind_step}, but {self.correction.name} checks shifts of at most "  # type: ignore[union-attr]
                f"{longest}; use rewind_step={longest}"
            ).at("rewind_step")
        if self.protected_planes is not None:
            self.check(self.correction is not None, "protected_planes", "says what a correction guards; give one")
            self.check(self.protected_planes >= 0, "protected_planes", "must be zero or more bit planes")

    @property
    def label(self) -> str:
        said = f"Racetrack p={self.fault_rate:g}"
        return said if self.correction is None else f"{said} + {self.correction.name}"

    @property
    def slips(self) -> bool:
        return True

    @property
    def clock(self) -> Literal["inferences"]:
        """What its age counts."""
        return "inferences"

    @property
    def rates(self) -> tuple[float, ...]:
        """Probability of an error of a read shift, then of rewinding by 1, 2, ... positions."""
        if self.rewind != "faulty":
            return (self.fault_rate,)
        distances = range(1, self.rewind_step + 1)
        return self.fault_rate, *(self.rewind_rates or map(self._within, distances))

    def _within(self, distance: int) -> float:
        """Probability that any of ``distance`` single shifts goes wrong."""
        if self.fault_rate == 1:
            return 1.0
        return -math.expm1(distance * math.log1p(-self.fault_rate))

    @property
    def inert(self) -> bool:
        return max(self.rates) == 0 and self.stop_rate == 0

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        if age == 0:
            return held
        raise SpecError("Racetrack: shifts need to know where bits lie; map the weights by mapping.Tracks(...)")

    def on_tracks(self, wires: Nanowires) -> Device:
        if self.read_order == "progressive" and not wires.reached:
            raise SpecError(
                "Racetrack: order='published' does not say when a bit is read; it takes read_order='block', as in "
                "mho.racetrack.compat2024"
            )
        from mho.devices.shifting import _Shifting

        return _Shifting(racetrack=self, wires=wires)

    def law(self, wires: Nanowires, *, guarded: bool) -> Law | None:
        """What shifts do to nanowires with or without the correction; ``None`` where they leave no trace."""
        rates, double, jumps = self.rates, self.double, (1, 2)
        if guarded:
            assert self.correction is not None
            jumps = (self.correction.net(1), self.correction.net(2))
            if jumps[0] == 0:  # only double errors count, and they are rarer
                rates, double, jumps = tuple(r * double for r in rates), 0.0, (jumps[1], jumps[1])
        if max(rates) == 0 or jumps == (0, 0):
            return None
        room = wires.bits // 2 if self.bound.startswith("stick") else wires.bits - 1
        return Law(
            rates=rates,
            double=double,
            jumps=jumps,
            bound=self.bound,
            margin=max(1, room) if self.margin is None else self.margin,
            step=self.rewind_step if self.rewind == "faulty" else 0,
            zigzag=self.rewind == "zigzag",
            progressive=self.read_order == "progressive",
            fill=self.fill,
            guarded=guarded,
        )

    def guards(self, wires: Nanowires) -> NDArray[np.bool_]:
        """``(units,)``: which nanowires the correction guards."""
        if self.correction is None:
            return np.zeros(wires.units, bool)
        if self.protected_planes is None:
            return np.ones(wires.units, bool)
        if bool((wires.planes < 0).any()):
            raise SpecError(
                "Racetrack: protected_planes guards bit planes, but slicing='interleaved' mixes them on every track; "
                "use slicing='plane'"
            )
        return wires.planes < self.protected_planes

    def offsets(self, wires: Nanowires, seed: int, layer: str, chips: Tensor) -> list[Offsets]:
        """The nanowires of a layer of some chips, aligned: one state for all that share a law and can move.

        Args:
            wires: where the bits lie.
            seed: of the deployment.
            layer: name of the parameter.
            chips: ``(chips,)`` int64 numbers.
        """
        from mho.devices.offsets import Offsets

        guarded, out = self.guards(wires), []
        for kind, mine in ((False, ~guarded), (True, guarded)):
            law = self.law(wires, guarded=kind) if mine.any() else None
            if law is not None:
                out.append(Offsets(wires, law, seed, layer, chips, None if mine.all() else mine.view(np.uint8)))
        return out

    def exposure(self, wires: Nanowires, inferences: float = 1.0) -> NDArray[np.float64]:
        """``(units,)`` expected position errors of each nanowire in so many inferences, corrected or not."""
        law = self.law(wires, guarded=False)
        if law is None:
            return np.zeros(wires.units)
        by_shifts = {
            int(n): sum(k * r for k, r in zip(law.shifts(int(n)), law.rates, strict=True))
            for n in np.unique(wires.shifts)
        }
        reads = inferences * self.passes
        return np.array([reads * by_shifts[n] for n in wires.shifts.tolist()])


def inferences(age: float) -> int:
    """``age`` as a whole number of inferences.

    Raises:
        SpecError: it is none.
    """
    if age != int(age):
        raise SpecError(f"age={age:g} must be a whole number: racetracks age by inferences")
    return int(age)
