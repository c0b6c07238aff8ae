"""What one layer on nanowires costs, without protection and with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from math import expm1, log1p
from typing import Any

from mho.devices.position_codes import PositionCode
from mho.devices.racetrack import Racetrack
from mho.errors import SpecError
from mho.racetrack.counting import StoredLayer, acted_upon, operations, outcomes
from mho.racetrack.timing import Timing


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """One layer, one inference; all numbers are expectations.

    Attributes:
        name: of the layer.
        nanowires: that move on their own.
        protected: of these, behind the code.
        shifts: steps of nanowires, rewinding included.
        reads: bits read.
        faults: position errors, corrected or not.
        detection_cycles: of checks.
        correction_cycles: of undoing errors, and of writing again what cannot be undone.
        base_cycles: without protection.
        full_cycles: what protecting the whole layer would add; ``None`` without a code.
        extra_domains: that the code adds; ``None`` if unknown.
        base_seconds, extra_seconds: time without protection, and what protection adds.
        base_joules, extra_joules: energy likewise, leakage included; ``None`` where the code's is unknown.
    """

    name: str
    nanowires: int
    protected: int
    shifts: float
    reads: float
    faults: float
    detection_cycles: float
    correction_cycles: float
    base_cycles: float
    full_cycles: float | None
    extra_domains: int | None
    base_seconds: float
    extra_seconds: float
    base_joules: float
    extra_joules: float | None

    @property
    def extra_cycles(self) -> float:
        """Cycles that protection adds."""
        return self.detection_cycles + self.correction_cycles

    @property
    def overhead(self) -> float:
        """Added cycles over those without protection."""
        return self.extra_cycles / self.base_cycles if self.base_cycles else 0.0

    def to_dict(self) -> dict[str, Any]:
        """A flat record."""
        fields = dataclasses.asdict(self)
        return {"layer": fields.pop("name"), **fields, "overhead": self.overhead}


@dataclass(kw_only=True)
class _Extra:
    """What a code adds to some nanowires, summed up."""

    detection: float = 0.0
    correction: float = 0.0
    checks: float = 0.0
    moved: float = 0.0
    written: float = 0.0
    stepped: float = 0.0

    @property
    def cycles(self) -> float:
        return self.detection + self.correction


def layer_cost(
    layer: StoredLayer, timing: Timing, code: PositionCode | None = None, full: PositionCode | None = None
) -> LayerCost:
    """What one inference of ``layer`` costs.

    Args:
        layer: its nanowires, and the device that they are.
        timing: what the memory takes without protection.
        code: what protects it, all its nanowires or those that the device's ``protected_planes`` names.
        full: what would protect all of it, for ``full_cycles``.

    Raises:
        SpecError: the device and the timing rewind differently.
    """
    device, extra, all_of_it = layer.device, _Extra(), _Extra()
    if device.rewind == "faulty" and timing.rewind not in ("device", "shift"):
        raise SpecError(f"Timing: rewind={timing.rewind!r}, but the device shifts back (rewind='faulty'); use 'device'")
    if device.rewind == "zigzag" and timing.rewind not in ("device", "zigzag"):
        raise SpecError(f"Timing: rewind={timing.rewind!r}, but the device has rewind='zigzag'; use rewind='device'")
    shifts = reads = faults = cycles = seconds = dynamic = 0.0
    guarded = 0
    for group in layer.tracks.groups:
        back = _rewinding(device, timing, group.shifts)
        jump = 0.0 if isinstance(timing.rewind, str) else float(timing.rewind)
        passes = device.passes
        faults += passes * group.nanowires * sum(o.number * o.rate for o in operations(device, group.shifts))
        for clusters, tracks in _clusters(group.nanowires, timing.lockstep):
            turns = clusters * passes
            read, shift = turns * group.bits, turns * (group.shifts + back)
            reads, shifts = reads + read * tracks, shifts + shift * tracks
            cycles += timing.cycles(reads=read, shifts=shift) + turns * jump
            seconds += timing.seconds(reads=read, shifts=shift, cycles=turns * jump)
            each = tracks if timing.energy_per == "track" else 1
            dynamic += timing.joules(reads=read * each, shifts=shift * each)
            if code is not None and layer.guards(group, code):
                guarded += clusters * tracks
                _add(extra, code, timing, device, group.bits, group.shifts, tracks, turns)
            if full is not None:
                _add(all_of_it, full, timing, device, group.bits, group.shifts, tracks, turns)
    more = timing.seconds(cycles=extra.cycles)
    return LayerCost(
        name=layer.name,
        nanowires=layer.tracks.nanowires,
        protected=guarded,
        shifts=shifts,
        reads=reads,
        faults=faults,
        detection_cycles=extra.detection,
        correction_cycles=extra.correction,
        base_cycles=cycles,
        full_cycles=None if full is None else all_of_it.cycles,
        extra_domains=0 if not guarded or code is None else _times(guarded, code.extra_domains),
        base_seconds=seconds,
        extra_seconds=more,
        base_joules=dynamic + timing.leakage_watts * seconds,
        extra_joules=_energy(extra, code, timing, more) if guarded and code is not None else 0.0,
    )


def _add(
    extra: _Extra,
    code: PositionCode,
    timing: Timing,
    device: Racetrack,
    bits: int,
    shifts: int,
    tracks: int,
    turns: int,
) -> None:
    """Add what ``code`` does in ``turns`` passes over clusters of ``tracks`` nanowires."""
    back, reload = acted_upon(code, device.double), outcomes(code, device.double)["reloaded"]
    moves = operations(device, shifts)
    checks = sum(o.number * code.checks(o.distance) for o in moves)
    if device.rewind == "free" and timing.rewind == "shift":  # free of faults, but the circuit does not know
        checks += code.checks(shifts) if shifts else 0
    stalls = sum(o.number * _any(o.rate * back, tracks) for o in moves)
    reloads = sum(o.number * _any(o.rate * reload, tracks) for o in moves)
    extra.detection += turns * checks * code.detection_cycles
    extra.correction += turns * stalls * code.correction_cycles
    extra.correction += turns * reloads * timing.cycles(writes=bits, shifts=shifts)
    extra.checks += turns * tracks * checks
    extra.moved += turns * tracks * sum(o.number * o.rate for o in moves) * back
    lost = turns * tracks * sum(o.number * o.rate for o in moves) * reload
    extra.written += lost * bits
    extra.stepped += lost * shifts


def _energy(extra: _Extra, code: PositionCode, timing: Timing, seconds: float) -> float | None:
    """Checks, corrections (one shift and one write unless the code says more), rewriting, and leakage meanwhile."""
    if code.detection_joules is None:
        return None
    correction = timing.joules(shifts=1, writes=1) if code.correction_joules is None else code.correction_joules
    rewriting = timing.joules(writes=extra.written, shifts=extra.stepped)
    return extra.checks * code.detection_joules + extra.moved * correction + rewriting + timing.leakage_watts * seconds


def _rewinding(device: Racetrack, timing: Timing, shifts: int) -> int:
    """Steps of a nanowire that bring it back to its first bit."""
    if timing.rewind == "shift" or (timing.rewind == "device" and device.rewind == "faulty"):
        return shifts
    return 0


def _clusters(nanowires: int, lockstep: int) -> Iterator[tuple[int, int]]:
    """How many clusters of how many tracks hold ``nanowires``."""
    whole, rest = divmod(nanowires, lockstep)
    if whole:
        yield whole, lockstep
    if rest:
        yield 1, rest


def _any(p: float, tracks: int) -> float:
    """Probability that at least one of ``tracks`` fails."""
    if tracks == 1 or p in (0.0, 1.0):
        return p
    return -expm1(tracks * log1p(-p))


def _times(number: int, each: int | None) -> int | None:
    return None if each is None else number * each
