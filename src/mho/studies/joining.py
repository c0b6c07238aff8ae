"""Shards put together: all chips of a cell, and one result of all severities and ages. Reads only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mho.studies.cells import Cell
from mho.studies.index import Index
from mho.studies.names import Shard
from mho.studies.points import Point
from mho.studies.store import DamagedError, Store
from mho.studies.study import Study

if TYPE_CHECKING:
    from mho.evaluation.result import Result
    from mho.evaluation.writing import Writing


@dataclass(frozen=True)
class Joined:
    """What the files of a cell hold.

    Attributes:
        data: all its chips, in order; ``None`` while some are missing or a file is damaged.
        damaged: files that are not what was written.
        networks: key of the network to the files of chips that were computed with it. A network that was lost and
            trained again elsewhere may be another one.
    """

    data: dict[str, Any] | None
    damaged: tuple[Shard, ...]
    networks: dict[str, tuple[Shard, ...]]


def joined(cell: Cell, chips: int, store: Store, index: Index) -> Joined:
    """The chips of a cell."""
    values: dict[int, tuple[float, float]] = {}
    damaged: list[Shard] = []
    networks: dict[str, tuple[Shard, ...]] = {}
    sources, last = [], None
    costs: dict[str, Any] = {}
    for shard in index.shards(cell.key):
        try:
            last = store.get(shard)
        except DamagedError:
            damaged.append(shard)
            continue
        if network := str(last.get("network", "")):
            networks[network] = (*networks.get(network, ()), shard)
        sources.append(last["provenance"])
        costs |= {k: last[k] for k in ("writing",) if k in last}  # older files do not say
        if not cell.whole:
            ekl = last["ekl"] or [None] * shard.count
            values |= dict(enumerate(zip(map(number, last["values"]), map(number, ekl), strict=True), shard.first))
    whole = cell.whole or all(i in values for i in range(chips))
    if damaged or last is None or len(networks) > 1 or not whole:
        return Joined(None, tuple(damaged), networks)
    both = None if cell.whole else np.array([values[i] for i in range(chips)])
    return Joined({**costs, **last, "both": both, "sources": sources}, (), networks)


def row(cell: Cell, study: Study, store: Store, index: Index) -> dict[str, Any] | None:
    """The statistics of one complete cell, or the summary of its answer, flat; ``None`` if a file of it is damaged."""
    data = joined(cell, study.n_chips, store, index).data
    if data is None:
        return None
    if (question := cell.point.study.question) is not None:
        return {"label": str(cell), **question.summary(answer_of(cell, data))}
    found = result_of(cell.point, [cell], {cell: data})
    return None if found is None else found.rows()[0]


def answer_of(cell: Cell, data: Mapping[str, Any]) -> Any:
    """The answer to the question of a complete cell, called as the study calls it."""
    study = cell.point.study
    assert study.question is not None
    found = study.question.read(data["result"])
    changes: dict[str, Any] = {"label": str(cell), "provenance": merged(data["sources"])}
    if "confidence" not in study.question.idle:
        changes["confidence"] = study.confidence  # intervals are made when they are asked for
    if "sigma" not in study.question.idle:
        changes["sigma"] = cell.sigma  # it was filled into the memory before the cell was computed
    if "age" not in study.question.idle:
        changes["clock"] = cell.point.clock  # the memory by itself may not age
    return replace(found, **changes)


def result_of(point: Point, cells: list[Cell], found: Mapping[Cell, dict[str, Any]]) -> Result | None:
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
        costs = _writing([data["result"].get("writing") for data, *_ in grid])
        return replace(
            joined, sigma=tuple(sigmas), label=point.label, provenance=merged(sources), writing=costs,
            clock=point.clock,
        )  # fmt: skip
    both = np.array([[data["both"] for data in line] for line in grid])
    metric = METRICS[study.metric]
    return Result(
        values=both[..., 0],
        ekl=both[..., 1] if first["ekl"] is not None else None,
        sigma=tuple(sigmas),
        age=tuple(ages),
        metric=metric.name,
        bounded=metric.bounded,
        ideal=number(first["ideal"]),
        digital=number(first["digital"]),
        images=first["images"],
        percentiles=tuple(float(k) for k in study.percentiles),
        threshold=study.threshold,
        confidence=study.confidence,
        seed=study.seed,
        label=point.label,
        data=first["data"],
        provenance=merged(sources),
        writing=_writing([data.get("writing") for data, *_ in grid]),
        clock=point.clock,
    )


def _writing(costs: Sequence[dict[str, Any] | None]) -> Writing | None:
    """What programming costs at every sigma; ``None`` if there is one of which files do not say, being too old."""
    from mho.evaluation.writing import Writing

    known = [Writing.from_dict(cost) for cost in costs if cost is not None]
    return Writing.joined(known) if len(known) == len(costs) else None


def merged(sources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One provenance for many shards: what they share once, what differs as a list, seconds added up."""
    listed = list(sources)
    out: dict[str, Any] = {}
    for key in dict.fromkeys(k for source in listed for k in source):
        seen = list(dict.fromkeys(str(source.get(key, "")) for source in listed))
        out[key] = listed[0].get(key) if len(seen) == 1 else ", ".join(seen)
    out["seconds"] = round(sum(float(source.get("seconds", 0)) for source in listed), 3)
    return out


def number(value: float | str | None) -> float:
    """A number as :mod:`mho.studies.worker` writes it."""
    return math.nan if value is None else float(value)
