"""The answer in words for a study: the best result, the worst one, and how the others lie between them."""

from __future__ import annotations

import math
from statistics import median

from mho.reports.answer import Finding, stays
from mho.reports.labels import named
from mho.reports.summary import Entry, Summary
from mho.reports.wording import capital, ordinal

SPLIT = 6  # values of an axis that one sentence can name


def heading(summary: Summary) -> str:
    """``"At sigma 0.2 after 1 year, the harshest point of all 40 results"``."""
    entry, number = summary.entries[0], len(summary.entries)
    if summary.common is None:
        return f"Each of the {number} results at its own harshest point"
    return f"{capital(entry.at_point(summary.compared(entry)))}, the harshest point that all {number} results share"


def findings(summary: Summary) -> list[Finding]:
    """The first and the last result by the unlucky chip, compared where all results can be."""
    ranked = [e for e in summary.ranked() if not math.isnan(summary.compared(e).mean.value)]
    if not ranked:
        return []
    names = ("Best", "Worst") if summary.scale.fraction else ("Highest", "Lowest")
    return [_finding(summary, entry, name) for entry, name in zip((ranked[0], ranked[-1]), names, strict=True)]


def spread(summary: Summary) -> list[str]:
    """How the other results lie, and what each axis does to their median."""
    ranked = [e for e in summary.ranked() if not math.isnan(_value(summary, e))]
    others = [_value(summary, e) for e in ranked[1:-1]]
    lost = len(summary.entries) - len(ranked)
    out = [f"{lost} {'result' if lost == 1 else 'results'} gave no value there."] if lost else []
    if not others:
        return out
    said = summary.scale.said
    what = "mean" if summary.tail.k is None else f"{ordinal(summary.tail.k)} percentile"
    out.insert(
        0,
        f"Of the other {len(others)} results, the {what} lies between {said(min(others))} and {said(max(others))}; "
        f"its median is {said(median(others))}.",
    )
    return out + _by_axis(summary, ranked)


def _by_axis(summary: Summary, ranked: list[Entry]) -> list[str]:
    out = []
    for axis, values in summary.axes.items():
        groups = {v: [_value(summary, e) for e in ranked if e.axes[axis] == v] for v in values}
        if not 2 <= len(values) <= SPLIT or min(map(len, groups.values())) < 2:
            continue
        middle = sorted(((median(group), v) for v, group in groups.items()), reverse=True)
        shown = ", ".join(f"{named(axis, v)} ({summary.scale.said(m)})" for m, v in middle)
        out.append(f"Medians by {axis}: {shown}.")
    return out


def _finding(summary: Summary, entry: Entry, name: str) -> Finding:
    numbers, scale = summary.compared(entry), summary.scale
    stay = stays(summary, numbers)
    reaches = "reaches" if scale.fraction else f"has a {scale.metric} of"
    mean = f"The average chip {reaches} {scale.measured(numbers.mean)}"
    worst = f"the {summary.extreme} of {numbers.chips:,} chips seen: {scale.said(numbers.extreme)}"
    return Finding(f"{name}: {entry.short}", stay and capital(stay) + ".", [f"{mean}; {worst}."])


def _value(summary: Summary, entry: Entry) -> float:
    numbers = summary.compared(entry)
    return (summary.unlucky(numbers) or numbers.mean).value
