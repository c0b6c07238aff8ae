"""The measures of several papers side by side, as a part of the page: who helps whom, and at what price."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mho.codesign.story import about
from mho.reports.answer import Finding
from mho.reports.chapter import Chapter, Numbered
from mho.reports.provenance import flat
from mho.reports.story_figure import SCALE, plates
from mho.reports.tables import Cell, Table
from mho.reports.wording import NBSP, factor, share
from mho.units import percent

if TYPE_CHECKING:
    from mho.codesign.story import Line, Story
    from mho.evaluation.statistics import Interval

TERMS = [
    ("Unlucky chip", "The accuracy that 1 of 100 chips falls below: the 1st percentile, p1."),
    (
        "Worst chip found",
        "The chip that a search found by moving every weight, within the bound, to where the network fails most. It "
        "says what can be, not how often.",
    ),
    ("All verified", "Every cell is read, and written again until it is within the tolerance of what it should be."),
    ("SWIM", "Only the weights whose second derivative says that they matter most are verified."),
    ("Right-censored", "Training with noise of which one side is cut off, its strength found while training."),
    ("OVF, IRS", "Training with feedback of passes that have more errors, or of classifiers on inner layers."),
]


def write_story(path: str | os.PathLike[str], story: Story, *, title: str = "", command: str = "") -> Path:
    """Write the page of a story.

    Raises:
        OutputError: the page cannot be written; nothing is left behind.
    """
    from mho.reports.page import write

    heading = title or f"What helps the unlucky chip: {story.design.model.label} on {story.design.data.name}"
    return write(
        path,
        title=heading,
        command=command or _call(story),
        specs={story.label: story.design.to_yaml()},
        stories=[story],
    )


def chapter(story: Story) -> Chapter:
    """The chapter of ``story``."""
    lines = [line for line in story.lines if not line.refused]
    best = max(lines, key=lambda line: line.values["p1"].value)
    return Chapter(
        id="story",
        heading="Measures side by side",
        headline=_opening(lines, best),
        subtitle=_subtitle(story),
        findings=[_finding(line, lines[0], story) for line in lines[1:]],
        caveats=[*_impossible(story), story.note],
        plates=plates(story),
        tables=[Numbered("story-lines", "Every combination", _reading(story), _table(story))],
        command=_call(story),
        terms=TERMS,
        facts=_facts(story),
        references=story.references,
        opening=_opening(lines, best),
    )


def _impossible(story: Story) -> list[str]:
    """Why lines have no numbers, each reason once."""
    named: dict[str, list[str]] = {}
    for line in story.lines:
        if line.refused:
            named.setdefault(line.refused, []).append(line.name)
    return [f"Not possible: {' and '.join(names)}: {why}" for why, names in named.items()]


def _opening(lines: list[Line], best: Line) -> str:
    first = lines[0]
    if best is first:
        return f"No measure lifts the unlucky chip: without any it has {SCALE.measured(first.values['p1'])}."
    return (
        f"With {best.name} the unlucky chip has {SCALE.measured(best.values['p1'])}, without any measure "
        f"{SCALE.measured(first.values['p1'])}."
    )


def _finding(line: Line, first: Line, story: Story) -> Finding:
    assert line.costs is not None
    assert first.costs is not None
    lead = f"The unlucky chip has {SCALE.measured(line.values['p1'])}, the mean {SCALE.measured(line.values['mean'])}."
    times = line.costs.write_cycles / first.costs.write_cycles
    trained = line.costs.training_seconds / first.costs.training_seconds if first.costs.training_seconds else 1.0
    said = [f"{factor(times)} times the write cycles of a chip." if times > 1.005 else "Every cell is written once."]
    if line.chosen["model.method"] != first.chosen["model.method"]:
        said.append(f"Training took {about(line.costs.training_seconds)}, {factor(trained)} times as long.")
        lost = first.digital - line.digital
        word = "loses" if lost > 0 else "gains"
        said.append(f"Without cells the network {word} {abs(100 * lost):.1f} points.")
    bound = f"±{share(story.bounds[-1])}"
    said.append(f"The worst chip found within {bound} of every weight has {SCALE.said(line.worst[-1])}.")
    return Finding(line.name, lead, said)


def _subtitle(story: Story) -> str:
    d = story.design
    return (
        f"Accuracy of {d.model.label} on {d.memory.label} at sigma {d.sigma:g}, {story.images:,} test samples of "
        f"{d.data.name}, {d.chips:,} chips a combination."
    )


def _reading(story: Story) -> str:
    confidence = percent(story.design.confidence, 0)
    return (
        f"Accuracy in percent, with {confidence}{NBSP}% intervals over chips. Worst: found within the bound on every "
        "weight, in brackets where the chips of the combination are not all verified."
    )


def _table(story: Story) -> Table:
    header = ["", "digital", "mean", "p1", *(f"worst ±{share(b)}" for b in story.bounds)]
    header += ["write cycles", "cells", "training", "chips"]
    rows = []
    for line in story.lines:
        if line.costs is None:
            rows.append([Cell(line.name), Cell("not possible"), *[Cell("")] * (len(header) - 2)])
            continue
        worst = [SCALE.text(w) for w in line.worst]
        shown = [Cell(w if line.bounded else f"({w})", order=v) for w, v in zip(worst, line.worst, strict=True)]
        seconds = line.costs.training_seconds
        rows.append(
            [
                Cell(line.name),
                Cell(SCALE.text(line.digital)),
                _cell(line.values["mean"]),
                _cell(line.values["p1"]),
                *shown,
                Cell(f"{line.costs.write_cycles:,.0f}", order=line.costs.write_cycles),
                Cell(f"{line.costs.cells:,}", order=line.costs.cells),
                Cell(about(seconds), order=seconds),
                Cell(f"{line.chips:,}", order=line.chips),
            ]
        )
    return Table(header, rows)


def _cell(found: Interval) -> Cell:
    return Cell(SCALE.text(found.value), SCALE.limits(found), found.value)


def _facts(story: Story) -> Table:
    d = story.design
    facts = {"metric": d.metric, "test set": d.data.name, "test samples": f"{story.images:,}", "sigma": f"{d.sigma:g}"}
    facts |= {"tolerance of verification": f"{story.tolerance:g} of a cell's range", "seed": str(d.seed)}
    facts |= {"confidence of intervals": f"{percent(d.confidence, 0)} %"} | flat(story.provenance)
    return Table(["story", story.label], [[Cell(k), Cell(v)] for k, v in facts.items()], left=2)


def _call(story: Story) -> str:
    d = story.design
    return (
        "from mho.codesign.story_run import asked_of, tell\n"
        f"tell(asked_of({d.data.name!r}, {d.model.label!r}, sigma={d.sigma:g}, chips={d.chips}, "
        f"seed={d.seed}))"
    )
