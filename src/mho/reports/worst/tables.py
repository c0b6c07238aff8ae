"""The worst possible chip as tables: every bound, and what the search was."""

from __future__ import annotations

from mho.reports.provenance import flat
from mho.reports.tables import Cell, Table
from mho.reports.worst.view import KINDS, Entry, Point, Random, WorstCases
from mho.units import percent


def bounds(cases: WorstCases) -> Table:
    """Every case at every bound, a row each."""
    several, kinds = len(cases.entries) > 1, cases.kinds
    with_tolerance = any(p.tolerance is not None for e in cases.entries for p in e.points)
    with_winner = any(p.won for e in cases.entries for p in e.points)
    header = [*["label"] * several, "bound, %", *["tolerance, %"] * with_tolerance, "found [on data searched]"]
    header += ["reached, %", *["by"] * with_winner]
    header += [f"{KINDS.get(kind, kind)} [mean]" for kind in kinds]
    rows = []
    for entry, p in ((e, p) for e in cases.entries for p in e.points):
        row = [*[Cell(entry.label)] * several, Cell(f"{100 * p.bound:.4g}")]
        row += [Cell("" if p.tolerance is None else f"{100 * p.tolerance:.4g}")] * with_tolerance
        row += [Cell(cases.scale.text(p.found), f"[{cases.scale.text(p.searched)}]"), Cell(percent(p.reached, 3))]
        row += [Cell(p.won)] * with_winner
        rows.append([*row, *(_random(cases, p, kind) for kind in kinds)])
    return Table(header, rows, left=int(several))


def facts(cases: WorstCases) -> Table:
    """What the chips were searched with and judged on: one column a case."""
    columns = [_facts(cases, entry) for entry in cases.entries]
    names = dict.fromkeys(name for own in columns for name in own)
    rows = [[Cell(name), *(Cell(own.get(name, "")) for own in columns)] for name in names]
    return Table(["worst chip", *(e.label for e in cases.entries)], rows, left=1 + len(columns))


def _random(cases: WorstCases, point: Point, kind: str) -> Cell:
    found: Random | None = next((r for r in point.random if r.kind == kind), None)
    return Cell("") if found is None else Cell(cases.scale.text(found.worst), f"[{cases.scale.text(found.mean)}]")


def _facts(cases: WorstCases, entry: Entry) -> dict[str, str]:
    case, said = entry.case, cases.scale.said
    drawn = dict.fromkeys(f"{r.chips:,}" for p in entry.points for r in p.random)
    out = {
        "metric": case.metric,
        "digital network": said(case.digital, 2),
        "noiseless cells": said(case.ideal, 2),
        "test set": case.data,
        "test samples": f"{case.images:,}",
        "searched on": case.search_data,
        "samples searched on": f"{case.search_images:,}",
        "passes over them": f"{case.passes:,}",
        "random chips of a kind": " or ".join(drawn),
        "seed": str(case.seed),
    }
    return {k: v for k, v in out.items() if v} | flat(case.provenance)
