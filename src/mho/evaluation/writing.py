"""What programming the chips of an evaluation costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import reduce
from operator import add
from typing import Any

from mho.programming import Cost
from mho.units import format_duration


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What programming one chip costs on average, at every sigma.

    Expected values, exact for Gaussian cells that are redrawn and simulated otherwise;
    :meth:`mho.memory.Chips.written` counts the cycles of single cells of single chips.

    Attributes:
        cells: memory cells of a chip.
        cycles: ``(sigma,)`` write cycles in all.
        nwc: ``(sigma,)`` normalised write cycles: those of verified cells over those of verifying every cell.
        nwc_with_first_write: ``(sigma,)`` the same with the single write of the other cells counted too.
        failures: ``(sigma,)`` verified cells that do not come within their tolerance.
        seconds: ``(sigma,)`` time, one cell after the other; ``None`` where the scheme knows no time of a cycle.
        joules: ``(sigma,)`` energy, likewise.
    """

    cells: int
    cycles: tuple[float, ...]
    nwc: tuple[float, ...]
    nwc_with_first_write: tuple[float, ...]
    failures: tuple[float, ...]
    seconds: tuple[float, ...] | None = None
    joules: tuple[float, ...] | None = None

    @classmethod
    def of(cls, costs: Iterable[Cost]) -> Writing:
        """The costs at every sigma."""
        listed = list(costs)
        seconds, joules = ([getattr(c, name) for c in listed] for name in ("seconds", "joules"))
        return cls(
            cells=listed[0].cells,
            cycles=tuple(c.cycles for c in listed),
            nwc=tuple(c.nwc for c in listed),
            nwc_with_first_write=tuple(c.nwc_with_first_write for c in listed),
            failures=tuple(c.failed for c in listed),
            seconds=None if None in seconds else tuple(seconds),
            joules=None if None in joules else tuple(joules),
        )

    @classmethod
    def joined(cls, parts: Iterable[Writing]) -> Writing | None:
        """One after the other along sigma; ``None`` of none."""
        listed = list(parts)
        if not listed:
            return None
        first, names = listed[0], [f.name for f in fields(cls) if f.name != "cells"]
        known = [name for name in names if getattr(first, name) is not None]
        whole: dict[str, Any] = {name: sum((getattr(p, name) for p in listed), ()) for name in known}
        whole["cells"] = first.cells
        return cls(**whole)

    @property
    def told(self) -> bool:
        """Whether there is anything to tell: cells are verified, or a cycle's time or energy is known."""
        return max(self.nwc) > 0 or self.seconds is not None or self.joules is not None

    def row(self, i: int) -> dict[str, float]:
        """The costs at the i-th sigma, flat, where there is anything to tell."""
        names = [f.name for f in fields(self) if f.name != "cells" and getattr(self, f.name) is not None]
        return {name: getattr(self, name)[i] for name in names} if self.told else {}

    def lines(self, sigma: tuple[float | None, ...]) -> list[str]:
        """One line for every sigma, where there is anything to tell."""
        if not self.told:
            return []
        out = []
        for i, s in enumerate(sigma):
            where = "" if s is None else f" at sigma {s:g}"
            said = f"programming{where}: {self.cycles[i]:,.0f} write cycles a chip on average"
            if self.nwc[i] > 0:
                said += f", NWC {self.nwc[i]:.3g} ({self.nwc_with_first_write[i]:.3g} with the first write of all)"
                n = self.failures[i]
                failing = "no verified cell" if n < 0.005 else f"{n:,.{0 if n >= 100 else 2}f} verified cells"
                said += f"; {failing} left outside the tolerance"
            said += "" if self.seconds is None else f", {format_duration(self.seconds[i])}"
            said += "" if self.joules is None else f", {self.joules[i]:.3g} J"
            out.append(said)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Writing:
        """What :meth:`to_dict` wrote."""
        made: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**made)


def total(costs: Iterable[Cost]) -> Cost:
    """The cost of a whole chip, from those of its layers."""
    return reduce(add, costs)
