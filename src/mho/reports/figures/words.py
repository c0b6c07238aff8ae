"""What a point of a figure says when it is asked."""

from __future__ import annotations

from mho.reports.summary import Entry, Numbers, Summary
from mho.reports.wording import ordinal


def words(summary: Summary, entry: Entry, numbers: Numbers, statistic: str) -> str:
    """Result, place, value with its interval, and chips: a line each. ``statistic`` is ``mean`` or ``percentile``."""
    interval = summary.unlucky(numbers) if statistic == "percentile" else numbers.mean
    assert interval is not None
    name = "mean" if statistic == "mean" or summary.tail.k is None else f"{ordinal(summary.tail.k)} percentile"
    chips = f"{numbers.chips:,} chip{'s' * (numbers.chips != 1)}"
    return f"{entry.label}\n{entry.where(numbers)}\n{name} {summary.scale.measured(interval)}\n{chips}"
