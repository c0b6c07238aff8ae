"""One self-contained HTML page: the answer in words, the figures, every number, and how to get them again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.files import write_text
from mho.reports import thinning
from mho.reports.bibliography import entry
from mho.reports.chapter import Chapter
from mho.reports.context import of_chapters, of_results
from mho.reports.layers import digital, layers, placed, shape
from mho.reports.picture import Picture, pictures
from mho.reports.plates import plates
from mho.reports.provenance import provenance
from mho.reports.summary import Summary
from mho.reports.tables import populations

if TYPE_CHECKING:
    from mho.codesign import Choice
    from mho.codesign.story import Story
    from mho.evaluation.result import Result
    from mho.evaluation.verification import Verification
    from mho.evaluation.worst_case.result import WorstCase
    from mho.memory.description import Description
    from mho.reports.analog.view import Source as Learned
    from mho.reports.faults.view import Source as Stuck
    from mho.reports.racetrack.view import Source


def write(
    path: str | os.PathLike[str],
    *,
    title: str,
    results: Mapping[str, Result] | None = None,
    description: Description | None = None,
    command: str,
    specs: Mapping[str, str],
    references: Sequence[str] = (),
    intro: str = "",
    axes: Mapping[str, Mapping[str, str]] | None = None,
    notices: Sequence[str] = (),
    failures: Mapping[str, str] | None = None,
    worst: Sequence[WorstCase] = (),
    verifications: Sequence[Verification] = (),
    racetrack: Sequence[Source] = (),
    analog: Sequence[Learned] = (),
    faults: Sequence[Stuck] = (),
    designs: Sequence[Choice] = (),
    stories: Sequence[Story] = (),
) -> Path:
    """Write the report of ``results`` to ``path``, whole or not at all.

    The page needs nothing beside itself: no network, no fonts, no scripts from elsewhere. It stays below two
    megabytes; what is left out for that, it says.

    Args:
        path: the HTML file; its folder must exist.
        title: heading of the page.
        results: label to result; all of one metric. More than six are shown as a study: ranked, in small multiples.
            ``None`` for a page of nothing but chapters, such as worst cases, racetracks or stuck cells.
        description: where every tensor is kept, ``None`` to leave that table out.
        command: the command line that reproduces the numbers of ``results``, or of a page without them; worst cases,
            verifications and racetracks beside results, and those without a command, say their own call.
        specs: name to YAML; a spec named like a result is shown with that result's figures.
        references: keys of the bibliography.
        intro: paragraphs before the answer, separated by blank lines.
        axes: label to axis to value, the same axes for every result; columns and filters of the table, and what
            groups many results in the figures. ``None`` where results differ by nothing but their label.
        notices: warnings, shown above the answer.
        failures: label to traceback of what gave no result.
        worst: worst cases, all of one metric and with different labels.
        verifications: verifications, likewise.
        racetrack: of racetrack memories: results in inferences, curves of single layers, heat maps, protection.
        analog: of training on arrays: traces, errors of arrays and networks, costs, wear, retention.
        faults: of stuck cells: curves of schemes, single layers and planes, pruning, descriptions, weights as planes.
        designs: what mho.design found: the front, the recommended point, its certificate, and why.
        stories: measures of several papers side by side.

    Returns:
        The path written.

    Raises:
        SpecError: there is nothing to show, it measures different things, or a result lacks an axis.
        UnknownNameError: a reference that the bibliography does not have.
        OutputError: the page cannot be written; nothing is left behind.
    """
    page = render(
        title=title, results=results, description=description, command=command, specs=specs,
        references=references, intro=intro, axes=axes, notices=notices, failures=failures,
        worst=worst, verifications=verifications, racetrack=racetrack, analog=analog, faults=faults,
        designs=designs, stories=stories,
    )  # fmt: skip
    return write_text(Path(path), page)


def render(
    *,
    title: str,
    results: Mapping[str, Result] | None = None,
    description: Description | None = None,
    command: str,
    specs: Mapping[str, str],
    references: Sequence[str] = (),
    intro: str = "",
    axes: Mapping[str, Mapping[str, str]] | None = None,
    notices: Sequence[str] = (),
    failures: Mapping[str, str] | None = None,
    worst: Sequence[WorstCase] = (),
    verifications: Sequence[Verification] = (),
    racetrack: Sequence[Source] = (),
    analog: Sequence[Learned] = (),
    faults: Sequence[Stuck] = (),
    designs: Sequence[Choice] = (),
    stories: Sequence[Story] = (),
) -> str:
    """The text of the page that :func:`write` writes."""
    import jinja2

    # Everything is escaped on its way into the page; only our own drawings are marked as safe.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    results = results or {}
    chapters = _chapters(worst, verifications, racetrack, analog, faults, designs, stories, list(results), specs)
    # Without anything at all, it is results that are missing.
    summary = Summary.of(results, axes) if results or not chapters else None
    keys = dict.fromkeys([*references, *(key for chapter in chapters for key in chapter.references)])
    bibtex = "\n\n".join(map(entry, keys))
    own = [] if summary is None else plates(summary, specs)
    drawn = pictures([*own, *(plate for chapter in chapters for plate in chapter.plates)], title)
    context: dict[str, Any] = {
        "title": title,
        "intro": [p for p in intro.split("\n\n") if p.strip()],
        "notices": [*notices],
        "pictures": drawn[: len(own)],
        "chapters": list(_illustrated(chapters, drawn[len(own) :])),
        "description": description,
        "layers": None if description is None else layers(description),
        "placed": "" if description is None else placed(description),
        "digital": {} if description is None else digital(description),
        "shape": shape,
        "provenance": [*([] if summary is None else provenance(summary)), *(c.facts for c in chapters)],
        "command": command,
        "bibtex": bibtex,
    }
    context |= of_chapters(chapters) if summary is None else of_results(summary)
    template, page = environment.get_template("report.html.j2"), ""
    for share in thinning.SHARES:
        page = template.render(context | _bulk(summary, specs, failures or {}, share))
        if len(page.encode("utf-8", "replace")) < thinning.LIMIT:
            break
    return page


def _chapters(
    worst: Sequence[WorstCase],
    verifications: Sequence[Verification],
    racetrack: Sequence[Source],
    analog: Sequence[Learned],
    faults: Sequence[Stuck],
    designs: Sequence[Choice],
    stories: Sequence[Story],
    known: Sequence[str],
    specs: Mapping[str, str],
) -> list[Chapter]:
    from mho.reports.analog.chapter import chapter as learned
    from mho.reports.design.chapter import chapter as bought
    from mho.reports.faults.chapter import chapter as stuck
    from mho.reports.racetrack.chapter import chapter as shifted
    from mho.reports.story import chapter as told
    from mho.reports.verified.chapter import chapter as verified
    from mho.reports.worst.chapter import chapter as attacked

    return [
        *map(told, stories),
        *([bought(designs)] if designs else []),
        *([attacked(worst, known, specs)] if worst else []),
        *([verified(verifications, known, specs)] if verifications else []),
        *([shifted(racetrack, known, specs)] if racetrack else []),
        *([learned(analog, known)] if analog else []),
        *([stuck(faults)] if faults else []),
    ]


def _illustrated(chapters: Sequence[Chapter], drawn: Sequence[Picture]) -> Iterator[tuple[Chapter, Sequence[Picture]]]:
    """Every chapter with its own pictures."""
    start = 0
    for chapter in chapters:
        yield chapter, drawn[start : start + len(chapter.plates)]
        start += len(chapter.plates)


def _bulk(
    summary: Summary | None, specs: Mapping[str, str], failures: Mapping[str, str], share: float
) -> dict[str, Any]:
    """What makes a page large, and what was left out of it."""
    kept, rows_left = ([], "") if summary is None else thinning.rows(summary, share)
    specs, specs_left = thinning.texts(specs, "specifications", share)
    failures, failures_left = thinning.tracebacks(failures, share)
    return {
        "populations": None if summary is None else populations(summary, kept),
        "rows_left": rows_left,
        "specs": specs,
        "specs_left": specs_left,
        "failures": failures,
        "failures_left": failures_left,
    }
