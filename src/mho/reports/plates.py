"""Which figures a page has: a few results are drawn in full; of many, what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mho.reports import figures
from mho.reports.figures import Drawing, Key, grouping, places
from mho.reports.figures.places import Places
from mho.reports.summary import Entry, Summary
from mho.reports.wording import age_words, capital, ordinal, sigma_words, since

PANELS = 3  # panels a figure of few results has at most; of more ages, the first and the last are drawn


class Plate(NamedTuple):
    """A figure of the page: panels side by side, legend, caption, and what reproduces it.

    Attributes:
        name: one word for files.
        panels: drawings.
        caption: one paragraph.
        keys: of the legend.
        specs: name to YAML of what is shown.
        wide: the same for wide screens, where the panel had to cut labels.
    """

    name: str
    panels: list[Drawing]
    caption: str
    keys: list[Key]
    specs: Mapping[str, str]
    wide: Drawing | None = None


def plates(summary: Summary, specs: Mapping[str, str]) -> list[Plate]:
    """The figures in the order of the page; only the first one carries specifications that all share."""
    out = _many(summary, specs) if summary.many else _few(summary, specs)
    ends = [summary.ranked()[0], summary.ranked()[-1]] if summary.many else list(summary.entries)
    return out + [_crowd(summary, e, specs) for e in ends if getattr(e.result, "images_per_chip", None) is None]


def _few(summary: Summary, specs: Mapping[str, str]) -> list[Plate]:
    keys = [Key(e.short, "mean", e.index, (e.index,)) for e in summary.entries]
    keys.append(Key("mean and its interval", "mean"))
    if summary.tail.k is not None:
        keys.append(Key(f"{ordinal(summary.tail.k)} percentile", "percentile"))
    keys += [Key(f"{summary.extreme} chip seen", "extreme"), Key("digital network", "digital")]
    metric = capital(summary.scale.metric)
    alone = all(len(e.result.sigma) == 1 for e in summary.entries)
    caption = f"{metric} {'of each result' if alone else 'against sigma'}. "
    caption += "A band is missing where there are too few chips to draw it."
    panels = [figures.severity(summary, age) for age in _ages(summary)]
    out = [Plate("severity", panels, caption, keys, specs)]
    if len(summary.ages) > 2:
        sigmas = summary.sigmas
        chosen: list[float | None] = [sigmas[len(sigmas) // 2], sigmas[-1]] if len(sigmas) > 1 else [None]
        where = " and ".join(sigma_words(s) for s in chosen if s is not None)
        caption = f"{metric} against {since(summary.clock)}{f', {where}' if where else ''}."
        out.append(Plate("ageing", [figures.ageing(summary, s) for s in chosen], caption, keys, specs))
    return out


def _many(summary: Summary, specs: Mapping[str, str]) -> list[Plate]:
    groups = grouping(summary)
    colours = [
        Key(words, "mean", slot, tuple(e.index for e in entries))
        for slot, (words, entries) in enumerate(groups.colours.items())
    ]
    first = summary.entries[0]
    where = first.at_point(summary.compared(first)) if summary.common else "each at its own harshest point"
    percentile = summary.tail.k and f"{ordinal(summary.tail.k)} percentile"
    keys = [*colours, Key("mean and its interval", "dot")]
    keys += [Key(f"{percentile} and its interval", "tick")] if percentile else []
    keys.append(Key(f"{summary.extreme} chip seen", "extreme"))
    order = "best" if summary.scale.fraction else "highest"
    caption = f"All {len(summary.entries)} results {where}, the {order} {percentile or 'mean'} first."
    wide = figures.ranking(summary, figures.WIDE) if figures.cut(summary) else None
    out = [Plate("ranking", [figures.ranking(summary)], caption, keys, specs, wide)]
    age = summary.common[1] if summary.common else summary.ages[-1]
    sigma = summary.common[0] if summary.common else summary.sigmas[-1] if summary.sigmas else None
    curves = [*colours, Key("range of all results", "range")]
    statistics = [("percentile", f"the {percentile}")] * bool(percentile) + [("mean", "the mean")]

    def lines(along: Places) -> str:
        last = " Thinned: only the last point of a line tells its numbers." if figures.sparse(summary, along) else ""
        return f"Every line is a result.{last}"

    along = places.sigmas(summary)
    if len(along.ticks) > 1:
        drawn = []
        for statistic, words in statistics:
            title = f"{words} of {summary.scale.metric} against sigma, {age_words(age, summary.clock)}"
            panels = figures.multiples(summary, along, statistic, age, title, f"{words} of {summary.scale.name}")
            drawn.append((statistic, title, panels))
        if len(groups.panels) == 1:
            both = f"{' and '.join(words for _, words in statistics)} of {summary.scale.metric} against sigma"
            both = f"{both}, {age_words(age, summary.clock)}"
            drawn = [("severity", both, [p for _, _, panels in drawn for p in panels])]
        for name, title, panels in drawn:
            out.append(Plate(name, panels, f"{capital(title)}. {lines(along)}", curves, specs))
    if len(summary.ages) > 1:
        statistic, words = statistics[0]
        title = f"{words} of {summary.scale.metric} against {since(summary.clock)}"
        title += f", {sigma_words(sigma)}" if summary.severe else ""
        alone = f"{words} of {summary.scale.name}"
        along = places.ages(summary)
        panels = figures.multiples(summary, along, statistic, sigma, title, alone)
        out.append(Plate("ageing", panels, f"{capital(title)}. {lines(along)}", curves, specs))
    return out


def _crowd(summary: Summary, entry: Entry, specs: Mapping[str, str]) -> Plate:
    shown = _ages(summary) if not summary.many else [summary.compared(entry).age]
    mine = [age for age in shown if age in entry.result.age] or [entry.result.age[-1]]
    span = figures.crowd(summary, entry)
    caption = (
        f"{entry.short}: every chip. Each tick is a chip, the ridge above it the crowd (scaled row by row), "
        "the marker the mean"
    )
    if summary.tail.k is not None:
        caption += f", the dashed line the {ordinal(summary.tail.k)} percentile"
    caption += f", the number the {summary.extreme} chip seen."
    own = {entry.label: specs[entry.label]} if entry.label in specs else specs
    return Plate("chips", [figures.distribution(summary, entry, age, span=span) for age in mine], caption, [], own)


def _ages(summary: Summary) -> list[float]:
    ages = summary.ages
    return ages if len(ages) <= PANELS else [ages[0], ages[-1]]
