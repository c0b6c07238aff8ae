"""Metric against age: does the chip that passed in the factory still pass in the field?"""

from __future__ import annotations

import math

from mho.errors import SpecError
from mho.reports.figures import lines, places
from mho.reports.figures.canvas import HEIGHT, WIDTH, Drawing, Mark, Sheet
from mho.reports.summary import Entry, Numbers, Summary
from mho.reports.wording import sigma_words, since


def ageing(summary: Summary, sigma: float | None = None) -> Drawing:
    """Mean, lowest percentile and worst chip against age (logarithmic) at one sigma.

    Args:
        summary: its entries have one colour and marker each.
        sigma: of the chips shown; results without it are left out. ``None``: every result at its only, or its
            largest, sigma.

    Raises:
        SpecError: there are no results at this sigma.
    """
    chosen = {entry.index: _at(entry, sigma) for entry in summary.entries}
    if not any(chosen.values()):
        raise SpecError(f"no result has sigma {sigma:g}")
    along = places.ages(summary)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.frame(figure, summary, sigma_words(sigma) if sigma is not None else "")
        marks = []
        for entry in summary.entries:
            trace = lines.Trace.of(summary, [(along.place(n), n) for n in chosen[entry.index]])
            if trace.places:
                lines.paint(axes, trace, entry.index)
                marks += trace.marks(axes, summary, entry)
        lines.reference(axes, summary)
        along.dress(axes)
        return marks

    where = f" at {sigma_words(sigma)}" if sigma is not None else ""
    names = ", ".join(e.label for e in summary.entries)
    return Drawing(WIDTH, HEIGHT, f"{summary.scale.name} against {since(summary.clock)}{where}: {names}", paint)


def _at(entry: Entry, sigma: float | None) -> list[Numbers]:
    if sigma is None:
        return [n for n in entry.numbers if n.sigma == entry.harshest.sigma]
    return [n for n in entry.numbers if n.sigma is not None and math.isclose(n.sigma, sigma, rel_tol=1e-9)]
