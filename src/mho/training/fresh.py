"""Memories that training can make nothing of: those whose bits slip only when they are read."""

from __future__ import annotations

from mho.errors import SpecError
from mho.memory.rules import Rules, normalise

OTHERWISE = (
    "train the network itself without memory=, such as by NoiseInjection(sigma=0.1), or guard its layers "
    "(mho.racetrack.protect)"
)


def check_fresh(memory: Rules, who: str, remedy: str = OTHERWISE) -> None:
    """Refuse racetracks: training sees chips as they were just written, where nothing has moved.

    Args:
        memory: a memory, or name rules.
        who: asks.
        remedy: what to do instead.

    Raises:
        SpecError: bits of a memory slip along tracks.
    """
    for one in normalise(memory).values():
        if one is not None and one.device.slips:
            raise SpecError(
                f"{who}: memory= has device={one.device.label}, whose bits slip only when they are read, and training "
                f"sees freshly written chips; {remedy}"
            )
