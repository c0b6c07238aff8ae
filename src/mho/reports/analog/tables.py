"""Training on arrays as tables: every error, ours beside those of others, every cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mho import __version__
from mho.analog.published_errors import PROGRAMMING_ERRORS, SIZE
from mho.reports.analog import comparing
from mho.reports.analog.costs import SYMBOLS
from mho.reports.analog.phrases import ERROR, TEST, amount, kind, lasting, test_error, title
from mho.reports.analog.view import DIGITAL, Analog
from mho.reports.provenance import flat
from mho.reports.tables import Cell, Table, duration, interval

if TYPE_CHECKING:
    from mho.analog.experiments.programming_result import Programming
    from mho.analog.experiments.sweep_result import Sweep
    from mho.analog.hardware import Hardware
    from mho.evaluation.statistics import Interval
    from mho.reports.scale import Scale


def programming(view: Analog, source: Programming) -> Table:
    """Every level, a row each, what others report beside it."""
    header = ["algorithm", "states", "σᵣ", "% of range", "error, %"]
    known = source.size == SIZE
    header += ["paper, %", "aihwkit, %"] * known
    header += ["pulses of A", "most", "of W", "most"]
    rows = []
    for level in source.levels:
        std = Cell(f"{level.reference_std:g}") if level.has_reference else Cell("any", order=level.reference_std)
        if not level.has_reference and level.reference_std != source.reference_std[0]:
            continue
        row = [Cell(level.label), _states(level.n_states), std]
        row += [Cell(f"{50 * level.reference_std:g}" if level.has_reference else "–")]
        row += [_measured(level.error(view.confidence), ERROR)]
        if known:
            row += [_published(level, "paper"), _published(level, "aihwkit")]
        row += [
            _pulses(getattr(level, name)) for name in ("gradient_mean", "gradient_max", "weight_mean", "weight_max")
        ]
        rows.append(row)
    return Table(header, rows)


def sweep(view: Analog, source: Sweep) -> Table:
    """Every point, a row each, floating point last."""
    refers = any(point.has_reference for point in source.points)
    shown = ["n_states", *["reference_std"] * refers, *["bounds"] * ("bounds" in comparing.varied(source))]
    names = {"n_states": "states", "reference_std": "σᵣ", "bounds": "bounds, ×"}
    header = ["algorithm", *(names[name] for name in shown), "test error, %", "loss", "pulses of A, most", "of W, most"]
    rows: list[list[Cell]] = []
    for point in (*source.points, *([] if source.floating is None else [source.floating])):
        places = {name: Cell("–") if (v := comparing.at(point, name)) is None else Cell(f"{v:g}") for name in shown}
        if refers and point.algorithm is not None and not point.has_reference:
            places["reference_std"] = Cell("any")
        row = [Cell(point.label), *places.values(), _measured(test_error(point, view.confidence), TEST)]
        row += [Cell(f"{_mean(point.losses):.3g}".replace("nan", "–"))]
        row += [_pulses(_mean(point.gradient_pulses)), _pulses(_mean(point.weight_pulses))]
        if row not in rows:
            rows.append(row)
    return Table(header, rows)


def updates(view: Analog) -> Table:
    """Every update, a row each, the published time beside it."""
    header = ["algorithm", "devices", "n_s", "l", "digital, ns", "reads, ns", "pulses, ns", "all, ns", "published, ns"]
    header += ["bytes kept", "bits loaded", "bits moved", "arrays"]
    rows = []
    for cost in view.updates:
        u, c = cost.update, cost.counts
        said = cost.published_seconds
        row = [Cell(cost.algorithm), Cell(f"{u.outputs}×{u.inputs}", order=u.outputs * u.inputs)]
        row += [
            Cell(f"{u.transfer_every}" if c.reads else "–"),
            Cell("–" if cost.kind in DIGITAL else f"{u.mean_length:g}"),
        ]
        seconds = (cost.digital_seconds, cost.read_seconds, cost.pulse_seconds, cost.seconds)
        row += [Cell(f"{s * 1e9:,.2f}", order=s) for s in seconds]
        row += [Cell("–") if said is None else Cell(f"{said * 1e9:,.1f}", order=said)]
        sizes = (c.storage_bytes, c.load_bits, c.memory_bits, c.arrays)
        rows.append([*row, *(Cell(f"{size:,.0f}", order=float(size)) for size in sizes)])
    return Table(header, rows)


def networks(view: Analog) -> Table:
    """Every tile of every network, a row each, and the sum."""
    header = ["tile", "algorithm", "devices", "vectors", "passes", "updates", "both", "operations", "bytes kept"]
    rows = []
    for network in view.networks:
        for row in network.rows():
            cells = [Cell(str(row["tile"])), Cell(str(row.get("algorithm", "")))]
            cells += [Cell(f"{row['outputs']}×{row['inputs']}" if "outputs" in row else "")]
            cells += [Cell(f"{row['vectors']:,.6g}" if "vectors" in row else "")]
            cells += [duration(row[key]) for key in ("pass_seconds", "update_seconds", "seconds")]
            cells += [Cell(f"{row[key]:,.0f}", order=float(row[key])) for key in ("flops", "storage_bytes")]
            rows.append(cells)
    return Table(header, rows, left=2)


def wear(view: Analog) -> Table:
    """Every array, a row each."""
    header = ["tile", "array", "devices", "vectors", "mean", "median", "99th percentile", "most", "mean a sample"]
    header += ["most a sample", "most a vector", "bound"]
    rows = []
    for found in view.wears:
        for one in found.arrays:
            row = [Cell(one.tile), Cell(SYMBOLS.get(one.array, one.array)), Cell(f"{one.devices:,}")]
            row += [Cell(f"{one.vectors:,}"), _pulses(one.mean, 3)]
            row += [Cell(f"{one.percentiles[p]:,.0f}", order=one.percentiles[p]) for p in (50, 99)]
            row += [Cell(f"{one.maximum:,}"), _pulses(one.mean / one.samples), _pulses(one.maximum_per_sample)]
            row += [_pulses(one.maximum_per_vector), _pulses(math.nan if one.bound is None else one.bound)]
            rows.append(row)
    return Table(header, rows, left=2)


def retention(view: Analog) -> Table:
    """Every tile, a row each."""
    header = ["tile", "algorithm", "A: vectors", "time", "leaks, %", "chopper", "R may drift, %", "W: vectors", "time"]
    rows = []
    for found in view.retentions:
        for one in found.tiles:
            row = [Cell(one.tile), Cell(one.algorithm), _count(one.period), _time(one.gradient_seconds)]
            row += [_percent(one.gradient_leak), _count(one.chopper_period), _percent(one.reference_drift)]
            row += [_count(one.run), _time(one.run_seconds), _percent(one.weight_leak)]
            rows.append(row)
    return Table([*header, "leaks, %"], rows, left=2)


def facts(view: Analog) -> Table:
    """What the numbers were measured with: one column a source."""
    columns: dict[str, dict[str, str]] = {}
    for i, source in enumerate(view.programmings):
        name = f"array{f' {i + 1}' * (len(view.programmings) > 1)}"
        own = {"setting": source.setting or "own", "size": f"{source.size}×{source.size}", "rate": f"{source.rate:g}"}
        own |= {"samples": f"{source.samples:,}", "inputs": source.inputs, "loss": source.loss}
        own |= {"targets, standard deviation": f"{source.target_std:g}", "chips": f"{source.chips:,}"}
        own |= {"errors are means over the last": f"{100 * source.average_last:g} %", "seed": str(source.seed)}
        columns[name] = own | flat(source.provenance)
    for i, swept in enumerate(view.sweeps):
        recipe = swept.recipe
        own = {"network": swept.model, "data": swept.data, "test samples": f"{swept.images:,}"}
        own |= {"seed": ", ".join(map(str, swept.seeds)), "epochs": str(recipe.epochs), "rate": f"{recipe.lr:g}"}
        own |= {"batch": str(recipe.batch_size), "optimizer": str(recipe.optimizer)}
        columns[f"networks{f' {i + 1}' * (len(view.sweeps) > 1)}"] = own | flat(swept.provenance)
    for toy in view.toys:
        own = {"size": f"{toy.size}×{toy.size}", "samples": f"{toy.sample[-1]:,}", "rate": f"{toy.rate:g}"}
        own |= {"mean gradient": f"{-toy.alpha if toy.gradient else 0:g}", "chips": f"{toy.chips}"}
        columns[title(toy)] = own | {"seed": str(toy.seed)} | flat(toy.provenance)
    costs = [*view.updates, *(tile.update for network in view.networks for tile in network.tiles)]
    for i, hardware in enumerate(dict.fromkeys(cost.hardware for cost in costs)):
        columns[f"hardware{f' {i + 1}' * (i > 0)}"] = _hardware(hardware)
    for i, worn in enumerate(view.wears):
        tiles = len({one.tile for one in worn.arrays})
        own = {"tiles": f"{tiles:,}", "samples": f"{worn.samples:,.0f}", "mho": __version__}
        columns[f"wear{f' {i + 1}' * (i > 0)}"] = own
    for i, kept in enumerate(view.retentions):
        longest = max(tile.run for tile in kept.tiles)
        own = {"tiles": f"{len(kept.tiles):,}", "vectors, at most": f"{longest:,}", "mho": __version__}
        columns[f"retention{f' {i + 1}' * (i > 0)}"] = own
    names = dict.fromkeys(name for own in columns.values() for name in own)
    rows = [[Cell(name), *(Cell(own.get(name, "")) for own in columns.values())] for name in names]
    return Table(["training on the array", *columns], rows, left=1 + len(columns))


def _hardware(hardware: Hardware) -> dict[str, str]:
    return {
        "digital operations of a core": f"{hardware.flops / 1e9:,.6g} a ns",
        "arrays that share a core": f"{hardware.sharing}",
        "slot of a pulse train": lasting(hardware.pulse),
        "read, or a pass": lasting(hardware.mvm),
        "pulses up and pulses down": "one after the other" if hardware.two_phase else "at once",
        "mho": __version__,
    }


def _measured(error: Interval, scale: Scale) -> Cell:
    """The value with its limits; a dash in their place where there are none."""
    found = interval(error, scale)
    return found._replace(aside="[–]") if math.isnan(error.low) and not math.isnan(error.value) else found


def _published(level: Any, source: str) -> Cell:
    for one in PROGRAMMING_ERRORS:
        place = (kind(level.algorithm), level.n_states, level.reference_std, level.has_reference)
        if one.source == source and one.is_of(*place):
            return Cell(f"{'>' * one.at_least}{100 * one.error:g}", order=one.error)
    return Cell("–")


def _states(n: float | None) -> Cell:
    return Cell("–") if n is None else Cell(f"{n:g}")


def _pulses(value: float, digits: int = 2) -> Cell:
    return Cell("–") if math.isnan(value) else Cell(amount(value, digits), order=value)


def _count(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}", order=float(value))


def _time(seconds: float | None) -> Cell:
    return Cell("–") if seconds is None else duration(seconds)


def _percent(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(f"{100 * value:.3g}")


def _mean(values: Any) -> float:
    known = values[~(values != values)]
    return float(known.mean()) if len(known) else math.nan
