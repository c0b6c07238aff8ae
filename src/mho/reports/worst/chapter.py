"""The worst possible chip as a part of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mho.reports import figures
from mho.reports.chapter import Chapter, Numbered, keys_of, own_specs
from mho.reports.figures import Key
from mho.reports.plates import Plate
from mho.reports.wording import capital
from mho.reports.worst import tables, words
from mho.reports.worst.view import KINDS, WorstCases

if TYPE_CHECKING:
    from mho.evaluation.worst_case.result import WorstCase

TERMS = [
    (
        "Worst chip found",
        "The chip a search found by moving every weight, within the bound, to where the network fails most. It may "
        "be rarer than anything that chance would ever build: it says what can be, not how often.",
    ),
    (
        "Bound",
        "The largest deviation of any weight, as a fraction of the full scale: of the largest weight of its layer. "
        "Write-verify to a tolerance gives such a bound, for the cells that it settles.",
    ),
    (
        "Random chips",
        "Chips within the same bound that no search has chosen: clipped Gaussian, uniform, or with every weight at "
        "the bound itself (corners).",
    ),
]


def chapter(cases: Sequence[WorstCase], known: Sequence[str], specs: Mapping[str, str]) -> Chapter:
    """The chapter of ``cases``, at least one; ``known`` are the labels of the page's results."""
    view = WorstCases.of(cases, known)
    table = Numbered("bounds", "Every bound", _reading(view), tables.bounds(view))
    return Chapter(
        id="worst",
        heading="The worst possible chip",
        headline=words.headline(view),
        subtitle=_subtitle(view),
        findings=words.findings(view),
        caveats=words.caveats(view),
        plates=[_plate(view, known, specs)],
        tables=[table],
        command="\n".join(map(_call, cases)),
        terms=TERMS,
        facts=tables.facts(view),
        references=keys_of(cases, "yan2022worst"),
    )


def _plate(view: WorstCases, known: Sequence[str], specs: Mapping[str, str]) -> Plate:
    first = view.entries[0]
    alone, points = len(view.entries) == 1, [p for e in view.entries for p in e.points]
    counts = {sum(r.chips for r in p.random) for p in points if p.random}
    chips = f"{_either(counts)} random chips" if counts else ""
    if alone:
        keys = [Key("worst chip found by a search", "mean", first.slot, (first.slot,))]
        for i, kind in enumerate(view.kinds):
            drawn = {r.chips for p in points for r in p.random if r.kind == kind}
            slot = figures.shade(first.slot, i)
            keys.append(Key(f"worst of {_either(drawn)} {KINDS.get(kind, kind)} chips", "percentile", slot, (slot,)))
        keys += [Key(f"range of all {chips}", "range"), Key("their mean", "line")] if counts else []
    else:
        keys = [Key(e.label, "mean", e.slot, (e.slot,)) for e in view.entries]
        keys.append(Key("worst chip found by a search", "mean-alone"))
        keys += [Key(f"worst of {chips}", "percentile"), Key("range of the random chips", "range")] if counts else []
    keys.append(Key("digital network", "digital"))
    own = own_specs(specs, [e.label for e in view.entries], known)
    return Plate("worst-chip", [figures.worst(view)], _caption(view, counts), keys, own)


def _caption(view: WorstCases, counts: set[int]) -> str:
    case = view.entries[0].case
    better = "lower" if view.higher else "higher"
    out = f"{capital(view.scale.metric)} against the bound on every weight (logarithmic): {better} is worse. "
    if view.alike:
        searched = f"{case.search_images:,} samples{f' of {case.search_data}' if case.search_data else ''}"
        judged = f"{case.images:,} samples{f' of {case.data}' if case.data else ''}"
        same = (case.search_data, case.search_images) == (case.data, case.images)
        out += (
            f"Every chip was searched and judged on the same {judged}"
            if same
            else (f"Every chip was searched on {searched} and judged on {judged}")
        )
    else:
        out += "Every chip was searched, and judged, on the data that the table of provenance names"
    return f"{out}; {_either(counts)} random chips at every bound." if counts else f"{out}."


def _reading(view: WorstCases) -> str:
    unit = " in percent" if view.scale.fraction else ""
    random = "; of random chips the worst, and their mean" if view.kinds else ""
    return f"{capital(view.scale.metric)}{unit} of the worst chip found, and the largest deviation it uses{random}."


def _subtitle(view: WorstCases) -> str:
    case, every = view.entries[0].case, [e.case for e in view.entries]
    out = f"{view.scale.metric} of the worst chip within a bound"
    if len({(c.data, c.images) for c in every}) == 1:
        out += f", on {case.images:,} test samples{f' of {case.data}' if case.data else ''}"
    if len({c.digital for c in every}) == 1:
        out += f"; digital network {view.scale.said(case.digital, 2)}"
    return capital(out) + "."


def _call(case: WorstCase) -> str:
    bound = list(case.bounds)
    shown = f"{bound[0]:g}" if len(bound) == 1 else f"[{', '.join(f'{b:g}' for b in bound)}]"
    label = f"  # {case.label}" if case.label else ""
    return f"mho.worst_case(mho.deploy(model, memory, seed={case.seed}), data, bound={shown}){label}"


def _either(counts: set[int]) -> str:
    return " or ".join(f"{n:,}" for n in sorted(counts))
