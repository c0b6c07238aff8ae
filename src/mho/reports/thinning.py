"""What a page leaves out so that it stays small enough to mail, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Mapping

from mho.reports.summary import Entry, Numbers, Summary
from mho.units import age_unit, format_age

LIMIT = 1_950_000  # bytes of a page
SHARES = (1.0, 0.5, 0.25, 0.1)  # of the rows and texts below, until the page is small enough
ROWS = 1600  # rows of the table, of about 400 bytes each
TEXT = 250_000  # characters of specifications, and of tracebacks
TRACEBACK = 4_000  # characters of one traceback, from its end


def rows(summary: Summary, share: float = 1.0) -> tuple[list[tuple[Entry, Numbers]], str]:
    """The populations of the table, and what was left out: first ages between the ends, then ages, then sigmas."""
    budget = max(int(share * ROWS) // len(summary.entries), 1)
    kept = [(entry, n) for entry in summary.entries for n in _thin(entry, budget)]
    everyone = sum(len(e.numbers) for e in summary.entries)
    if len(kept) == everyone:
        return kept, ""
    sigmas = sorted({n.sigma for _, n in kept if n.sigma is not None})
    ages = sorted({n.age for _, n in kept})
    shown = ", ".join(format_age(age, summary.clock) for age in ages)
    unit = "ages" if summary.clock == "s" else age_unit(summary.clock)
    left = [f"{unit} {shown}"] if len(ages) < len(summary.ages) else []
    left += [f"sigmas {', '.join(f'{s:g}' for s in sigmas)}"] if len(sigmas) < len(summary.sigmas) else []
    which = f" ({'; '.join(left)})" if left else ""
    return kept, f"Thinned: {len(kept):,} of {everyone:,} populations are on this page{which}; the results have all."


def texts(named: Mapping[str, str], what: str, share: float = 1.0) -> tuple[dict[str, str], str]:
    """As many whole texts as a page holds, from the first, and what was left out."""
    kept: dict[str, str] = {}
    room = share * TEXT
    for name, text in named.items():
        if kept and len(text) > room:
            continue
        kept[name] = text
        room -= len(text)
    lost = len(named) - len(kept)
    return kept, f"Thinned: {lost:,} of {len(named):,} {what} are not on this page." if lost else ""


def tracebacks(failures: Mapping[str, str], share: float = 1.0) -> tuple[dict[str, str], str]:
    """The ends of tracebacks, as many as a page holds."""
    ends = {label: text if len(text) <= TRACEBACK else f"…{text[-TRACEBACK:]}" for label, text in failures.items()}
    return texts(ends, "tracebacks", share)


def _thin(entry: Entry, budget: int) -> list[Numbers]:
    sigmas = sorted({n.sigma for n in entry.numbers}, key=lambda s: (s is None, s or 0.0))
    ages = sorted({n.age for n in entry.numbers})
    for fewer in (ages, [ages[0], ages[-1]], [ages[-1]]):
        if len(sigmas) * len(fewer) <= budget or len(fewer) == 1:
            ages = fewer
            break
    if len(sigmas) > budget:
        # Evenly, and the largest always.
        step = (len(sigmas) - 1) / max(budget - 1, 1)
        sigmas = [sigmas[len(sigmas) - 1 - round(i * step)] for i in range(budget)]
    return [n for n in entry.numbers if n.sigma in sigmas and n.age in ages]
