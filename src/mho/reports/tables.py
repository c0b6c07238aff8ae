"""The tables of a report as plain cells: text to read, and the number to sort by where the text does not say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.scale import Scale
from mho.reports.summary import Entry, Numbers, Summary
from mho.reports.wording import count, energy, ordinal
from mho.reports.writing import NONE, Written, verified
from mho.units import age_heading, format_age, format_duration

if TYPE_CHECKING:
    from mho.evaluation.statistics import Interval


class Cell(NamedTuple):
    """One table cell.

    Attributes:
        text: the value.
        aside: its interval, set smaller; may be empty.
        order: what a column of numbers sorts by; ``None`` is the number that the text begins with.
    """

    text: str
    aside: str = ""
    order: float | None = None


class Table(NamedTuple):
    """A header and its rows, of equal length.

    Attributes:
        header: names of the columns.
        rows: cells; the first one names the row.
        left: how many columns, from the first, are text.
        series: index of the result of each row; empty where rows are of no result.
    """

    header: list[str]
    rows: list[list[Cell]]
    left: int = 1
    series: tuple[int, ...] = ()


def populations(summary: Summary, kept: list[tuple[Entry, Numbers]]) -> Table:
    """The populations ``kept``, a row each, with every statistic that any result asked for."""
    scale = summary.scale
    names = list(summary.axes)
    with_ekl = any(n.ekl is not None for _, n in kept)
    with_counts = len({n.chips for _, n in kept}) > 1
    # Where the axes tell all results apart, a label says nothing that they do not.
    labelled = not names or summary.entries[0].short == summary.entries[0].label
    header = [
        *["label"] * labelled,
        *names,
        *["sigma"] * summary.severe,
        age_heading(summary.clock),
        *["chips"] * with_counts,
        "mean",
    ]
    header += [*(f"{ordinal(k)} percentile" for k in summary.percentiles), summary.extreme, "std"]
    header += [*(f"yield ≥ {scale.factor * t:g}" for t in summary.thresholds), *["EKL, nats"] * with_ekl]
    costs = [n.written for _, n in kept]
    header += _costs_header(costs)
    rows = []
    for entry, n in kept:
        row = [
            *[Cell(entry.label)] * labelled,
            *(Cell(entry.axes[name]) for name in names),
            *[Cell("own", order=math.inf) if n.sigma is None else Cell(f"{n.sigma:g}")] * summary.severe,
            Cell(format_age(n.age, summary.clock), order=n.age),
            *[Cell(f"{n.chips:,}", order=n.chips)] * with_counts,
            interval(n.mean, scale),
            *(interval(i, scale) for i in n.percentiles.values()),
            Cell(scale.text(n.extreme)),
            Cell(scale.text(n.std)),
            *(interval(i, Scale("yield", True), 1) for i in n.good.values()),
        ]
        rows.append([*row, *[_ekl(n.ekl)] * with_ekl, *_costs(n.written, costs)])
    return Table(header, rows, labelled + len(names), tuple(entry.index for entry, _ in kept))


def interval(measured: Interval, scale: Scale, digits: int = 2) -> Cell:
    """The value, and its limits beside it."""
    return Cell(scale.text(measured.value, digits), scale.limits(measured, digits))


def _costs_header(costs: Sequence[Written | None]) -> list[str]:
    """Columns of what programming costs, as far as anything of that is known."""
    known = [cost for cost in costs if cost is not None]
    header = ["cycles"] * bool(known) + ["NWC", "with first writes", "cells outside"] * verified(known)
    header += ["time"] * any(math.isfinite(cost.seconds) for cost in known)
    return header + ["energy"] * any(math.isfinite(cost.joules) for cost in known)


def _costs(cost: Written | None, costs: Sequence[Written | None]) -> list[Cell]:
    header = _costs_header(costs)
    if cost is None:
        return [Cell("")] * len(header)
    cells = {
        "cycles": Cell(f"{cost.cycles:,.0f}", order=cost.cycles),
        "NWC": Cell(f"{cost.nwc:.3g}"),
        "with first writes": Cell(f"{cost.with_first:.3g}"),
        "cells outside": failing(cost.failures),
        "time": duration(cost.seconds),
        "energy": joules(cost.joules),
    }
    return [cells[name] for name in header]


def failing(cells: float) -> Cell:
    """Expected cells a chip that stay outside the tolerance."""
    return Cell("<0.01" if 0 < cells < NONE else count(cells), order=cells)


def duration(seconds: float) -> Cell:
    """A time with three digits; an en dash where there is none."""
    return Cell(format_duration(float(f"{seconds:.3g}")), order=seconds) if math.isfinite(seconds) else Cell("–")


def joules(value: float) -> Cell:
    """An energy; an en dash where there is none."""
    return Cell(energy(value), order=value) if math.isfinite(value) else Cell("–")


def _ekl(interval: Interval | None) -> Cell:
    if interval is None or math.isnan(interval.value):
        return Cell("" if interval is None else "–")
    low, high = ("–" if math.isnan(v) else f"{v:.4f}" for v in interval[1:])
    return Cell(f"{interval.value:.4f}", f"[{low}, {high}]")
