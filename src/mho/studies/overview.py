"""Many results in one table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mho.text import table
from mho.units import format_duration, percent, significant

if TYPE_CHECKING:
    from mho.studies.results import Answers

ROWS = 60
"""Populations printed; the report and ``mho export`` have all."""


def overview(answers: Answers) -> str:
    """One row a population: its place on the axes, and every statistic with its interval."""
    first = next(iter(answers.results.values()))
    show = percent if first.bounded else significant
    rows = answers.rows()
    axes = list(answers.study.axes)
    named = [k for k in rows[0] if f"{k}_low" in rows[0] and k != "ekl"]
    header = [*(path.rpartition(".")[2] for path in axes), "sigma", "age", *named, "min", "std"]
    lines = []
    for row in rows[:ROWS]:
        place = [row[path] for path in axes]
        place += ["device's" if row["sigma"] is None else f"{row['sigma']:g}", format_duration(row["age_s"])]
        spelled = [f"{show(row[k])} [{show(row[f'{k}_low'])}, {show(row[f'{k}_high'])}]" for k in named]
        lines.append([*place, *spelled, show(row["min"]), show(row["std"])])
    title = (
        f"{answers.study.name}: {first.metric}{' in %' if first.bounded else ''}, {first.images:,} samples; "
        f"[{100 * first.confidence:g} % intervals over chips]"
    )
    more = f"\n... and {len(rows) - ROWS:,} more rows: mho export, mho report" if len(rows) > ROWS else ""
    return table(header, lines, left=len(axes), title=title) + more
