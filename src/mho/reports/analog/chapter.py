"""Training on the array as a part of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mho.analog.experiments.intervals import FEWEST
from mho.analog.published_errors import SIZE
from mho.reports.analog import comparing, tables, words
from mho.reports.analog.phrases import chips, seeds, setting, several
from mho.reports.analog.plates import plates
from mho.reports.analog.view import Analog
from mho.reports.chapter import Chapter, Numbered, keys_of
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.reports.analog.view import Source

PAPER, TOOL = "rasch2024fast", "rasch2021aihwkit"
TERMS = [
    (
        r"\bchips?\b",
        "Chip",
        "A set of devices, with the pulses that they get. The same seed and number is always the same chip.",
    ),
    (
        r"(?-i:\b[AWH]\b)|gradient array",
        "A, W, H",
        "Arrays of the same size. A gathers gradients as pulses; what is read of it goes into H, and where H is full, "
        "the weight in W gets one pulse.",
    ),
    (
        r"symmetry point",
        "Symmetry point",
        "The conductance at which a pulse up and a pulse down move a device equally far. Pulses that cancel on average "
        "pull devices there.",
    ),
    (
        r"\breferences?\b|σᵣ",
        "Reference, σᵣ",
        "A is read relative to the symmetry points of its devices, which a reference R should hold. σᵣ is the "
        "standard deviation by which it misses them, with weights from −1 to 1: 0.1 is 5 % of the range.",
    ),
    (
        r"\bstates\b",
        "States",
        "Steps of a device from one bound to the other, at the size that steps have in the middle.",
    ),
    (
        r"\bchoppers?\b",
        "Chopper",
        "A sign that turns now and then, by which gradients are multiplied before A and reads after it: what is "
        "always there, such as a wrong reference, cancels.",
    ),
    (r"\bn_s\b", "n_s, l", "Vectors between two reads of A; slots of an average pulse train."),
    (
        r"\bvectors?\b",
        "Vector",
        "What an array learns from at once: a sample of a dense layer, a position of a convolution, a step of a "
        "sequence.",
    ),
]
"""Where a word occurs, the word, and what it means."""
ERRORS = (
    "Error of weights",
    "The standard deviation of w − ŵ over the array, with ŵ the weights to be learned, in percent of a weight of 1.",
)


def chapter(sources: Sequence[Source], known: Sequence[str]) -> Chapter:
    """The chapter of ``sources``, at least one; ``known`` are the labels of the page's results."""
    view = Analog.of(sources)
    made = Chapter(
        id="analog",
        heading="Training on the array",
        headline=words.opening(view),
        subtitle=_subtitle(view),
        findings=words.findings(view),
        caveats=words.caveats(view),
        plates=plates(view, {} if known else view.specs()),
        tables=_tables(view),
        command=_calls(view),
        terms=[],
        facts=tables.facts(view),
        references=_references(view),
        # Of costs alone the first finding is the answer; once is enough.
        opening=words.opening(view) if view.sweeps or view.programmings or view.toys else "",
    )
    return made._replace(terms=[*_interval(view), *_terms(made), *([ERRORS] if view.programmings else [])])


def _terms(made: Chapter) -> list[tuple[str, str]]:
    """The terms that occur in the words, figures and tables of a chapter, or in what is said of those."""
    texts = [made.opening, *made.caveats, *(s for f in made.findings for s in (f.label, *f.sentences))]
    texts += [text for plate in made.plates for text in (plate.caption, *(key.words for key in plate.keys))]
    for numbered in made.tables:
        texts += [numbered.heading, numbered.words, *numbered.table.header]
        texts += [cell.text for row in numbered.table.rows for cell in row[: numbered.table.left]]
    said, used = " ".join(texts), set[str]()
    while more := {
        term: meaning for where, term, meaning in TERMS if term not in used and re.search(where, said, re.IGNORECASE)
    }:
        used |= set(more)
        said = " ".join(more.values())
    return [(term, meaning) for _, term, meaning in TERMS if term in used]


def _references(view: Analog) -> tuple[str, ...]:
    keys = keys_of(view.sources, PAPER)
    beside = any(source.size == SIZE for source in view.programmings)
    return (*keys, TOOL) if beside and TOOL not in keys else keys


def _interval(view: Analog) -> list[tuple[str, str]]:
    over = [*["chips"] * any(p.chips >= FEWEST for p in view.programmings)]
    over += ["seeds"] * any(len(s.seeds) >= FEWEST for s in view.sweeps)
    if not over:
        return []
    words_ = (
        f"A {100 * view.confidence:g}{NBSP}% Student interval over {' or '.join(over)}: how much the mean could change "
        "with others."
    )
    return [("[low, high]", words_)]


