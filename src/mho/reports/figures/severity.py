"""Metric against sigma: how fast do the average chip and the unlucky chip give way?"""

from __future__ import annotations

from mho.reports.figures import lines, places
from mho.reports.figures.canvas import HEIGHT, WIDTH, Drawing, Mark, Sheet, tie
from mho.reports.figures.names import stacked
from mho.reports.summary import Summary
from mho.reports.wording import age_words

LINE = 10  # points from one line of a label to the next


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
    count = len(summary.entries)
    names = stacked([e.short for e in summary.entries], max(4, 44 // count)) if side_by_side else []
    below = LINE * max((name.count("\n") - 1 for name in names), default=0)

    def paint(figure: Sheet) -> list[Mark]:
        axes = lines.frame(figure, summary, age_words(at, summary.clock), max(below, 0))
        marks = []
        for i, entry in enumerate(summary.entries):
            here = [n for n in entry.numbers if n.age == at]
            trace = lines.Trace.of(summary, [(float(i) if side_by_side else along.place(n), n) for n in here])
            if trace.places:
                lines.paint(axes, trace, entry.index)
                marks += trace.marks(axes, summary, entry)
        lines.reference(axes, summary)
        if side_by_side:
            axes.set_xlim(-0.5, count - 0.5)
            axes.set_xticks(range(count), names)
            for label, entry in zip(axes.get_xticklabels(), summary.entries, strict=True):
                tie(label, entry.index)
        else:
            along.dress(axes)
        return marks

    labels = ", ".join(e.label for e in summary.entries)
    against = "" if side_by_side else " against sigma"
    title = f"{summary.scale.name}{against}, {age_words(at, summary.clock)}: {labels}"
    return Drawing(WIDTH, HEIGHT + max(below, 0), title, paint)
