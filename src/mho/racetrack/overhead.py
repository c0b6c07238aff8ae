"""WHAT PROTECTION COSTS: cycles, seconds and joules of position codes, against an explicit base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mho.devices.position_codes import PositionCode
from mho.errors import SpecError, unknown
from mho.memory import Chips
from mho.racetrack.costs import LayerCost, layer_cost
from mho.racetrack.counting import Counting, stored_layers
from mho.racetrack.selections import check_layers
from mho.racetrack.timing import Timing
from mho.text import table
from mho.units import format_duration, percent, significant

_SUMMED = (
    "nanowires",
    "protected",
    "shifts",
    "reads",
    "faults",
    "detection_cycles",
    "correction_cycles",
    "base_cycles",
)


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """What an inference of protected layers costs, layer by layer; all numbers are expectations.

    Attributes:
        layers: cost of every layer on nanowires, in the order of the model.
        timing: what the memory takes without protection.
        counting: whose nanowires are counted.
        codes: labels of the codes in use.
    """

    layers: tuple[LayerCost, ...]
    timing: Timing
    counting: Counting
    codes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> LayerCost:
        found = {layer.name: layer for layer in self.layers}
        if name not in found:
            raise unknown("layer", name, found)
        return found[name]

    @property
    def base_cycles(self) -> float:
        """Cycles of an inference without protection, of the layers on nanowires."""
        return sum(layer.base_cycles for layer in self.layers)

    @property
    def extra_cycles(self) -> float:
        """Cycles that protection adds."""
        return sum(layer.extra_cycles for layer in self.layers)

    @property
    def fraction(self) -> float:
        """The overhead: added cycles over those without protection."""
        return self.extra_cycles / self.base_cycles

    @property
    def share(self) -> float | None:
        """Added cycles over those of protecting every layer; ``None`` where no code says what that would cost."""
        full = _sum(layer.full_cycles for layer in self.layers)
        return self.extra_cycles / full if full else None

    @property
    def base_seconds(self) -> float:
        """Time of an inference without protection."""
        return sum(layer.base_seconds for layer in self.layers)

    @property
    def extra_seconds(self) -> float:
        """Time that protection adds."""
        return sum(layer.extra_seconds for layer in self.layers)

    @property
    def base_joules(self) -> float:
        """Energy of an inference without protection, leakage included."""
        return sum(layer.base_joules for layer in self.layers)

    @property
    def extra_joules(self) -> float | None:
        """Energy that protection adds; ``None`` where a code's ``detection_joules`` are unknown."""
        return _sum(layer.extra_joules for layer in self.layers)

    @property
    def extra_domains(self) -> int | None:
        """Domains that codes add; ``None`` where a code's are unknown."""
        found = _sum(layer.extra_domains for layer in self.layers)
        return None if found is None else int(found)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of the model of costs; see :func:`mho.cite`."""
        return ("bereholschi2024netdrift", *self.timing.references)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a layer, and one of the sum, called ``"all"``."""
        rows = [layer.to_dict() for layer in self.layers]
        total = {key: sum(row[key] for row in rows) for key in _SUMMED}
        whole = {
            "layer": "all",
            **total,
            "overhead": self.fraction,
            "full_cycles": _sum(layer.full_cycles for layer in self.layers),
            "extra_domains": self.extra_domains,
            "base_seconds": self.base_seconds,
            "extra_seconds": self.extra_seconds,
            "base_joules": self.base_joules,
            "extra_joules": self.extra_joules,
        }
        return [*rows, whole]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        *layers, whole = self.rows()
        return {
            "layers": layers,
            "all": whole,
            "share": self.share,
            "counting": self.counting,
            "codes": list(self.codes),
            "timing": self.timing.to_dict(),
        }

    def __str__(self) -> str:
        rows = [
            [
                row["layer"],
                f"{row['nanowires']:,}",
                f"{row['protected']:,}",
                f"{row['shifts']:,.0f}",
                f"{row['reads']:,.0f}",
                significant(row["faults"]),
                significant(row["base_cycles"]),
                significant(row["detection_cycles"]),
                significant(row["correction_cycles"]),
                percent(row["overhead"]),
            ]
            for row in self.rows()
        ]
        header = ["layer", "nanowires", "protected", "shifts", "reads", "faults", "base", "detection", "correction"]
        said = "" if self.share is None else f", {percent(self.share)} % of protecting every layer"
        title = (
            f"One inference behind {', '.join(self.codes) or 'no code'}: {percent(self.fraction)} % more cycles at the "
            f"memory{said}; {self.counting} nanowires, {self._base()}\n"
            f"Without protection {format_duration(self.base_seconds)} and {self.base_joules:.4g} J; protection adds "
            f"{format_duration(self.extra_seconds)}, {_known(self.extra_joules, 'J')} and "
            f"{_known(self.extra_domains, 'domains')}"
        )
        return table([*header, "overhead %"], rows, title=title)

    def _base(self) -> str:
        t = self.timing
        moves = f"{t.lockstep} tracks in lockstep" if t.lockstep > 1 else "track by track"
        rewind = t.rewind if isinstance(t.rewind, str) else f"{t.rewind:g} cycles"
        return f"base {t.read_cycles:g} cycles a read and {t.shift_cycles:g} a shift, {moves}, rewind: {rewind}"


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


def _sum(values: Any) -> float | None:
    """The sum, ``None`` where one of the values is."""
    found = list(values)
    return None if any(v is None for v in found) else sum(found)


def _known(value: float | None, unit: str) -> str:
    if value is None:
        return f"an unknown number of {unit}" if unit != "J" else "an unknown energy"
    return f"{value:,} {unit}" if isinstance(value, int) else f"{significant(value)} {unit}"
