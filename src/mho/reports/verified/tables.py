"""The cheapest verification as tables: every fraction, what each ranking saves, where chips stop by themselves."""

from __future__ import annotations

import math

from mho.reports.provenance import flat
from mho.reports.tables import Cell, Table, duration, failing, interval, joules
from mho.reports.verified.view import DROP, Entry, Point, Verifications, name
from mho.reports.verified.words import points as points_words
from mho.reports.wording import NBSP, factor, ordinal

DROPS = (DROP, 0.01, 0.02)


def fractions(view: Verifications) -> Table:
    """Every ranking at every fraction, a row each."""
    several, every = len(view.entries) > 1, [p for e in view.entries for ps in e.points.values() for p in ps]
    timed = any(math.isfinite(p.seconds) for p in every)
    powered = any(math.isfinite(p.joules) for p in every)
    header = [*["label"] * several, "ranking", "verified, %", "mean"]
    header += [f"{ordinal(view.tail.k)} percentile"] if view.tail.k is not None else []
    header += [view.extreme, "NWC", "with first writes", "cycles", "cells outside"]
    header += [*["time"] * timed, *["energy"] * powered]
    rows = []
    for entry in view.entries:
        for point in (p for ps in entry.points.values() for p in ps):
            row = [*[Cell(entry.label)] * several, Cell(_whole(point.ranking)), Cell(f"{100 * point.fraction:.4g}")]
            row.append(interval(point.mean, view.scale))
            if view.tail.k is not None:
                row.append(Cell("–") if point.unlucky is None else interval(point.unlucky, view.scale))
            row += [Cell(view.scale.text(point.extreme)), Cell(_number(point.nwc)), Cell(_number(point.with_first))]
            row += [_cycles(point), failing(point.failures)]
            row += [duration(point.seconds)] * timed + [joules(point.joules)] * powered
            rows.append(row)
    return Table(header, rows, left=1 + several)


def savings(view: Verifications) -> Table | None:
    """How many times fewer cycles each ranking takes, for some drops; ``None`` where nobody says which drops."""
    asked = {e.source.target_drop for e in view.entries if e.source.target_drop is not None}
    drops = sorted(asked | set(DROPS if view.scale.fraction else ()))
    if not drops or all(e.drop is None for e in view.entries):
        return None
    several = len(view.entries) > 1
    rows = []
    for entry in (e for e in view.entries if e.drop is not None):
        saved = [entry.source.speedup(drop) for drop in drops]
        for ranking in entry.points:
            cells = [_times(own[ranking]) for own in saved]
            rows.append([*[Cell(entry.label)] * several, Cell(_whole(ranking)), *cells])
    header = [*["label"] * several, "ranking", *(f"a drop of {points_words(view, d)}" for d in drops)]
    return Table(header, rows, left=1 + several)


def stops(view: Verifications) -> Table | None:
    """What every chip by itself needed; ``None`` where that was not asked for."""
    if not any(e.stops for e in view.entries):
        return None
    several = len(view.entries) > 1
    rows = [
        [
            *[Cell(entry.label)] * several,
            Cell(_whole(ranking)),
            _needed(stop.median),
            _needed(stop.most),
            Cell(f"{stop.never:,} of {stop.chips:,}", order=stop.never / stop.chips),
            interval(stop.mean, view.scale),
        ]
        for entry in view.entries
        for ranking, stop in entry.stops.items()
    ]
    header = [*["label"] * several, "ranking", "half of the chips, %", "95 % of the chips, %", "never", "mean there"]
    return Table(header, rows, left=1 + several)


def facts(view: Verifications) -> Table:
    """What the numbers were measured with: one column a verification."""
    columns = [_facts(view, entry) for entry in view.entries]
    names = dict.fromkeys(n for own in columns for n in own)
    rows = [[Cell(n), *(Cell(own.get(n, "")) for own in columns)] for n in names]
    return Table(["verification", *(e.label for e in view.entries)], rows, left=1 + len(columns))


def _facts(view: Verifications, entry: Entry) -> dict[str, str]:
    source, said = entry.source, view.scale.said
    out = {
        "metric": source.metric,
        "digital network": said(source.digital, 2),
        "noiseless cells": said(source.ideal, 2),
        "chips": f"{source.values.shape[-1]:,}",
        "cells of a chip": f"{source.cells:,}",
        "sensitivity computed on": source.sensitivity,
        "test set": source.data,
        "test samples a chip": f"{source.images:,}",
        "stopped on": source.calibration,
        "samples stopped on": f"{source.calibration_images:,}" if source.calibration_images else "",
        "seed": str(source.seed),
        "confidence of intervals": f"{100 * source.confidence:g} %",
    }
    return {k: v for k, v in out.items() if v} | flat(source.provenance)


def _whole(ranking: str) -> str:
    """Its name in one line."""
    return name(ranking).replace(" ", NBSP)


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"


def _cycles(point: Point) -> Cell:
    return Cell("–") if math.isnan(point.cycles) else Cell(f"{point.cycles:,.0f}", order=point.cycles)


def _needed(fraction: float) -> Cell:
    return Cell("never", order=math.inf) if math.isinf(fraction) else Cell(f"{100 * fraction:.4g}")


def _times(speedup: tuple[float, float, float]) -> Cell:
    value, low, high = map(factor, speedup)
    return Cell(value if value == "–" else f"{value}×", "" if value == "–" else f"[{low}, {high}]")
