"""Racetrack memory as a part of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mho.reports.chapter import Chapter, Numbered, Statistics, own_specs
from mho.reports.racetrack import tables, words
from mho.reports.racetrack.plates import plates
from mho.reports.racetrack.view import Racetracks
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.reports.racetrack.view import Source

PAPER = "bereholschi2024netdrift"
TERMS = [
    (
        "Track",
        "A magnetic nanowire that holds one bit a domain. To read a bit, the whole track is shifted until the bit is "
        "at the port.",
    ),
    (
        "Shift fault",
        "A shift that moves one domain too far, or too little. All later reads of this track are then off by one, "
        "until a fault in the other direction, or a code, undoes it.",
    ),
    (
        "Expected faults of a track",
        "Inferences × reads of the weights an inference × shifts a read × faults a shift. Track length and fault rate "
        "matter to a layer through this number alone, to a good approximation.",
    ),
]
PROTECTION = [
    (
        "More cycles",
        "What checking and correcting the protected layers adds, over the shifts and reads of all layers. Arithmetic "
        "is not counted, so an inference as a whole slows down by less.",
    ),
    (
        "UNPROT, EVEN, EQUAL, CUSTOM, FULL",
        "No layer; every other layer; as many, those that cost most alone; as few as should meet the target; all.",
    ),
    ("Best", "No other choice costs less and keeps more. By means: with other chips, neighbours may change places."),
    ("Foretold", "What is left if the losses of the unprotected layers, each measured alone, simply add up."),
]


def chapter(sources: Sequence[Source], known: Sequence[str], specs: Mapping[str, str]) -> Chapter:
    """The chapter of ``sources``, at least one; ``known`` are the labels of the page's results."""
    view = Racetracks.of(sources)
    return Chapter(
        id="racetrack",
        heading="Racetrack memory",
        headline=words.opening(view),
        subtitle=_subtitle(view),
        findings=words.findings(view),
        caveats=words.caveats(view),
        plates=plates(view, own_specs(specs, [line.name for line in view.lines], known)),
        tables=_tables(view),
        command=_calls(view),
        terms=TERMS + (PROTECTION if view.selections else []),
        facts=tables.facts(view),
        references=(PAPER,),
        statistics=Statistics(view.confidence, view.tail, view.extreme),
        opening=words.opening(view),
    )


def _tables(view: Racetracks) -> list[Numbered]:
    confidence = f"{100 * view.confidence:g}{NBSP}%"
    unit = " in percent" if view.scale.fraction else ""
    reading = f"{capital(view.scale.metric)}{unit}, with {confidence} intervals over chips."
    out = []
    if view.selections:
        why = f"{reading} 1 in the last column: the layer is protected, in the order of the model."
        out.append(Numbered("racetrack-choices", "Every choice of layers", why, tables.selections(view)))
    if view.overheads:
        why = "Of shifts and reads alone, arithmetic is not counted; more: what protection adds. Expected values."
        out.append(Numbered("racetrack-costs", "What an inference costs", why, tables.expenses(view)))
        last = view.overheads[-1]
        of = f"Of {view.lines[-1].name}: " if len(view.overheads) == len(view.results) > 1 else ""
        why = f"{of}cycles of shifts and reads in one inference. Expected values."
        out.append(Numbered("racetrack-prices", "What each layer costs", capital(why), tables.prices(last)))
    if view.compared is not None:
        found = view.compared
        where = f"{found.bits} bits a track, {found.rate:g} faults a shift, {found.inferences:,} inferences"
        why = f"What is lost when the layer alone ages: {where}; with {confidence} intervals over chips."
        out.append(Numbered("racetrack-layers", "Every layer alone", why, tables.layers(view, found)))
    if view.lines and max(len(line.age) for line in view.lines) > 1:
        out.append(Numbered("racetrack-ages", "Every age", reading, tables.ages(view)))
    if view.compared is not None and view.curves is not None:
        out.append(Numbered("racetrack-points", "Every point measured", reading, tables.points(view, view.compared)))
    return out


def _subtitle(view: Racetracks) -> str:
    sources = [*view.results, view.curves, view.protection]
    every = [s for s in sources if s is not None]
    out = f"{view.scale.metric} on racetrack memory"
    if every and len({(s.data, s.images) for s in every}) == 1:
        out += f", on {every[0].images:,} test samples{f' of {every[0].data}' if every[0].data else ''}"
    if view.digital == view.digital:
        out += f"; without faults {view.scale.said(view.digital, 2)}"
    return capital(out) + "."


def _calls(view: Racetracks) -> str:
    """The Python calls that give the numbers."""
    out = []
    for result in view.results:
        label = f"  # {result.label}" if result.label else ""
        out.append(
            f"mho.evaluate(mho.deploy(model, memory, seed={result.seed}), data, n_chips={result.chips}, "
            f"age={[int(a) for a in result.age]}){label}"
        )
    if view.curves is not None:
        out.append(f"curves = mho.racetrack.sensitivity(model, data, memory, n_chips={view.curves.values.shape[-1]}, "
                   f"seed={view.curves.seed})")  # fmt: skip
    if view.heat is not None and view.curves is not None:
        heat = view.heat
        out.append(f"curves.heat_map(bits={list(heat.bits)}, rates={list(heat.rates)}, inferences={heat.inferences})")
    if view.protection is not None:
        protection = view.protection
        out.append(
            f"mho.racetrack.protect(model, data, memory, code=code, target={protection.target:g}, "
            f"inferences={protection.age[-1]:g}, seed={protection.seed})"
        )
    return "\n".join(out)
