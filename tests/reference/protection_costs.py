"""Position codes and their costs, literally: look for the move that explains what is seen; walk every nanowire."""

from __future__ import annotations

from math import prod

from mho.devices.position_codes import PositionCode
from mho.devices.racetrack import Racetrack
from mho.racetrack.timing import Timing


def undo(code: PositionCode, e: int) -> tuple[int, str]:
    """What an error of ``e`` leaves, and what became of it: the controller believes in the smallest move it can."""
    period = code.correctable + (code.correctable if code.detectable is None else code.detectable) + 1
    explanations = [r for r in range(-period, period + 1) if (e - r) % period == 0]
    believed = min(explanations, key=abs)
    if e == 0:
        return 0, "none"
    if abs(believed) > code.correctable:
        return 0, "reloaded"
    return e - believed, "undetected" if e != believed else "corrected"


def steps(device: Racetrack, shifts: int) -> list[tuple[int, float]]:
    """Distance and error rate of every shift operation of a pass, one after the other."""
    out = [(1, device.fault_rate)] * shifts
    left = shifts if device.rewind == "faulty" else 0
    while left:
        distance = min(left, device.rewind_step)
        rate = 1 - (1 - device.fault_rate) ** distance
        if device.rewind_rates:
            rate = device.rewind_rates[distance - 1]
        out.append((distance, rate))
        left -= distance
    return out


def walk(lengths: list[int], device: Racetrack, timing: Timing, code: PositionCode | None) -> dict[str, float]:
    """Cycles and energy of an inference over nanowires of some lengths; those of one length share clusters."""
    base = detection = correction = faults = joules = extra_joules = 0.0
    for length in sorted(set(lengths)):
        tracks = [n for n in lengths if n == length]
        clusters = [tracks[i : i + timing.lockstep] for i in range(0, len(tracks), timing.lockstep)]
        for cluster in clusters:
            words = len(cluster) if timing.energy_per == "track" else 1
            for _ in range(device.passes):
                for _ in range(length):
                    base += timing.read_cycles
                    joules += timing.read_joules * words
                back = timing.rewind == "shift" or (timing.rewind == "device" and device.rewind == "faulty")
                for _ in range((length - 1) * (2 if back else 1)):
                    base += timing.shift_cycles
                    joules += timing.shift_joules * words
                if not isinstance(timing.rewind, str):
                    base += timing.rewind
                for distance, rate in steps(device, length - 1):
                    faults += rate * len(cluster)
                    if code is None:
                        continue
                    while distance > 0:
                        detection += code.detection_cycles
                        extra_joules += (code.detection_joules or 0.0) * len(cluster)
                        distance -= code.max_distance or distance
                    moved = rate * sum(
                        share
                        for e, share in ((1, 1 - device.double), (2, device.double))
                        if undo(code, e)[0] != e and undo(code, e)[1] != "reloaded"
                    )
                    lost = rate * sum(
                        share
                        for e, share in ((1, 1 - device.double), (2, device.double))
                        if undo(code, e)[1] == "reloaded"
                    )
                    correction += (1 - prod(1 - moved for _ in cluster)) * code.correction_cycles
                    again = length * timing.write_cycles + (length - 1) * timing.shift_cycles
                    correction += (1 - prod(1 - lost for _ in cluster)) * again
                    each = timing.shift_joules + timing.write_joules
                    each = each if code.correction_joules is None else code.correction_joules
                    rewriting = length * timing.write_joules + (length - 1) * timing.shift_joules
                    extra_joules += (moved * each + lost * rewriting) * len(cluster)
    seconds = base * timing.cycle_seconds / timing.parallel
    more = (detection + correction) * timing.cycle_seconds / timing.parallel
    return {
        "base_cycles": base,
        "detection_cycles": detection,
        "correction_cycles": correction,
        "faults": faults,
        "base_seconds": seconds,
        "extra_seconds": more,
        "base_joules": joules + timing.leakage_watts * seconds,
        "extra_joules": extra_joules + timing.leakage_watts * more,
    }
