"""What a racetrack memory without protection takes: the base that every overhead is a fraction of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Timing(Spec):
    """Cycles, seconds and joules of one read of the weights; the defaults are RTSim's ``RM.config`` [rtsim].

    One pass over a nanowire of R bits takes ``B = R read_cycles + S shift_cycles + rewind`` cycles, S = R - 1 with a
    single port. Nanowires are read one after the other unless they move in ``lockstep`` or in ``parallel``. Nothing
    else of an inference (arithmetic, activations) is in B: overheads are fractions of the time at the memory alone.

    RTSim also gives latencies, which are no multiples of its cycle: 1.61338 ns a read, 2.14192 ns a shift, 4.84522 ns
    a write. Energies there are of the memory DESTINY modelled for it; they contain no transverse read.

    Attributes:
        read_cycles: of one access.
        shift_cycles: of one step of a track.
        write_cycles: of one write.
        cycle_seconds: one clock cycle; 400 MHz.
        read_seconds: latency of an access instead of its cycles, where not ``None``; cycle counts stay as they are, and
            codes are timed by the clock.
        shift_seconds: the same of a step.
        write_seconds: the same of a write.
        read_joules: energy of one access.
        shift_joules: energy of one step.
        write_joules: energy of one write.
        leakage_watts: of the whole memory, all the time.
        rewind: how a track gets back to its first bit: "device" (as the device says: shifts where its rewinding is
            "faulty", else nothing), "zigzag" (nothing: the next read goes backwards), "shift" (S shifts), or the cycles
            of a jump.
        lockstep: T, nanowires of a cluster (DBC) that move together, so that their bits are read at once. A cluster
            waits when any of its tracks is corrected.
        energy_per: whether the energies are of one "track" or of one "word", the T tracks of a cluster at once.
        parallel: clusters that work at the same time; it divides seconds and leaves cycles as they are.
    """

    references: ClassVar[tuple[str, ...]] = ("rtsim",)

    read_cycles: float = 1.0
    shift_cycles: float = 1.0
    write_cycles: float = 2.0
    cycle_seconds: float = 2.5e-9
    read_seconds: float | None = None
    shift_seconds: float | None = None
    write_seconds: float | None = None
    read_joules: float = 80.096e-12
    shift_joules: float = 19.5e-12
    write_joules: float = 108.981e-12
    leakage_watts: float = 3.1202
    rewind: Literal["device", "zigzag", "shift"] | float = "device"
    lockstep: int = 1
    energy_per: Literal["track", "word"] = "word"
    parallel: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("read", "shift", "write"):
            self.check(getattr(self, f"{field}_cycles") >= 0, f"{field}_cycles", "must be zero or more cycles")
            seconds = getattr(self, f"{field}_seconds")
            self.check(seconds is None or seconds >= 0, f"{field}_seconds", "must be zero or more seconds, or null")
            self.check(getattr(self, f"{field}_joules") >= 0, f"{field}_joules", "must be zero or more joules")
        self.check(self.read_cycles + self.shift_cycles > 0, "read_cycles", "and shift_cycles must not both be zero")
        self.check(self.cycle_seconds > 0, "cycle_seconds", "must be more than zero seconds")
        self.check(self.leakage_watts >= 0, "leakage_watts", "must be zero or more watts")
        self.check(isinstance(self.rewind, str) or self.rewind >= 0, "rewind", "must be zero or more cycles")
        for field in ("lockstep", "parallel"):
            self.check(getattr(self, field) >= 1, field, "must be 1 or more")

    def cycles(self, *, reads: float = 0.0, shifts: float = 0.0, writes: float = 0.0) -> float:
        """Clock cycles of some accesses."""
        return reads * self.read_cycles + shifts * self.shift_cycles + writes * self.write_cycles

    def seconds(self, *, reads: float = 0.0, shifts: float = 0.0, writes: float = 0.0, cycles: float = 0.0) -> float:
        """Time of some accesses, and of further ``cycles``, with ``parallel`` clusters at work."""
        kinds = (
            (reads, self.read_cycles, self.read_seconds),
            (shifts, self.shift_cycles, self.shift_seconds),
            (writes, self.write_cycles, self.write_seconds),
        )
        each = sum(n * (c * self.cycle_seconds if s is None else s) for n, c, s in kinds)
        return (each + cycles * self.cycle_seconds) / self.parallel

    def joules(self, *, reads: float = 0.0, shifts: float = 0.0, writes: float = 0.0) -> float:
        """Dynamic energy of some accesses."""
        return reads * self.read_joules + shifts * self.shift_joules + writes * self.write_joules
