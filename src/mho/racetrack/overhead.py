"""WHAT PROTECTION COSTS: cycles, seconds and joules of position codes, against an explicit base."""

from __future__ import annotations

from collections.abc import Sequence

from mho.devices.position_codes import PositionCode
from mho.errors import SpecError
from mho.memory import Chips
from mho.racetrack.costs import layer_cost
from mho.racetrack.counting import Counting, stored_layers
from mho.racetrack.selections import check_layers
from mho.racetrack.timing import Timing
from mho.racetrack.totals import Overhead

__all__ = ["Overhead", "overhead"]


def overhead(
    chips: Chips,
    timing: Timing | None = None,
    *,
    counting: Counting = "physical",
    code: PositionCode | None = None,
    protect: Sequence[str] | None = None,
) -> Overhead:
    """What does protection cost? Cycles, seconds, joules and domains of one inference, layer by layer.

    Per pass over a nanowire, a code takes ``checks x t_detect + E(errors) x t_correct`` cycles on top of
    ``B = reads x t_read + shifts x t_shift + rewind``. With T nanowires in lockstep the cluster waits when one of them
    is corrected, ``1 - (1 - p)^T`` of the shifts. The overhead is a fraction of B, which :class:`Timing` declares.

    [bereholschi2024netdrift] prints overheads of 87 and 109 %, and 5 to 96 %, without saying of what. With its cycles
    of detection and correction a nanowire of K bits takes ``(K - 1)(2 + 4p) / (2K - 1)`` more, 98.4 % at K = 32 in
    *every* network, so these numbers cannot be derived and nothing here claims them. What can be derived is
    :attr:`Overhead.share`: with ``counting="published"`` it is the ratio of the printed overheads, with
    ``counting="physical"`` that of the nanowires the weights really need.

    Args:
        chips: a deployed model; layers that are not on racetracks are left out.
        timing: what the memory takes without protection; RTSim's if ``None``.
        counting: "physical", or "published": the nanowires that the simulator of the paper counts.
        code: what layers would be protected by, for :attr:`Overhead.share` and ``protect``; the code in use if
            ``None``.
        protect: layers to take as protected by ``code``, whatever their memories say; ``None`` for what they say.

    Raises:
        ModelError: no layer is on nanowires.
        UnknownNameError: ``protect`` names no layer.
        SpecError: ``protect`` without any code; the device and the timing rewind differently.
    """
    timing = Timing() if timing is None else timing
    stored = stored_layers(chips, counting)
    used = list(dict.fromkeys(s.device.correction for s in stored if s.device.correction is not None))
    if code is None and len(used) == 1:
        code = used[0]
    chosen = None if protect is None else check_layers(tuple(protect), chips)
    if chosen and code is None:
        raise SpecError("protect= names layers, but no code to protect them by; give code=racetrack.GROGU()")
    costs = []
    for one in stored:
        own = one.device.correction if chosen is None else code if one.name in chosen else None
        costs.append(layer_cost(one, timing, own, code or own))
    codes = dict.fromkeys(c.name for c in ([code] if chosen and code else [] if chosen is not None else used))
    return Overhead(layers=tuple(costs), timing=timing, counting=counting, codes=tuple(codes))
