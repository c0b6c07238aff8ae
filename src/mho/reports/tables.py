"""The tables of a report as plain cells: text to read, and the number to sort by where the text does not say it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.scale import Scale
from mho.reports.summary import Entry, Numbers, Summary
from mho.reports.wording import ordinal
from mho.units import format_duration

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
    header = [*["label"] * labelled, *names, "sigma", "age", *["chips"] * with_counts, "mean"]
    header += [*(f"{ordinal(k)} percentile" for k in summary.percentiles), summary.extreme, "std"]
    header += [*(f"yield ≥ {scale.factor * t:g}" for t in summary.thresholds), *["EKL, nats"] * with_ekl]
    rows = []
    for entry, n in kept:
        row = [
            *[Cell(entry.label)] * labelled,
            *(Cell(entry.axes[name]) for name in names),
            Cell("own", order=math.inf) if n.sigma is None else Cell(f"{n.sigma:g}"),
            Cell(format_duration(n.age), order=n.age),
            *[Cell(f"{n.chips:,}", order=n.chips)] * with_counts,
            _interval(n.mean, scale),
            *(_interval(i, scale) for i in n.percentiles.values()),
            Cell(scale.text(n.extreme)),
            Cell(scale.text(n.std)),
            *(_interval(i, Scale("yield", True), 1) for i in n.good.values()),
        ]
        rows.append([*row, *[_ekl(n.ekl)] * with_ekl])
    return Table(header, rows, labelled + len(names), tuple(entry.index for entry, _ in kept))


def _interval(interval: Interval, scale: Scale, digits: int = 2) -> Cell:
    return Cell(scale.text(interval.value, digits), scale.limits(interval, digits))


def _ekl(interval: Interval | None) -> Cell:
    if interval is None or math.isnan(interval.value):
        return Cell("" if interval is None else "–")
    low, high = ("–" if math.isnan(v) else f"{v:.4f}" for v in interval[1:])
    return Cell(f"{interval.value:.4f}", f"[{low}, {high}]")
