"""The answers of a study: shards put together into one result for every combination of axis values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mho.studies.cells import Cell
from mho.studies.index import Index
from mho.studies.overview import overview
from mho.studies.plan import Plan
from mho.studies.points import Point
from mho.studies.store import DamagedError, Shard, Store
from mho.studies.study import Study

if TYPE_CHECKING:
    from mho.evaluation.result import Result

MIXED = ("mho", "torch", "device", "dtype", "sampling")
"""What should be the same for all numbers of one table; a different torch or processor may round differently."""
FEW = 4
"""Results that are printed one by one; more share a table."""


@dataclass(frozen=True)
class Answers:
    """What a study found.

    Attributes:
        study: the study.
        results: label to result, in the order of the axes; only combinations of which every cell is complete, or
            whose complete severities make a table.
        points: label to combination.
        failures: what did not work, with its traceback.
        notices: what a reader should know: versions mixed in one table, cells missing.
    """

    study: Study
    results: dict[str, Result]
    points: dict[str, Point]
    failures: dict[str, str]
    notices: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per population, axes first (fractions, seconds, nats)."""
        out = []
        for label, result in self.results.items():
            out += [{**self.points[label].axes, **record} for record in result.rows()]
        return out

    def every_chip(self) -> list[dict[str, Any]]:
        """One flat record per chip and population: axes, sigma, age, chip number, metric and EKL."""
        out = []
        for label, result in self.results.items():
            for i, sigma in enumerate(result.sigma):
                for j, age in enumerate(result.age):
                    for c in range(result.chips):
                        ekl = None if result.ekl is None else float(result.ekl[i, j, c])
                        value = {"value": float(result.values[i, j, c]), "ekl": ekl}
                        at = {"sigma": sigma, "age_s": age, "chip": result.first_chip + c}
                        out.append({**self.points[label].axes, "label": label, **at, **value})
        return out

    def __str__(self) -> str:
        if len(self.results) <= FEW:
            return "\n\n".join(str(result) for result in self.results.values())
        return overview(self)


def collect(plan: Plan, store: Store, index: Index, failures: dict[str, str]) -> tuple[Answers, list[Shard]]:
    """The answers that are in the store, and the shards that turned out to be damaged.

    Damaged shards are taken out of the store and the index: their chips are missing again.
    """
    results: dict[str, Result] = {}
    points: dict[str, Point] = {}
    damaged: list[Shard] = []
    absent: list[str] = []
    by_point: dict[int, list[Cell]] = {}
    for cell in plan.cells:
        by_point.setdefault(id(cell.point), []).append(cell)
    for own in by_point.values():
        point = own[0].point
        found: dict[Cell, dict[str, Any]] = {}
        for cell in own:
            data, broken = _joined(cell, plan.study.n_chips, store, index)
            damaged += broken
            if data is not None:
                found[cell] = data
            elif not broken:
                absent.append(str(cell))
        result = _result(point, own, found)
        if result is not None:
            points[point.label] = point
            results[point.label] = result
    named = {str(c) if c else key: text for key, text in failures.items() for c in [_cell(plan, key)]}
    notices = (*_mixed(results), *_missing(absent))
    return Answers(plan.study, results, points, named, notices), damaged


def row(cell: Cell, study: Study, store: Store, index: Index) -> dict[str, Any]:
    """The statistics of one complete cell as a flat record; empty if its files are damaged."""
    data, _ = _joined(cell, study.n_chips, store, index)
    result = None if data is None else _result(cell.point, [cell], {cell: data})
    return {} if result is None else result.rows()[0]


