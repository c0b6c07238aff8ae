"""The tables of a report as plain cells: text to read, and the number to sort by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mho.reports.scale import Scale, scale_of, tail_of
from mho.reports.wording import ordinal
from mho.units import format_duration, percent

if TYPE_CHECKING:
    from mho.evaluation.result import Population, Result
    from mho.evaluation.statistics import Interval
    from mho.memory.description import Description, DigitalTensor


class Cell(NamedTuple):
    """One table cell.

    Attributes:
        text: the value.
        aside: its interval, set smaller; may be empty.
        order: what a column sorts by; ``None`` sorts by the text, ``nan`` last.
    """

    text: str
    aside: str = ""
    order: float | None = None


class Table(NamedTuple):
    """A header and its rows, of equal length."""

    header: list[str]
    rows: list[list[Cell]]


def populations(results: Mapping[str, Result]) -> Table:
    """Every population of every result; columns that only some results have stay empty in the others."""
    scale = scale_of(results)
    lowest = all(tail_of(r).low for r in results.values())
    ks = sorted({k for r in results.values() for k in r.percentiles})
    thresholds = sorted({r.threshold for r in results.values() if r.threshold is not None})
    with_ekl = any(r.ekl is not None for r in results.values())
    counts = len({r.chips for r in results.values()}) > 1
    header = ["label", "sigma", "age", *(["chips"] if counts else []), "mean"]
    header += [
        *(f"{ordinal(k)} percentile" for k in ks),
        "worst" if scale.fraction else "lowest" if lowest else "highest",
    ]
    header += ["std", *(f"yield ≥ {scale.factor * t:g}" for t in thresholds), *(["EKL, nats"] if with_ekl else [])]
    rows = []
    for label, result in results.items():
        for p in result.populations():
            own = p.sigma is None
            row = [
                Cell(label),
                Cell("own" if own else f"{p.sigma:g}", order=math.inf if p.sigma is None else p.sigma),
                Cell(format_duration(p.age), order=p.age),
                *([Cell(f"{result.chips:,}", order=result.chips)] if counts else []),
                _interval(p.mean, scale),
            ]
            row += [_interval(p.percentile(k), scale) if k in result.percentiles else Cell("") for k in ks]
            row += [_number(p.minimum if lowest else float(p.values.max()), scale), _number(p.std, scale)]
            row += [
                _interval(p.yield_above(t), Scale("yield", True), 1) if result.threshold == t else Cell("")
                for t in thresholds
            ]
            rows.append([*row, *([_ekl(p)] if with_ekl else [])])
    return Table(header, rows)


def layers(description: Description) -> Table:
    """The weights on cells, and their total."""
    header = [
        "weight",
        "layer",
        "shape",
        "matrix",
        "cells",
        "arrays",
        "scale",
        "rms error, %",
        "max error, %",
        "memory",
    ]
    rows = [
        [
            Cell(s.name),
            Cell(s.kind),
            Cell(shape(s.shape)),
            Cell(f"{s.rows} × {s.columns}" + (f" × {s.matrices}" if s.matrices > 1 else "")),
            Cell(f"{s.cells:,}"),
            Cell(f"{s.tiles:,}"),
            Cell(s.scale),
            Cell(percent(s.rms_error, 3)),
            Cell(percent(s.max_error, 3)),
            Cell(s.memory),
        ]
        for s in description.stored
    ]
    return Table(header, rows)


def shape(dimensions: tuple[int, ...]) -> str:
    """``"16 × 6 × 5 × 5"``, ``"1"`` for a scalar."""
    return " × ".join(map(str, dimensions)) or "1"


def digital(description: Description) -> dict[str, list[DigitalTensor]]:
    """Tensors that stay digital, by the reason why."""
    out: dict[str, list[DigitalTensor]] = {}
    for tensor in description.digital:
        out.setdefault(tensor.reason, []).append(tensor)
    return out


def provenance(results: Mapping[str, Result]) -> Table:
    """One column a result: what it was measured with, on, and for how long."""
    columns = {label: _provenance(result) for label, result in results.items()}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[Cell(name), *(Cell(column.get(name, "")) for column in columns.values())] for name in names]
    return Table(["", *columns], rows)


def _provenance(result: Result) -> dict[str, str]:
    scale = scale_of({result.label: result})
    out = {
        "metric": result.metric,
        "digital network": scale.said(result.digital, 2),
        "noiseless cells": scale.said(result.ideal, 2),
        "chips at every point": f"{result.chips:,}" + (f" from {result.first_chip:,}" if result.first_chip else ""),
        **({"test set": result.data} if result.data else {}),
        "test samples a chip": f"{result.images:,}",
        "seed": str(result.seed),
        "confidence of intervals": f"{100 * result.confidence:g} %",
    }
    return out | _flat(result.provenance)


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            out |= _flat(value, f"{name}.")
        elif isinstance(value, float):
            out[name.removesuffix("_s")] = f"{value:.4g} s" if name.endswith("_s") else f"{value:.6g}"
        elif isinstance(value, list | tuple):
            out[name] = ", ".join(map(str, value))
        else:
            out[name] = str(value)
    return out


def _interval(interval: Interval, scale: Scale, digits: int = 2) -> Cell:
    return Cell(scale.text(interval.value, digits), scale.limits(interval, digits), interval.value)


def _number(value: float, scale: Scale) -> Cell:
    return Cell(scale.text(value), order=value)


def _ekl(population: Population) -> Cell:
    interval = population.ekl
    if interval is None or math.isnan(interval.value):
        return Cell("" if interval is None else "–", order=math.nan)
    low, high = ("–" if math.isnan(v) else f"{v:.4f}" for v in interval[1:])
    return Cell(f"{interval.value:.4f}", f"[{low}, {high}]", interval.value)
