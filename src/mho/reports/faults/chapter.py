"""Stuck cells as a part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mho.reports.chapter import Chapter, Numbered, Statistics, keys_of
from mho.reports.faults import tables, words
from mho.reports.faults.curves import Swept
from mho.reports.faults.parts import embeddings
from mho.reports.faults.phrases import drop
from mho.reports.faults.plates import plates
from mho.reports.faults.view import Faulty
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.reports.faults.view import Source

SOURCE = "li2024zerospace"
TERMS = [
    (
        "Stuck cell",
        "A cell that reads 0 (SA0) or 1 (SA1) for ever, whatever is written to it. Which ones are differs from chip to "
        "chip; a chip keeps its own.",
    ),
    ("Plane", "The bits of one significance of all weights of a layer, in an array for + and one for −, a bit a cell."),
    (
        "Flipped plane",
        "Zeros are stored as ones and ones as zeros, and what is read changes its sign. Most bits of trained weights "
        "are zero, and most stuck cells read 1: flipped, they are more often right.",
    ),
]
TOLERATED = (
    "Tolerated",
    "The share of stuck cells up to which the mean loses no more than that; straight lines between the rates measured, "
    "in the logarithm of the rate. Its interval draws chips with replacement.",
)
VOTE = (
    "Vote, copies",
    "A plane is stored several times, and of what its copies add up to an output gets the median. Copies sit in "
    "columns that pruning left empty, as far as there are any.",
)
MAP = (
    "Map of faults",
    "Some schemes have to know which cells of a chip are stuck: every chip is tested, and programmed in its own way.",
)


def chapter(sources: Sequence[Source]) -> Chapter:
    """The chapter of ``sources``, at least one."""
    view = Faulty.of(sources)
    found = words.findings(view)
    opened = words.opening(view)
    return Chapter(
        id="faults",
        heading="Stuck cells",
        headline=opened,
        subtitle=_subtitle(view),
        findings=found,
        caveats=words.caveats(view),
        plates=plates(view),
        tables=_tables(view),
        command=_calls(view),
        terms=_terms(view),
        facts=tables.facts(view),
        references=keys_of(view.pruned, SOURCE),
        statistics=Statistics(view.confidence, view.tail, view.extreme) if view.curves or view.sensitivities else None,
        # Without curves the first finding is the answer; once is enough.
        opening=opened if view.curves else "",
    )


def _terms(view: Faulty) -> list[tuple[str, str]]:
    out = list(TERMS)
    if view.curves:
        out.append(TOLERATED)
    voted = any("redundancy" in memory for swept in view.curves for memory in swept.source.memories)
    out += [VOTE] * (voted or any(embeddings(d) for d in view.described))
    return out + [MAP] * any(line.known_map for swept in view.curves for line in swept.lines)


def _tables(view: Faulty) -> list[Numbered]:
    confidence = f"{100 * view.confidence:g}{NBSP}%"
    out = []
    for i, swept in enumerate(view.curves):
        of = f": {swept.title}" if len(view.curves) > 1 else ""
        why = (
            f"Tolerated: stuck cells up to which the mean loses at most {drop(swept)}, with {confidence} intervals "
            "over chips. More cells: what copies and codes add to those of the weights. Bit by "
            "bit: every cell is read out, products are computed elsewhere. • is what to take."
        )
        out.append(Numbered(f"faults-schemes-{i}", f"Every scheme{of}", why, tables.schemes(swept)))
        out.append(Numbered(f"faults-rates-{i}", f"Every rate{of}", _reading(swept, confidence), tables.rates(swept)))
    for i, found in enumerate(view.sensitivities):
        unit = "points" if found.bounded else found.metric
        why = f"What is lost, in {unit}, when this {found.of} alone has stuck cells; {confidence} intervals over chips."
        out.append(Numbered(f"faults-parts-{i}", f"Every {found.of} alone", why, tables.sensitivity(found)))
    for i, pruned in enumerate(view.pruned):
        why = "Columns are outputs, rows inputs. A pruned column is never read, so that nothing stuck in it matters."
        out.append(Numbered(f"faults-pruned-{i}", "What is pruned", why, tables.pruned(pruned)))
    for i, description in enumerate(view.described):
        if embeddings(description):
            why = (
                "Needed: the share of pruned columns from which on all copies fit. Copies and free ones are counted in "
            )
            why += "all planes; not embedded: what copies would add if none sat in pruned columns."
            out.append(Numbered(f"faults-room-{i}", "Where copies sit", why, tables.embedding(description)))
    for i, weights in enumerate(view.statistics):
        why = "Share of ones in every plane, both arrays counted; above half of max: weights whose top bit is one."
        out.append(Numbered(f"faults-weights-{i}", "Every tensor as planes", why, tables.weights(weights)))
    return out


def _reading(swept: Swept, confidence: str) -> str:
    unit = " in percent" if swept.scale.fraction else ""
    out = f"{capital(swept.scale.metric)}{unit}, with {confidence} intervals over chips."
    if words.beside(swept):
        out += " Published: Table 3 of [li2024zerospace], BERT-base on MRPC, of a network of theirs; values of 12"
        out += f"{NBSP}% can only be those of F1."
    return out


def _subtitle(view: Faulty) -> str:
    parts = []
    for swept in view.curves:
        s = swept.source
        samples = f"{s.images:,} test samples{f' of {s.data}' if s.data else ''}"
        parts.append(f"{s.metric} of {s.label or 'this network'}, {s.chips:,} chips, each on {samples}; without cells "
                     f"{swept.scale.said(s.digital, 2)}")  # fmt: skip
    for found in view.sensitivities:
        parts.append(f"{found.label or 'this network'} {found.of} by {found.of}, {found.chips:,} chips")
    parts += [f"pruned on {p.data}" for p in view.pruned]
    parts += [f"{d.model}, {d.cells:,} cells" for d in view.described]
    parts += [f"weights of {s.model} as {s.bits} planes" for s in view.statistics]
    return capital("; ".join(dict.fromkeys(parts))) + "."


def _calls(view: Faulty) -> str:
    """The Python calls that give the numbers."""
    out = []
    for swept in view.curves:
        s = swept.source
        first = f", first_chip={s.first_chip}" if s.first_chip else ""
        out.append(
            f"mho.faults(model, data, schemes={list(s.schemes)}, rates={list(s.rates)}, n_chips={s.chips}{first}, "
            f"metric={s.metric!r}, seed={s.seed})" + (f"  # {s.label}" if s.label else "")
        )
    for found in view.sensitivities:
        out.append(
            f"mho.evaluation.faults.by_{found.of}(model, data, memory, rates={list(found.rates)}, "
            f"n_chips={found.chips}, metric={found.metric!r}, seed={found.seed})"
        )
    for pruned in view.pruned:
        fields = ", ".join(f"{k}={getattr(pruned.method, k)!r}" for k in ("columns", "rows"))
        out.append(f"mho.training.prune(model, train, {fields})")
    out += ["mho.describe(chips)"] * bool(view.described)
    out += [f"mho.mapping.statistics(model, bits={s.bits})" for s in view.statistics]
    return "\n".join(out)
