"""One self-contained HTML page: the answer in words, the figures, every number, and how to get them again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.files import write_text
from mho.reports import answer, overview, thinning
from mho.reports.bibliography import entry
from mho.reports.layers import digital, layers, shape
from mho.reports.picture import pictures
from mho.reports.plates import plates
from mho.reports.provenance import provenance
from mho.reports.summary import Summary
from mho.reports.tables import populations
from mho.reports.wording import age_words, capital, duration_words, ordinal

if TYPE_CHECKING:
    from mho.evaluation.result import Result
    from mho.memory.description import Description


def write(
    path: str | os.PathLike[str],
    *,
    title: str,
    results: Mapping[str, Result],
    description: Description | None = None,
    command: str,
    specs: Mapping[str, str],
    references: Sequence[str] = (),
    intro: str = "",
    axes: Mapping[str, Mapping[str, str]] | None = None,
    notices: Sequence[str] = (),
    failures: Mapping[str, str] | None = None,
) -> Path:
    """Write the report of ``results`` to ``path``, whole or not at all.

    The page needs nothing beside itself: no network, no fonts, no scripts from elsewhere. It stays below two
    megabytes; what is left out for that, it says.

    Args:
        path: the HTML file; its folder must exist.
        title: heading of the page.
        results: label to result; all of one metric. More than six are shown as a study: ranked, in small multiples.
        description: where every tensor is kept, ``None`` to leave that table out.
        command: the command line that reproduces the numbers.
        specs: name to YAML; a spec named like a result is shown with that result's figures.
        references: keys of the bibliography.
        intro: paragraphs before the answer, separated by blank lines.
        axes: label to axis to value, the same axes for every result; columns and filters of the table, and what
            groups many results in the figures. ``None`` where results differ by nothing but their label.
        notices: warnings, shown above the answer.
        failures: label to traceback of what gave no result.

    Returns:
        The path written.

    Raises:
        SpecError: there are no results, they measure different things, or a result lacks an axis.
        UnknownNameError: a reference that the bibliography does not have.
        OutputError: the page cannot be written; nothing is left behind.
    """
    page = render(
        title=title, results=results, description=description, command=command, specs=specs,
        references=references, intro=intro, axes=axes, notices=notices, failures=failures,
    )  # fmt: skip
    return write_text(Path(path), page)


def render(
    *,
    title: str,
    results: Mapping[str, Result],
    description: Description | None = None,
    command: str,
    specs: Mapping[str, str],
    references: Sequence[str] = (),
    intro: str = "",
    axes: Mapping[str, Mapping[str, str]] | None = None,
    notices: Sequence[str] = (),
    failures: Mapping[str, str] | None = None,
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
    summary = Summary.of(results, axes)
    bibtex = "\n\n".join(entry(key) for key in dict.fromkeys(references))
    drawn = pictures(plates(summary, specs), title)
    context: dict[str, Any] = {
        "title": title,
        "intro": [p for p in intro.split("\n\n") if p.strip()],
        "subtitle": _subtitle(summary),
        "notices": [*notices],
        "pictures": drawn,
        "axes": {name: values for name, values in summary.axes.items() if len(values) > 1},
        "description": description,
        "layers": None if description is None else layers(description),
        "digital": {} if description is None else digital(description),
        "shape": shape,
        "provenance": provenance(summary),
        "command": command,
        "bibtex": bibtex,
    }
    context |= _answer(summary) | _reading(summary)
    template, page = environment.get_template("report.html.j2"), ""
    for share in thinning.SHARES:
        page = template.render(context | _bulk(summary, specs, failures or {}, share))
        if len(page.encode("utf-8", "replace")) < thinning.LIMIT:
            break
    return page


def _bulk(summary: Summary, specs: Mapping[str, str], failures: Mapping[str, str], share: float) -> dict[str, Any]:
    """What makes a page large, and what was left out of it."""
    kept, rows_left = thinning.rows(summary, share)
    specs, specs_left = thinning.texts(specs, "specifications", share)
    failures, failures_left = thinning.tracebacks(failures, share)
    return {
        "populations": populations(summary, kept),
        "rows_left": rows_left,
        "specs": specs,
        "specs_left": specs_left,
        "failures": failures,
        "failures_left": failures_left,
    }


def _answer(summary: Summary) -> dict[str, Any]:
    many = summary.many
    return {
        "many": many,
        "place": overview.heading(summary) if many else "",
        "findings": overview.findings(summary) if many else answer.findings(summary),
        "spread": overview.spread(summary) if many else [],
        "caveats": answer.caveats(summary),
    }


def _reading(summary: Summary) -> dict[str, Any]:
    """What the explanations depend on."""
    scale, tail, first = summary.scale, summary.tail, summary.entries[0].result
    return {
        "metric": capital(scale.metric) + (" in percent" if scale.fraction else ""),
        "confidence": f"{100 * first.confidence:g}",
        "extreme": capital(summary.extreme),
        "tail": tail,
        "percentile": None if tail.k is None else ordinal(tail.k),
        "needed": None if tail.k is None else answer.chips_needed(tail.k, first.confidence),
        "with_ekl": any(n.ekl is not None for e in summary.entries for n in e.numbers),
        "with_yield": bool(summary.thresholds),
    }


def _subtitle(summary: Summary) -> str:
    """``"Accuracy of 100 chips, each on 10,000 test samples; ..."``: what all results have in common."""
    every, scale, ages = [e.result for e in summary.entries], summary.scale, summary.ages
    chips, images = sorted({r.chips for r in every}), sorted({r.images for r in every})
    adaptive = any(getattr(r, "images_per_chip", None) is not None for r in every)
    parts = [
        f"{scale.metric} of {_either(chips)} chip{'s' * (chips != [1])}, each on "
        f"{'up to ' * adaptive}{_either(images)} test samples"
    ]
    data = {r.data for r in every}
    parts[0] += f" of {data.pop()}" if len(data) == 1 and data != {""} else ""
    parts += [age_words(ages[0]) + (f" to {duration_words(ages[-1])}" if len(ages) > 1 else "")]
    if len({r.digital for r in every}) == 1:
        parts.append(f"digital network {scale.said(every[0].digital, 2)}")
    if summary.many:
        parts.insert(0, f"{len(every)} results")
    return capital("; ".join(parts)) + "."


def _either(numbers: list[int]) -> str:
    return " or ".join(f"{n:,}" for n in numbers) if len(numbers) < 4 else f"{numbers[0]:,} to {numbers[-1]:,}"
