"""Stuck cells as tables: every scheme, every rate with what was published beside it, every layer, plane and tensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mho import __version__
from mho.reports.faults.curves import BARE, Swept
from mho.reports.faults.parts import embeddings
from mho.reports.faults.phrases import meaning, percentile
from mho.reports.faults.view import Faulty
from mho.reports.faults.words import beside
from mho.reports.provenance import flat
from mho.reports.scale import Scale
from mho.reports.tables import Cell, Table, interval
from mho.units import percent

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultSensitivity, Tolerance
    from mho.mapping.plane_statistics import PlaneStatistics
    from mho.memory.description import Description
    from mho.training.gates.result import Pruned


def schemes(swept: Swept) -> Table:
    """Every scheme, a row each: what it stands, what it takes."""
    header = ["scheme", "what it is", "tolerated, %", f"times {swept.bare.name}", "no faults", "more cells, %"]
    rows = []
    for line in swept.lines:
        gain = None if line is swept.bare else swept.gain(line, swept.bare)
        row = [
            Cell(line.name),
            Cell(meaning(swept.source, line.name)),
            _tolerance(line.tolerated, 100.0, line.order[0]),
        ]
        row += [Cell("1", order=1.0) if gain is None else _tolerance(gain, 1.0, gain.value)]
        row += [Cell(swept.scale.text(line.ideal))]
        needs = ["known map of faults"] * line.known_map + ["bit by bit"] * line.digital
        row += [Cell(percent(line.overhead, 1)), Cell(", ".join(needs) or "–")]
        rows.append([*row, Cell("•" if line is swept.taken else "", order=float(line is swept.taken))])
    return Table([*header, "needs", "take"], rows, left=2)


def rates(swept: Swept) -> Table:
    """Every scheme at every rate, a row each; what was published beside it where it is of the same task."""
    from mho.evaluation.faults.published import published

    source, known, gained = swept.source, beside(swept), swept.named(BARE) is not None and len(swept.lines) > 1
    header = ["scheme", "stuck cells, %", "mean", *[percentile(swept)] * bool(swept.tail.k), swept.extreme, "std"]
    header += [f"above {BARE}, chip by chip"] * gained + ["published mean", "published std"] * known
    rows = []
    for line in swept.lines:
        over = source.difference(line.name, BARE) if gained else []
        for j, at in enumerate(source.rates):
            row = [Cell(line.name), Cell(f"{100 * at:.4g}", order=at), interval(line.means[j], swept.scale)]
            row += [interval(line.unlucky[j], swept.scale)] if line.unlucky else []
            row += [Cell(swept.scale.text(line.worst[j])), Cell(swept.scale.text(line.stds[j]))]
            row += [Cell("–") if line.name == BARE else interval(over[j], swept.scale)] if gained else []
            found = published(line.name, at) if known else None
            row += [Cell("–" if found is None else percent(found[name])) for name in ("mean", "std")] * known
            rows.append(row)
    return Table(header, rows)


def sensitivity(found: FaultSensitivity) -> Table:
    """Every layer, or plane, a row each, and all together."""
    scale = Scale(found.metric, found.bounded)
    header = [found.of, "cells", *(f"at {100 * r:.4g} %" for r in found.rates)]
    cells = [*found.cells, sum(found.cells)]
    rows = [
        [
            Cell(name, order=float(i)),
            Cell(f"{n:,}", order=n),
            *(interval(found.drop(name, r), scale) for r in found.rates),
        ]
        for i, (name, n) in enumerate(zip([*found.names, "all"], cells, strict=True))
    ]
    return Table(header, rows)


def pruned(found: Pruned) -> Table:
    """Every layer, a row each."""
    header = ["layer", "columns", "pruned", "%", "rows", "pruned", "%", "weights left"]
    rows = []
    for one in found.layers:
        row = [Cell(one.name), Cell(f"{one.columns:,}"), Cell(f"{one.pruned_columns:,}")]
        row += [Cell(percent(one.column_sparsity, 1)), Cell(f"{one.rows:,}"), Cell(f"{one.pruned_rows:,}")]
        rows.append([*row, Cell(percent(one.row_sparsity, 1)), Cell(f"{one.kept:,}")])
    return Table(header, rows)


def embedding(description: Description) -> Table:
    """Every pool of layers, a row each: room and what is in it."""
    header = ["layers with common inputs", "columns", "pruned, %", "needed, %", "columns of copies", "free for them"]
    header += ["no room", "more cells, %", "not embedded, %"]
    rows = []
    for e in embeddings(description):
        columns = sum(n for n, _ in e.layers.values())
        row = [Cell(", ".join(e.layers)), Cell(f"{columns:,}"), Cell(percent(e.sparsity, 1))]
        row += [Cell(percent(e.least_sparsity, 1)), Cell(f"{e.needed:,}"), Cell(f"{e.free:,}")]
        row += [Cell(f"{e.missing:,}"), Cell(percent(e.overhead, 1)), Cell(percent(e.overhead_without, 1))]
        rows.append(row)
    return Table(header, rows)


def weights(found: PlaneStatistics) -> Table:
    """Every tensor, a row each: its outliers, and the share of ones in every plane."""
    header = ["weight", "weights", "max |w|", "sigma", "max / sigma", "above half of max"]
    header += [f"plane {b}, %" for b in reversed(range(found.bits))]
    rows = []
    for t in found.tensors:
        row = [Cell(t.name), Cell(f"{t.weights:,}"), Cell(f"{t.largest:.3g}"), Cell(f"{t.sigma:.3g}")]
        row += [Cell(f"{t.ratio:.1f}"), Cell(f"{t.above_half:,}")]
        rows.append([*row, *(Cell(_ones(share), order=share) for share in reversed(t.density))])
    return Table(header, rows)


def facts(view: Faulty) -> Table:
    """What the numbers were measured with: one column a source."""
    columns: dict[str, dict[str, str]] = {}
    for source in view.measured:
        alone = "" if not hasattr(source, "of") else f", {source.of}s alone"
        label = f"{source.label or 'this network'}{alone}"
        name = label if label not in columns else f"{label} ({len(columns) + 1})"
        scale = Scale(source.metric, source.bounded)
        clean = getattr(source, "digital", getattr(source, "baseline", math.nan))
        columns[name] = {
            "metric": source.metric,
            "without faults": scale.said(clean, 2),
            "chips": f"{source.chips:,}" + (f" from {source.first_chip:,}" if source.first_chip else ""),
            "test set": source.data,
            "test samples a chip": f"{source.images:,}",
            "cells of the weights": _cells(source),
            "stays digital": ", ".join(getattr(source, "kept", ())),
            "seed": str(source.seed),
            "confidence of intervals": f"{100 * source.confidence:g} %",
        } | flat(source.provenance)
    for found in view.pruned:
        columns["pruning"] = {"test set": "", "training data": found.data} | flat(found.method.to_dict())
    if not columns:
        columns["weights"] = {"mho": __version__}
    names = dict.fromkeys(name for own in columns.values() for name, value in own.items() if value)
    rows = [[Cell(name), *(Cell(own.get(name, "")) for own in columns.values())] for name in names]
    return Table(["stuck cells", *columns], rows, left=1 + len(columns))


def _tolerance(found: Tolerance, factor: float, order: float) -> Cell:
    if math.isnan(found.value):
        return Cell("–", order=0.0)
    low, high = (f"{factor * v:.3g}" if 0 < v < math.inf else "–" for v in (found.low, found.high))
    return Cell(f"{found.sign}{factor * found.value:.3g}", f"[{low}, {high}]", order=order)


def _cells(source: Any) -> str:
    """Of a scheme, or of all parts together."""
    return f"{sum(source.cells) if hasattr(source, 'of') else max(source.cells):,}"


def _ones(share: float) -> str:
    return f"{100 * share:.1f}" if share >= 5e-4 or share == 0 else f"{100 * share:.2g}"