def _subtitle(view: Analog) -> str:
    parts = [f"{setting(p)}, {chips(p)}" for p in view.programmings]
    parts += [f"networks: {s.model} on {s.data}, {several(s.images, 'test sample')}, {seeds(s)}" for s in view.sweeps]
    if view.toys:
        toy = view.toys[0]
        parts.append(f"one crosspoint of {toy.size}×{toy.size}, {toy.sample[-1]:,} samples")
    parts += ["the time of updates"] * bool(view.updates or view.networks)
    parts += ["pulses of every device"] * bool(view.wears) + ["retention"] * bool(view.retentions)
    return capital("; ".join(dict.fromkeys(parts))) + "."


def _tables(view: Analog) -> list[Numbered]:
    unit = "Errors in percent of a weight of 1; σᵣ in units of weights. Pulses are per sample and device. "
    beside = (
        "Published numbers are read off a figure; those of aihwkit were measured with its own settings, and neither is "
        "computed with."
    )
    out = []
    for i, source in enumerate(view.programmings):
        why = unit + (beside if source.size == SIZE else "") + _few(source.chips, "chips")
        out.append(
            Numbered(f"analog-errors-{i}", f"Every array: {setting(source)}", why, tables.programming(view, source))
        )
    for i, swept in enumerate(view.sweeps):
        moving = [{"reference_std": "σᵣ", "n_states": "states", "bounds": "bounds"}[a] for a in comparing.varied(swept)]
        heading = f"Every network: {swept.model} on {swept.data}{', by ' * bool(moving)}{' and '.join(moving)}"
        why = f"{seeds(swept)}; pulses a vector of the device that got most.{_few(len(swept.seeds), 'seeds')}"
        out.append(Numbered(f"analog-networks-{i}", heading, why, tables.sweep(view, swept)))
    if view.updates:
        why = "Of one vector, beside Table 1 of the paper. Sign flips, comparisons and random numbers are not counted."
        out.append(Numbered("analog-updates", "What an update takes", why, tables.updates(view)))
    if view.networks:
        why = "Of one sample, tile after tile; activations and biases are not counted."
        out.append(Numbered("analog-tiles", "What a sample takes", why, tables.networks(view)))
    if view.wears:
        why = "Pulses of devices; bound: pulses a vector that no device can have exceeded."
        out.append(Numbered("analog-wear", "How often devices are pulsed", why, tables.wear(view)))
    if view.retentions:
        why = "A from read to read, W throughout; R may drift by so much of the range in a whole training."
        out.append(Numbered("analog-retention", "What has to be remembered", why, tables.retention(view)))
    return out


def _few(n: int, what: str) -> str:
    return f" [–]: no interval of fewer than {FEWEST} {what}." if n < FEWEST else ""


def _calls(view: Analog) -> str:
    """The Python calls that give the numbers."""
    out = []
    for toy in view.toys:
        offset = f", offset={toy.offset:g}" if toy.offset else ""
        more = "" if toy.gradient else ", gradient=False"
        out.append(
            f"analog.toy(algorithm, samples={toy.sample[-1]}, size={toy.size}, alpha={toy.alpha:g}{offset}{more}, "
            f"rate={toy.rate:g}, seed={toy.seed}, chips={toy.chips})  # {toy.label}"
        )
    for p in view.programmings:
        what = f'"{p.setting}"' if p.setting else f"[{', '.join(p.labels)}]"
        known = [n for n in p.n_states if n is not None]
        out.append(
            f"analog.program({what}, n_states={_listed(known)}, reference_std={_listed(p.reference_std)}, "
            f"size={p.size}, samples={p.samples}, rate={p.rate:g}, chips={p.chips}, seed={p.seed}, "
            f"inputs='{p.inputs}', loss='{p.loss}')"
        )
    for s in view.sweeps:
        axes = [
            f"{name}={_listed([v for v in comparing.axes(s)[name] if v is not None])}" for name in comparing.varied(s)
        ]
        recipe = f"recipe=mho.training.Recipe(optimizer='{s.recipe.optimizer}', lr={s.recipe.lr:g}, "
        recipe += f"batch_size={s.recipe.batch_size}, epochs={s.recipe.epochs})"
        made = ", ".join([f"'{s.model}', '{s.data}', [{', '.join(s.labels)}]", *axes, f"seeds={list(s.seeds)}", recipe])
        out.append(f"analog.sweep({made})")
    for cost in view.updates:
        u = cost.update
        out.append(
            f"analog.update_time('{cost.kind}', n=({u.outputs}, {u.inputs}), transfer_every={u.transfer_every}, "
            f"mean_length={u.mean_length:g})"
        )
    out += ["analog.cost(model)"] * bool(view.networks) + ["analog.wear(model)"] * bool(view.wears)
    out += ["analog.retention(model)"] * bool(view.retentions)
    return "\n".join(out)


def _listed(values: Sequence[float | None]) -> str:
    return f"({', '.join(f'{v:g}' for v in values if v is not None)}{',' * (len(values) == 1)})"
