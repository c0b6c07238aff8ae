"""Designs as a part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mho.errors import UnknownNameError
from mho.reports.chapter import Chapter, Numbered
from mho.reports.design import phrases, tables, words
from mho.reports.design.phrases import asked, statistic
from mho.reports.design.plates import plates
from mho.reports.design.view import Entry, entries_of
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.codesign import Choice

TERMS = [
    (
        "Front",
        "Combinations that no other beats: none has more margin and takes no more of any cost that shall be least.",
    ),
    (
        "Margin",
        "How far the value that is nearest to the wrong side of its target is on the right one; below zero a target is "
        "missed.",
    ),
    (
        "Certificate",
        "The claim, on the test data and on chips that nothing was chosen on: every interval lies on the right side of "
        "its target. The more combinations were tried before, the wider its intervals.",
    ),
    (
        "Alone, as the last one, share",
        "What a measure adds to nothing; what is lost without it; and the mean of what it adds over all orders of "
        "buying, its Shapley value. Shares add up to the whole gain.",
    ),
]


def chapter(choices: Sequence[Choice]) -> Chapter:
    """The chapter of ``choices``, at least one.

    Raises:
        SpecError: something that mho.design does not return, or two designs of one label.
    """
    entries = entries_of(choices)
    alone = len(entries) == 1
    said = [words.opening(e) if alone else f"{e.label}: {words.opening(e)}" for e in entries]
    shared = any(e.choice.why is not None and len(e.choice.why.measures) > 1 for e in entries)
    return Chapter(
        id="design",
        heading="What to buy",
        headline=" ".join(said),
        subtitle=_subtitle(entries),
        findings=[finding for e in entries for finding in words.findings(e, alone)],
        caveats=[*dict.fromkeys(caveat for e in entries for caveat in words.caveats(e))],
        plates=[plate for e in entries for plate in plates(e)],
        tables=[table for e in entries for table in _tables(e, alone)],
        command="\n".join(map(_call, entries)),
        terms=[*_interval(entries), *(TERMS if shared else TERMS[:-1])],
        facts=tables.facts(entries),
        references=tuple(dict.fromkeys(key for choice in choices for key in choice.references)),
        opening=" ".join(said),
        specs={name: yaml for e in entries for name, yaml in _specs(e, alone).items()},
    )


def _tables(entry: Entry, alone: bool) -> list[Numbered]:
    i, of, out = entry.index, "" if alone else f": {entry.label}", []
    if entry.possible:
        why = _reading(entry)
        out.append(Numbered(f"design-candidates-{i}", f"Every combination{of}", why, tables.candidates(entry),
                            tables.filters(entry), f"front{f'-{i + 1}' if i else ''}"))  # fmt: skip
    found = entry.choice.why
    if found is not None and len(found.parts) > 1:
        what = "recommended" if entry.choice.recommended is not None else "nearest"
        why = f"Every choice among the measures of the {what} combination, on data held out."
        out.append(Numbered(f"design-parts-{i}", f"Every part{of}", why, tables.parts(entry)))
        if len(found.measures) > 1 and found.shares:
            name = statistic(entry.design, entry.design.targets[0])
            why = f"Of the gain in {name}. Shares add up to the whole of it."
            out.append(Numbered(f"design-shares-{i}", f"What each measure adds{of}", why, tables.shares(entry)))
    if entry.refused:
        why = "Options that do not go together, and what each says about it."
        out.append(Numbered(f"design-refused-{i}", f"Not possible{of}", why, tables.refused(entry), style="wrap"))
    return out


def _reading(entry: Entry) -> str:
    design = entry.design
    unit = (
        " with " + f"{100 * design.confidence:g}{NBSP}% intervals,"
        if any(t.statistic != "worst" for t in design.targets)
        else ""
    )
    out = f"The cheapest first,{unit} on data held out. Margin: distance to the target that is nearest to being missed."
    out += " Take: what is recommended."
    left = len(entry.possible) - len(tables.shown(entry))
    return out + (
        f" Thinned: {left:,} that are not on the front, farthest from the target, are left out." if left else ""
    )


def _subtitle(entries: Sequence[Entry]) -> str:
    parts = []
    for e in entries:
        design = e.design
        what = " and ".join(f"{statistic(design, t)} {asked(design, t)}" for t in design.targets)
        severe = "" if design.sigma is None else f", sigma {design.sigma:g}"
        parts.append(f"{e.label}{severe}: {what}, of {phrases.several(len(e.choice.candidates), 'combination')}")
    return capital("; ".join(parts)) + "."


def _interval(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    if all(t.statistic == "worst" for e in entries for t in e.design.targets):
        return []
    said = sorted({f"{100 * e.design.confidence:g}{NBSP}%" for e in entries})
    words_ = (
        f"A {' or '.join(said)} confidence interval over chips, for the data that were looked at. Worst cases are "
        "found by a search, not sampled, and have none. –: a limit that this many chips cannot give."
    )
    return [("Intervals of combinations", words_)]


def _specs(entry: Entry, alone: bool) -> dict[str, str]:
    """The design, and the study that gives the recommended numbers again."""
    of = "" if alone else f", {entry.label}"
    out = {f"The design{of}": entry.design.to_yaml()}
    if entry.closest is not None:
        what = "recommended" if entry.choice.recommended is not None else "nearest"
        # What was in memory is known in one process: in another, it has no study.
        with suppress(UnknownNameError):
            out[f"The study of the {what} combination{of}"] = entry.choice.to_yaml()
    return out


def _call(entry: Entry) -> str:
    """The Python call that gives the numbers."""
    design = entry.design
    if not phrases.live(design.data):
        return f"mho.design(mho.codesign.read('{design.name}.yaml'))  # the YAML of the design is below"
    targets = [t.label(design.clock) for t in design.targets]
    said = [f"target={targets[0]!r}" if len(targets) == 1 else f"target={targets!r}", "train=train"]
    said += [] if design.sigma is None else [f"sigma={design.sigma:g}"]
    said += ["measures=measures", f"minimise={design.minimise!r}"]
    said += [f"budget={dict(design.budget)!r}"] if design.budget else []
    said += [f"metric={design.metric!r}"] if design.metric != "accuracy" else []
    said += [f"trials={design.trials}", f"chips={design.chips}", f"seed={design.seed}"]
    return f"mho.design(model, test, memory, {', '.join(said)})"
