"""Many results in one table for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mho.text import table
from mho.units import AGE_COLUMNS, age_column, age_heading, format_age, percent, significant

if TYPE_CHECKING:
    from mho.studies.results import Answers

ROWS = 60
"""Populations printed; the report and ``mho export`` have all."""
PLACE = ("sigma", *AGE_COLUMNS)


def overview(answers: Answers) -> str:
    """One row a population, or an answer: its place on the axes, and every statistic with its interval."""
    first = next(iter((answers.results or answers.found).values()))
    show = percent if first.bounded else significant
    axes = list(answers.study.axes)
    if answers.results:
        rows = answers.rows()
        named = [*(k for k in rows[0] if f"{k}_low" in rows[0] and k != "ekl"), "min", "std"]
    else:
        rows = answers.summaries()
        named = [k for k in statistics(rows) if k not in (*axes, *PLACE)]
    header = [path.rpartition(".")[2] for path in axes]
    clock = next(iter(answers.points.values())).clock
    aged = age_column(clock)
    # A sigma that is everywhere the device's own says nothing where ages are not of variation.
    severe = "sigma" in rows[0] and (clock == "s" or any(row["sigma"] is not None for row in rows))
    header += ["sigma"] * severe + [age_heading(clock)] * (aged in rows[0])
    lines = []
    for row in rows[:ROWS]:
        place = [row[path] for path in axes]
        place += ["device's" if row["sigma"] is None else f"{row['sigma']:g}"] if severe else []
        place += [format_age(row[aged], clock)] if aged in row else []
        lines.append([*place, *(spelled(row, name, show) for name in named)])
    header += named
    title = f"{answers.study.name}: {first.metric}{' in %' if first.bounded else ''}, {first.images:,} samples"
    if hasattr(first, "confidence"):
        title += f"; [{100 * first.confidence:g} % intervals over chips]"
    more = f"\n... and {len(rows) - ROWS:,} more rows: mho export, mho report" if len(rows) > ROWS else ""
    return table(header, lines, left=len(axes), title=title) + more


def statistics(rows: list[dict[str, Any]]) -> list[str]:
    """The names of what rows say, without those of limits."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [n for n in names if not any(n == f"{m}{end}" for m in names for end in ("_low", "_high"))]


def spelled(row: Mapping[str, Any], name: str, show: Callable[[float], str]) -> str:
    """``"97.31 [97.02, 97.55]"``; the number alone where it has no interval, nothing where there is none."""
    if name not in row:
        return ""
    limits = f" [{show(row[f'{name}_low'])}, {show(row[f'{name}_high'])}]" if f"{name}_low" in row else ""
    return f"{show(row[name])}{limits}"
