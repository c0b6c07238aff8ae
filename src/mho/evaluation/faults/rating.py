"""The same memory with more or fewer stuck cells."""

from __future__ import annotations

from math import isclose

from mho.devices import Device, Stack, StuckAt
from mho.devices.stack import stuck_of
from mho.devices.stuck_at import SA0_SHARE
from mho.errors import SpecError
from mho.memory.rules import Rules
from mho.memory.spec import Memory


def at_rate(memory: Memory, rate: float) -> Memory:
    """``memory`` with ``rate`` of its cells stuck, stuck-at-0 to stuck-at-1 as before (as published where none is).

    Everything else about the device stays; chip i at a lower rate has some of the faults of chip i at a higher one.

    Args:
        memory: one whose device has stuck cells.
        rate: of both kinds together, a fraction of all cells.

    Raises:
        SpecError: its device has no stuck cells.
    """
    own = stuck_of(memory.device)
    if own is None:
        raise SpecError(
            f"{memory.device.label} has no stuck cells whose rate could be set; take devices.StuckAt.at_rate(1e-3), "
            "or a Stack with one"
        )
    cell = own.written_to(cell_bits=getattr(memory.mapping, "cell_bits", 1), weight_bits=1, kappa=1.0)
    total = cell.sa0 + cell.sa1
    share = cell.sa0 / total if total else SA0_SHARE
    # The published share comes back as such: the same rate is then the same device, to the last digit.
    published = isclose(share, SA0_SHARE, rel_tol=1e-9)
    changed = StuckAt.at_rate(rate) if published else StuckAt(sa0=rate * share, sa1=rate * (1 - share))
    return memory.replace(device=_with(memory.device, changed))


def rules_at_rate(rules: Rules, rate: float) -> Rules:
    """:func:`at_rate` of every memory of ``rules`` that has stuck cells.

    Raises:
        SpecError: none has.
    """
    if isinstance(rules, Memory):
        return at_rate(rules, rate)
    faulty = [m for m in rules.values() if m is not None and stuck_of(m.device) is not None]
    if not faulty:
        raise SpecError("no memory of these rules has stuck cells; take devices.StuckAt.at_rate(1e-3) for one")
    return {p: at_rate(m, rate) if m is not None and stuck_of(m.device) is not None else m for p, m in rules.items()}


def _with(device: Device, stuck: StuckAt) -> Device:
    if isinstance(device, StuckAt):
        return stuck
    assert isinstance(device, Stack)
    return device.replace(stages=tuple(_with(s, stuck) if stuck_of(s) is not None else s for s in device.stages))
