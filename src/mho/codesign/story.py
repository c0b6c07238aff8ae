"""The measures of several papers side by side: average chip, unlucky chip, worst possible chip, and the price."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mho.codesign.candidate import read, written
from mho.codesign.costs import Costs
from mho.codesign.design import Design
from mho.evaluation.statistics import Interval
from mho.spec import from_dict, references
from mho.text import table
from mho.units import format_duration, percent

STATISTICS = ("mean", "p1")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One combination of measures, judged on the test data.

    Attributes:
        name: what tables call it.
        chosen: axis to the name of its option.
        values: "mean" and "p1" of the chips' accuracies, with intervals.
        digital: accuracy of the network without cells.
        worst: accuracy of the worst chip found, by the bound on every weight: what a tolerance of every cell implies
            first, if it is another one.
        bounded: whether every cell of a chip is verified, so that the first bound is one of its chips.
        chips: how many were evaluated.
        costs: what it takes.
        refused: why the combination is impossible, in one line; there are no numbers then.
    """

    name: str
    chosen: Mapping[str, str]
    values: Mapping[str, Interval] = field(default_factory=dict)
    digital: float = math.nan
    worst: tuple[float, ...] = ()
    bounded: bool = False
    chips: int = 0
    costs: Costs | None = None
    refused: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        said = {n: getattr(self, n) for n in ("name", "bounded", "chips", "refused")}
        return said | {
            "chosen": dict(self.chosen),
            "values": written(self.values),
            "digital": self.digital if math.isfinite(self.digital) else None,
            "worst": list(self.worst),
            "costs": None if self.costs is None else self.costs.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Line:
        """What :meth:`to_dict` wrote."""
        made: dict[str, Any] = {
            "values": read(data["values"]),
            "digital": math.nan if data["digital"] is None else data["digital"],
            "worst": tuple(data["worst"]),
            "costs": None if data["costs"] is None else Costs.from_dict(data["costs"]),
        }
        return cls(**{**data, **made})


@dataclass(frozen=True, kw_only=True)
class Story:
    """What :func:`mho.codesign.tell` found.

    Attributes:
        design: what the lines are candidates of: network, memory, data, severity.
        lines: one for each combination, nothing bought first.
        bounds: on every weight, of :attr:`Line.worst`, fractions of its full scale.
        tolerance: of verification, a fraction of the range of a cell; it implies the first bound.
        images: test samples.
        provenance: versions, machine, wall time.
    """

    design: Design
    lines: tuple[Line, ...]
    bounds: tuple[float, ...]
    tolerance: float
    images: int
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.design.label

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of everything that was tried."""
        return tuple(dict.fromkeys((*references(self.design), "yan2023trice", "yan2022worst")))

    @property
    def note(self) -> str:
        """What the numbers are, and are not."""
        d = self.design
        first = f"{100 * self.bounds[0]:.3g} %"
        return (
            f"{percent(d.confidence, 0)} % intervals over chips (seed {d.seed}), {self.images:,} test samples, one "
            f"network a method. The worst chip is searched and not sampled: every weight is off by at most the bound. "
            f"To verify to {100 * self.tolerance:.3g} % of the range of a cell implies {first}, of chips of which "
            "every cell is verified. The others have no bound; their worst cases (in brackets) say what such errors "
            "would do to their networks. Training: wall time on this machine."
        )

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a line, for tables, CSV and JSON (fractions, cycles, seconds)."""
        return [self._row(line) for line in self.lines]

    def _row(self, line: Line) -> dict[str, Any]:
        d = self.design
        row: dict[str, Any] = {"measures": line.name, **line.chosen}
        row |= {"data": d.data.name, "sigma": d.sigma, "tolerance": self.tolerance, "seed": d.seed}
        row |= {"chips": line.chips, "images": self.images, "confidence": d.confidence, "digital": line.digital}
        for name in STATISTICS:
            found = line.values.get(name, Interval(math.nan, math.nan, math.nan))
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        for bound, worst in zip(self.bounds, line.worst or [math.nan] * len(self.bounds), strict=True):
            row[f"worst_within_{bound:g}"] = worst
        row["every_cell_verified"] = line.bounded
        if line.costs is not None:
            row |= line.costs.to_dict() | {"periphery": "; ".join(line.costs.periphery)}
        return row | ({"refused": line.refused} if line.refused else {})

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        said = {n: getattr(self, n) for n in ("tolerance", "images", "provenance")}
        lines = [line.to_dict() for line in self.lines]
        return said | {"design": self.design.to_dict(), "lines": lines, "bounds": list(self.bounds)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Story:
        """What :meth:`to_dict` wrote."""
        design = from_dict(data["design"])
        assert isinstance(design, Design)
        lines = tuple(map(Line.from_dict, data["lines"]))
        return cls(**{**data, "design": design, "lines": lines, "bounds": tuple(data["bounds"])})

    def __str__(self) -> str:
        d = self.design
        header = ["", "digital", "mean", "p1", *(f"worst ±{100 * b:.3g} %" for b in self.bounds)]
        header += ["write cycles", "training"]
        title = f"{self.label}, {d.data.name}, sigma {d.sigma:g}: accuracy in %"
        lines = [line for line in self.lines if not line.refused]
        shown = table(header, [self._shown(line) for line in lines], left=1, title=title)
        refused = [f"{line.name}: not possible: {line.refused}" for line in self.lines if line.refused]
        return "\n".join([shown, *refused, self.note])

    def _shown(self, line: Line) -> list[str]:
        assert line.costs is not None
        spread = [line.values[name] for name in STATISTICS]
        return [
            line.name,
            percent(line.digital),
            *(f"{percent(v.value)} [{percent(v.low)}, {percent(v.high)}]" for v in spread),
            *(percent(w) if line.bounded else f"({percent(w)})" for w in line.worst),
            f"{line.costs.write_cycles:,.0f}",
            about(line.costs.training_seconds),
        ]


def about(seconds: float) -> str:
    """``"2.2min"``: wall time has no digits to spare."""
    return format_duration(float(f"{seconds:.2g}") if seconds < 60 else 60 * round(seconds / 60, 1))
