"""Candidates: combinations of measures, what they reach and what they cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mho.codesign.costs import Costs
from mho.evaluation.statistics import Interval
from mho.frozen import FrozenDict

Stage = Literal["screened", "refined"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One combination of measures, judged on the data searched on.

    Attributes:
        chosen: axis to the name of its option.
        values: text of a target to the statistic it is about, with its interval (none of worst cases, which are found,
            not sampled).
        margin: distance of the value that is nearest to the wrong side of its target; negative where one is missed,
            ``nan`` where the combination is refused.
        best: the same of the ends of the intervals that are most hopeful.
        sure: the same of the ends that are least.
        costs: ``None`` where it is refused.
        stage: "screened", or "refined" with narrow intervals.
        refused: why the combination is impossible, in one line.
        unbounded: texts of targets on a worst case that this combination cannot meet: not every cell is verified to
            within the bound, so there are worse chips than the one that is told.
    """

    chosen: FrozenDict
    values: Mapping[str, Interval]
    margin: float
    best: float
    sure: float
    costs: Costs | None
    stage: Stage = "screened"
    refused: str = ""
    unbounded: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether every value reaches its target, with or without proof."""
        return self.margin >= 0

    def number(self, cost: str) -> float:
        """A cost; infinite where it is not known."""
        return math.inf if self.costs is None else self.costs.number(cost)

    def row(self) -> dict[str, Any]:
        """One flat record."""
        return {**self.chosen, "stage": self.stage, **flat(self.values, self.margin, self.costs)} | (
            {"refused": self.refused} if self.refused else {}
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "chosen": dict(self.chosen),
            "values": written(self.values),
            **{n: _plain(getattr(self, n)) for n in ("margin", "best", "sure")},
            "costs": None if self.costs is None else self.costs.to_dict(),
            "stage": self.stage,
            "refused": self.refused,
            "unbounded": list(self.unbounded),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Candidate:
        """What :meth:`to_dict` wrote."""
        return cls(
            chosen=FrozenDict(data["chosen"]),
            values=read(data["values"]),
            margin=_number(data["margin"]),
            best=_number(data["best"]),
            sure=_number(data["sure"]),
            costs=None if data["costs"] is None else Costs.from_dict(data["costs"]),
            stage=data["stage"],
            refused=data["refused"],
            unbounded=tuple(data["unbounded"]),
        )


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a candidate reaches on the test data, on chips that nothing was chosen on.

    Attributes:
        chosen: axis to the name of its option.
        values: text of a target to its statistic, with its interval.
        confidence: two-sided, of every interval; the errors of all certificates of a design, over all its targets,
            sum to one less the confidence of the design, a target being missed on one side only.
        met: whether every interval lies on the right side of its target.
        seed: of the chips.
        chips: how many.
        images: test samples.
        digital: the metric of the network without cells.
        costs: what it takes.
    """

    chosen: FrozenDict
    values: Mapping[str, Interval]
    confidence: float
    met: bool
    seed: int
    chips: int
    images: int
    digital: float
    costs: Costs

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        said = {n: getattr(self, n) for n in ("confidence", "met", "seed", "chips", "images")}
        more = {"chosen": dict(self.chosen), "values": written(self.values), "costs": self.costs.to_dict()}
        return said | more | {"digital": _plain(self.digital)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Certificate:
        """What :meth:`to_dict` wrote."""
        made: dict[str, Any] = {"chosen": FrozenDict(data["chosen"]), "values": read(data["values"])}
        made |= {"costs": Costs.from_dict(data["costs"]), "digital": _number(data["digital"])}
        return cls(**{**data, **made})


def flat(values: Mapping[str, Interval], margin: float, costs: Costs | None) -> dict[str, Any]:
    """Values with their limits, margin and costs as one record."""
    out: dict[str, Any] = {}
    for name, found in values.items():
        out |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    out["margin"] = margin
    return out if costs is None else out | costs.to_dict() | {"periphery": "; ".join(costs.periphery)}


def written(values: Mapping[str, Interval]) -> dict[str, list[float | str | None]]:
    """Intervals for JSON."""
    return {name: [_plain(v) for v in found] for name, found in values.items()}


def read(values: Mapping[str, Any]) -> dict[str, Interval]:
    """What :func:`written` wrote."""
    return {name: Interval(*map(_number, found)) for name, found in values.items()}


def _plain(value: float) -> float | str | None:
    """A number as JSON has it: infinities as text, ``None`` for what is no number."""
    return float(value) if math.isfinite(value) else None if math.isnan(value) else str(float(value))


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
