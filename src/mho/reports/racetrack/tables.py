"""Racetrack memory as tables: every choice, every age, every layer, every point of its curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.provenance import flat
from mho.reports.racetrack.layers import Compared
from mho.reports.racetrack.phrases import percentile
from mho.reports.racetrack.view import Racetracks
from mho.reports.tables import Cell, Table, duration, interval, joules
from mho.units import percent

if TYPE_CHECKING:
    from mho.racetrack.overhead import Overhead


def selections(view: Racetracks) -> Table:
    """Every choice of layers after the last age, a row each."""
    known = view.selections
    foretold = any(math.isfinite(s.foretold) for s in known)
    every = len(view.every)
    header = ["choice", "layers", f"mean after {known[0].age[-1]:,.0f}", *[percentile(view)] * bool(view.tail.k)]
    header += [view.extreme, *["foretold"] * foretold, "more cycles, %", "of all, %", "cycles", "best"]
    header += ["protected"]
    rows = []
    for s in known:
        row = [Cell(s.name), Cell(f"{len(s.layers or ())} of {every}"), interval(s.last, view.scale)]
        row += [interval(s.unlucky[-1], view.scale)] if s.unlucky else []
        row += [Cell(view.scale.text(s.worst[-1])), *[Cell(view.scale.text(s.foretold))] * foretold]
        row += [Cell(percent(s.overhead)), Cell(percent(s.share, 1)), Cell(f"{s.cycles:,.0f}", order=s.cycles)]
        rows.append([*row, Cell("•" if s.best else "", order=float(s.best)), Cell(s.mask)])
    return Table(header, rows)


def ages(view: Racetracks) -> Table:
    """Every line at every age, a row each."""
    header = ["choice" if view.selections else "memory", "inferences", "mean"]
    header += [*[percentile(view)] * bool(view.tail.k), view.extreme]
    rows = []
    for line in view.lines:
        for j, age in enumerate(line.age):
            row = [Cell(line.name), Cell(f"{age:,.0f}", order=age), interval(line.means[j], view.scale)]
            row += [interval(line.unlucky[j], view.scale)] if line.unlucky else []
            rows.append([*row, Cell(view.scale.text(line.worst[j]))])
    return Table(header, rows)


def expenses(view: Racetracks) -> Table:
    """What an inference costs at the memory, and what protection adds, a row each memory."""
    names = [line.name for line in view.lines]
    if len(view.overheads) != len(view.results):
        names = ["" if view.choice is None else view.choice.name]
    powered = any(o.extra_joules is not None for o in view.overheads)
    header = ["memory", "cycles", "more", "time", "more", "energy", *["more"] * powered, "nanowires"]
    rows = []
    for name, o in zip(names, view.overheads, strict=False):
        row = [Cell(name or ", ".join(o.codes) or "no code"), _cycles(o.base_cycles), _cycles(o.extra_cycles)]
        row += [duration(o.base_seconds), duration(o.extra_seconds), joules(o.base_joules)]
        row += [joules(math.nan if o.extra_joules is None else o.extra_joules)] * powered
        rows.append([*row, Cell(f"{sum(layer.nanowires for layer in o.layers):,}")])
    return Table(header, rows)


def prices(overhead: Overhead) -> Table:
    """What each layer costs an inference, and what protecting it adds, a row each."""
    header = ["layer", "nanowires", "shifts", "expected faults", "cycles", "if protected, more", "protected"]
    rows = []
    for layer in overhead.layers:
        full = math.nan if layer.full_cycles is None else layer.full_cycles
        row = [Cell(layer.name), Cell(f"{layer.nanowires:,}"), _cycles(layer.shifts)]
        row += [Cell(f"{layer.faults:.3g}", order=layer.faults), _cycles(layer.base_cycles), _cycles(full)]
        rows.append([*row, Cell("•" if layer.protected else "", order=float(layer.protected))])
    return Table(header, rows)


def layers(view: Racetracks, found: Compared) -> Table:
    """Every layer when it alone ages, a row each."""
    factor = 100.0 if view.scale.fraction else 1.0
    header = ["layer", "loss, points" if view.scale.fraction else "loss", "expected faults a track"]
    rows = []
    for layer in found.layers:
        value, low, high = (factor * v for v in layer.drop)
        limits = "" if math.isnan(low) or math.isnan(high) else f"[{_signed(low)}, {_signed(high)}]"
        shown = "–" if math.isnan(value) else "≥" * layer.outside + "≤" * layer.below + _signed(value)
        rows.append(
            [Cell(layer.name, order=float(layer.place)), Cell(shown, limits, order=value if value == value else None),
             Cell(f"{layer.exposure:.3g}", order=layer.exposure)]
        )  # fmt: skip
    return Table(header, rows)


def points(view: Racetracks, found: Compared) -> Table:
    """Every point measured of every layer, a row each."""
    header = ["layer", "expected faults a track", "inferences", "mean"]
    rows = [
        [Cell(layer.name, order=float(layer.place)), Cell(f"{exposure:.3g}", order=exposure),
         Cell(f"{inferences:,}", order=inferences), interval(mean, view.scale)]
        for layer in found.layers
        for exposure, inferences, mean in layer.points
    ]  # fmt: skip
    return Table(header, rows)


def facts(view: Racetracks) -> Table:
    """What the numbers were measured with: one column a source."""
    columns: dict[str, dict[str, str]] = {}
    for result in view.results:
        columns[result.label or "this network"] = _facts(view, result, result.digital, result.values.shape[-1])
    if view.curves is not None:
        own = {"memory": view.curves.label}
        chips = view.curves.values.shape[-1]
        columns["layers alone"] = _facts(view, view.curves, view.curves.baseline, chips) | own
    if view.protection is not None:
        protection = view.protection
        own = {"memory": protection.label, "code": protection.code, "target": view.scale.said(protection.target)}
        chips = max((line.chips for line in view.selections), default=0)
        columns["choices"] = _facts(view, protection, protection.baseline, chips) | own
    if not columns and view.heat is not None:
        columns["layers alone"] = {"metric": view.heat.metric, "memory": view.heat.label, "test set": view.heat.data}
    names = dict.fromkeys(name for own in columns.values() for name in own)
    rows = [[Cell(name), *(Cell(own.get(name, "")) for own in columns.values())] for name in names]
    return Table(["racetrack", *columns], rows, left=1 + len(columns))


def _facts(view: Racetracks, source: object, digital: float, chips: int) -> dict[str, str]:
    out = {
        "metric": view.scale.metric,
        "without faults": view.scale.said(digital, 2),
        "chips": f"{chips:,}",
        "test set": str(getattr(source, "data", "")),
        "test samples a chip": f"{getattr(source, 'images', 0):,}",
        "seed": str(getattr(source, "seed", "")),
        "confidence of intervals": f"{100 * view.confidence:g} %",
    }
    return {k: v for k, v in out.items() if v} | flat(getattr(source, "provenance", {}))


def _cycles(value: float) -> Cell:
    return Cell("–") if math.isnan(value) else Cell(f"{value:,.0f}", order=value)


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
