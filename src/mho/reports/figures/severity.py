"""Metric against sigma: how fast do the average chip and the unlucky chip give way?"""

from __future__ import annotations

from mho.reports.figures import lines, places
from mho.reports.figures.canvas import HEIGHT, WIDTH, Drawing, Mark, Sheet, plain, tie
from mho.reports.summary import Summary
from mho.reports.wording import age_words


def severity(summary: Summary, age: float | None = None) -> Drawing:
    """Mean, lowest percentile and worst chip against sigma at one age.

    The y axis covers all ages of all results, so that panels of different ages compare. Results of a single
    sigma each stand side by side, under their labels.

    Args:
        summary: its entries have one colour and marker each.
        age: ``None`` takes the last age of the first result. Results without this age are left out.
    """
    at = summary.entries[0].result.age[-1] if age is None else age
    side_by_side = all(len(e.result.sigma) == 1 for e in summary.entries)
    along = places.sigmas(summary)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.frame(figure, summary, age_words(at, summary.clock))
        marks = []
        for i, entry in enumerate(summary.entries):
            here = [n for n in entry.numbers if n.age == at]
            trace = lines.Trace.of(summary, [(float(i) if side_by_side else along.place(n), n) for n in here])
            if trace.places:
                lines.paint(axes, trace, entry.index)
                marks += trace.marks(axes, summary, entry)
        lines.reference(axes, summary)
        if side_by_side:
            count = len(summary.entries)
            axes.set_xlim(-0.5, count - 0.5)
            axes.set_xticks(range(count), [plain(e.short, max(4, 44 // count)) for e in summary.entries])
            for label, entry in zip(axes.get_xticklabels(), summary.entries, strict=True):
                tie(label, entry.index)
        else:
            along.dress(axes)
        return marks

    names = ", ".join(e.label for e in summary.entries)
    return Drawing(WIDTH, HEIGHT, f"{summary.scale.name} against sigma, {age_words(at, summary.clock)}: {names}", paint)
