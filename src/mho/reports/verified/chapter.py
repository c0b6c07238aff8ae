"""The cheapest verification as a part of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mho.reports import figures
from mho.reports.chapter import Chapter, Numbered, Statistics, keys_of, own_specs
from mho.reports.figures import Key
from mho.reports.labels import listed
from mho.reports.plates import Plate
from mho.reports.verified import tables, words
from mho.reports.verified.view import Verifications, name
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.evaluation.verification import Verification

TERMS = [
    (
        "Verified",
        "Written again and again until it reads back within a tolerance; other weights are written once, unverified.",
    ),
    (
        "Ranking",
        "What decides which weights are verified first. The second derivative is that of the loss with respect to a "
        "weight in units of its layer’s full scale: where it is large, a small deviation costs much.",
    ),
    (
        "NWC",
        "Normalised write cycles: the cycles spent on verified weights over those of verifying all. With the first "
        "write, the one cycle of every other weight counts, too.",
    ),
    (
        "Times fewer cycles",
        "1/NWC at the fewest cycles, of the fractions measured, whose mean is within the drop of verifying all.",
    ),
]


def chapter(sources: Sequence[Verification], known: Sequence[str], specs: Mapping[str, str]) -> Chapter:
    """The chapter of ``sources``, at least one; ``known`` are the labels of the page's results."""
    view = Verifications.of(sources)
    return Chapter(
        id="verification",
        heading="The cheapest verification",
        headline=words.headline(view),
        subtitle=_subtitle(view),
        findings=words.findings(view),
        caveats=words.caveats(view),
        plates=[_plate(view, known, specs)],
        tables=_tables(view),
        command="\n".join(map(_call, sources)),
        terms=TERMS,
        facts=tables.facts(view),
        references=keys_of(sources, "yan2022swim"),
        statistics=Statistics(sources[0].confidence, view.tail, view.extreme),
    )


def _plate(view: Verifications, known: Sequence[str], specs: Mapping[str, str]) -> Plate:
    keys = [Key(name(r), "mean", slot, (slot,)) for slot, r in enumerate(view.rankings)]
    # Many rankings have a panel for each statistic, in which both look the same.
    split = len(view.rankings) > figures.TOGETHER and view.tail.k is not None
    keys.append(Key("value and its interval" if split else "mean and its interval", "mean"))
    if view.tail.k is not None and not split:
        keys.append(Key(view.percentile, "percentile"))
    keys += [Key(f"{view.extreme} chip seen", "extreme"), Key("digital network", "digital")]
    parts = ("mean", "percentile") if split else ("both",)
    panels = [figures.verification(view, entry, part) for entry in view.entries for part in parts]
    chips = sorted({e.source.values.shape[-1] for e in view.entries})
    caption = (
        f"{capital(view.scale.metric)} of {' or '.join(f'{n:,}' for n in chips)} chips against the write cycles of "
        "verification (logarithmic, zero apart): 0 verifies no weight, 1 verifies all. A band is missing where there "
        "are too few chips to draw it."
    )
    own = own_specs(specs, [e.label for e in view.entries], known)
    return Plate("verification", panels, caption, keys, own)


def _tables(view: Verifications) -> list[Numbered]:
    confidence = f"{100 * view.entries[0].source.confidence:g}{NBSP}%"
    unit = " in percent" if view.scale.fraction else ""
    out = []
    saved, stopped = tables.savings(view), tables.stops(view)
    if saved is not None:
        everything = listed(list(dict.fromkeys(e.everything for e in view.entries)))
        why = f"Against verifying {everything}, for a mean that is lower by no more than this."
        out.append(Numbered("savings", "How many times fewer write cycles", why, saved))
    if stopped is not None:
        drops = dict.fromkeys(words.points(view, d) for e in view.entries if (d := e.source.target_drop) is not None)
        why = (
            f"What a chip verifies until it is within {listed(list(drops))} of the digital network on calibration "
            "data; the mean is on test data."
        )
        out.append(Numbered("stopping", "Stopping chip by chip", why, stopped))
    reading = (
        f"{capital(view.scale.metric)}{unit}, with {confidence} intervals. Cycles that writing a chip takes; cells "
        "that stay outside the tolerance."
    )
    return [*out, Numbered("fractions", "Every fraction", reading, tables.fractions(view))]


def _subtitle(view: Verifications) -> str:
    source, every = view.entries[0].source, [e.source for e in view.entries]
    out = f"{view.scale.metric} of {source.values.shape[-1]:,} chips against the write cycles of verification"
    if len({(s.data, s.images) for s in every}) == 1:
        out += f", each on {source.images:,} test samples{f' of {source.data}' if source.data else ''}"
    if len({s.digital for s in every}) == 1:
        out += f"; digital network {view.scale.said(source.digital, 2)}"
    return capital(out) + "."


def _call(source: Verification) -> str:
    fractions = ", ".join(f"{f:g}" for f in source.fractions)
    drop = "" if source.target_drop is None else f"target_drop={source.target_drop:g}, "
    label = f"  # {source.label}" if source.label else ""
    return (
        f"mho.verify(model, memory, data, calibration=training_data, rankings={list(source.rankings)}, "
        f"fractions=[{fractions}], {drop}n_chips={source.values.shape[-1]}, seed={source.seed}){label}"
    )
