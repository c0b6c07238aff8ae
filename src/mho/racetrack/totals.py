"""What layers on nanowires cost together, printed and as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mho.errors import unknown
from mho.racetrack.costs import LayerCost
from mho.racetrack.counting import Counting
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
        return self.extra_cycles / self.base_cycles if self.extra_cycles else 0.0

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
        joules = self.extra_joules
        energy = "" if joules is None else f", {significant(joules)} J"
        silent = f". Added energy is unknown: {self._silent()}" if joules is None else ""
        said = "" if self.share is None else f", {percent(self.share)} % of protecting every layer"
        title = (
            f"One inference behind {', '.join(self.codes) or 'no code'}: {percent(self.fraction)} % more cycles at the "
            f"memory{said}; {self.counting} nanowires, {self._base()}\n"
            f"Without protection {format_duration(self.base_seconds)} and {self.base_joules:.4g} J; protection adds "
            f"{format_duration(self.extra_seconds)}{energy} and {_domains(self.extra_domains)}{silent}"
        )
        return table([*header, "overhead %"], rows, title=title)

    def _silent(self) -> str:
        of = self.codes[0] if len(self.codes) == 1 else "a code"
        return f"{of} gives no detection_joules"

    def _base(self) -> str:
        t = self.timing
        moves = f"{t.lockstep} tracks in lockstep" if t.lockstep > 1 else "track by track"
        rewind = t.rewind if isinstance(t.rewind, str) else f"{t.rewind:g} cycles"
        return f"base {t.read_cycles:g} cycles a read and {t.shift_cycles:g} a shift, {moves}, rewind: {rewind}"


def _sum(values: Any) -> float | None:
    """The sum, ``None`` where one of the values is."""
    found = list(values)
    return None if any(v is None for v in found) else sum(found)


def _domains(number: int | None) -> str:
    return "an unknown number of domains" if number is None else f"{number:,} domains"