def _joined(cell: Cell, chips: int, store: Store, index: Index) -> tuple[dict[str, Any] | None, list[Shard]]:
    """All chips of a cell, in order; ``None`` while some are missing."""
    values: dict[int, tuple[float, float]] = {}
    broken, last, sources = [], None, []
    for shard in index.shards(cell.key):
        try:
            last = store.get(shard)
        except DamagedError:
            store.discard(shard)
            index.remove(shard)
            broken.append(shard)
            continue
        sources.append(last["provenance"])
        if not cell.adaptive:
            ekl = last["ekl"] or [None] * shard.count
            values |= dict(enumerate(zip(map(_number, last["values"]), map(_number, ekl), strict=True), shard.first))
    if broken or last is None:
        return None, broken
    if not cell.adaptive and any(i not in values for i in range(chips)):
        return None, []
    both = np.array([values[i] for i in range(chips)]) if not cell.adaptive else None
    return {**last, "both": both, "sources": sources}, []


def _result(point: Point, cells: list[Cell], found: dict[Cell, dict[str, Any]]) -> Result | None:
    """One result from the complete severities of a point."""
    from mho.evaluation.joining import join
    from mho.evaluation.metrics import METRICS
    from mho.evaluation.result import Result

    study = point.study
    ages = sorted({c.age for c in cells}, key=study.age.index)
    sigmas = list(dict.fromkeys(c.sigma for c in cells))
    at = {(c.sigma, c.age): data for c, data in found.items()}
    sigmas = [s for s in sigmas if all((s, a) in at for a in ages)]
    if not sigmas:
        return None
    grid = [[at[s, a] for a in ages] for s in sigmas]
    first = grid[0][0]
    sources = [p for line in grid for data in line for p in data["sources"]]
    if "result" in first:
        joined = join([[Result.from_dict(data["result"]) for data in line] for line in grid])
        # The severity was filled into the memory before the cell was computed.
        return replace(joined, sigma=tuple(sigmas), label=point.label, provenance=merged(sources))
    both = np.array([[data["both"] for data in line] for line in grid])
    metric = METRICS[study.metric]
    return Result(
        values=both[..., 0],
        ekl=both[..., 1] if first["ekl"] is not None else None,
        sigma=tuple(sigmas),
        age=tuple(ages),
        metric=metric.name,
        bounded=metric.bounded,
        ideal=_number(first["ideal"]),
        digital=_number(first["digital"]),
        images=first["images"],
        percentiles=tuple(float(k) for k in study.percentiles),
        threshold=study.threshold,
        confidence=study.confidence,
        seed=study.seed,
        label=point.label,
        data=first["data"],
        provenance=merged(sources),
    )


def merged(sources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One provenance for many shards: what they share once, what differs as a list, seconds added up."""
    listed = list(sources)
    out: dict[str, Any] = {}
    for key in dict.fromkeys(k for source in listed for k in source):
        seen = list(dict.fromkeys(str(source.get(key, "")) for source in listed))
        out[key] = listed[0].get(key) if len(seen) == 1 else ", ".join(seen)
    out["seconds"] = round(sum(float(source.get("seconds", 0)) for source in listed), 3)
    return out


def _mixed(results: dict[str, Result]) -> list[str]:
    out = []
    for key in MIXED:
        seen = list(dict.fromkeys(str(r.provenance.get(key, "")) for r in results.values()))
        parts = list(dict.fromkeys(part for text in seen for part in text.split(", ")))
        if len(parts) > 1 and key in ("mho", "torch", "device"):
            out.append(f"The table mixes {key} {' and '.join(parts)}.")
        elif len(parts) > 1 and key == "sampling":
            out.append(
                "Some chips are sampled cell by cell, others as one Gaussian per weight: chip 7 of one is not chip 7 "
                "of the other, so compare populations, not chips."
            )
    return out


def _missing(absent: list[str]) -> list[str]:
    if not absent:
        return []
    more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
    return [f"{len(absent)} cell{'s' * (len(absent) > 1)} missing: {'; '.join(absent[:3])}{more}."]


def _cell(plan: Plan, key: str) -> Cell | None:
    return next((c for c in plan.cells if c.key == key), None)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
