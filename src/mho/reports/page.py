"""One self-contained HTML page: the answer in words, the figures, every number, and how to get them again."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mho.files import write_text
from mho.reports import answer, figures, tables
from mho.reports.bibliography import entry
from mho.reports.scale import scale_of, tail_of
from mho.reports.wording import age_words, capital, duration_words, ordinal, sigma_words

if TYPE_CHECKING:
    from mho.evaluation.result import Result
    from mho.memory.description import Description

PANELS = 3  # panels a figure has at most; of more ages, the first and the last are drawn
CROWDS = 12  # results whose chips are drawn one by one; the table has the others too
_IDENTIFIER = re.compile(r'id="(f[0-9a-f]{8})-')


class Plate(NamedTuple):
    """A figure of the page: panels side by side, caption, and what reproduces it."""

    panels: list[str]
    caption: str
    keys: list[tuple[str, str]]
    specs: dict[str, str]


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
) -> Path:
    """Write the report of ``results`` to ``path``, whole or not at all.

    The page needs nothing beside itself: no network, no fonts, no scripts from elsewhere.

    Args:
        path: the HTML file; its folder must exist.
        title: heading of the page.
        results: label to result; all of one metric.
        description: where every tensor is kept, ``None`` to leave that table out.
        command: the command line that reproduces the numbers.
        specs: name to YAML; a spec named like a result is shown with that result's figures.
        references: keys of the bibliography.
        intro: paragraphs before the answer, separated by blank lines.

    Returns:
        The path written.

    Raises:
        SpecError: there are no results, or they measure different things.
        UnknownNameError: a reference that the bibliography does not have.
        OutputError: the page cannot be written; nothing is left behind.
    """
    page = render(
        title=title, results=results, description=description, command=command, specs=specs,
        references=references, intro=intro,
    )  # fmt: skip
    return write_text(Path(path), page)


def render(
    *,
    title: str,
    results: Mapping[str, Result],
    description: Description | None,
    command: str,
    specs: Mapping[str, str],
    references: Sequence[str],
    intro: str,
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
    environment.globals["inline"] = _Inline()
    scale = scale_of(results)
    plates = _plates(results, specs)
    first = next(iter(results.values()))
    tail = tail_of(first)
    context: dict[str, Any] = {
        "title": title,
        "intro": [p for p in intro.split("\n\n") if p.strip()],
        "subtitle": _subtitle(results),
        "findings": answer.findings(results),
        "caveats": answer.caveats(results),
        "plates": plates,
        "populations": tables.populations(results),
        "metric": capital(scale.metric) + (" in percent" if scale.fraction else ""),
        "confidence": f"{100 * first.confidence:g}",
        "fraction": scale.fraction,
        "tail": tail,
        "percentile": None if tail.k is None else ordinal(tail.k),
        "needed": None if tail.k is None else answer.chips_needed(tail.k, first.confidence),
        "with_ekl": any(r.ekl is not None for r in results.values()),
        "with_yield": any(r.threshold is not None for r in results.values()),
        "description": description,
        "layers": None if description is None else tables.layers(description),
        "digital": {} if description is None else tables.digital(description),
        "shape": tables.shape,
        "provenance": tables.provenance(results),
        "command": command,
        "specs": specs,
        "bibtex": "\n\n".join(entry(key) for key in dict.fromkeys(references)),
    }
    return environment.get_template("report.html.j2").render(context)


class _Inline:
    """Drawings as parts of one page: safe as they are, their identifiers numbered so that none occurs twice."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, svg: str) -> Any:
        import markupsafe

        self._drawn += 1
        own = _IDENTIFIER.search(svg)
        if own:
            svg = re.sub(rf'(id="|#){own[1]}-', rf"\g<1>d{self._drawn}-", svg)
        # The parser of HTML knows what svg is without its name space.
        return markupsafe.Markup(svg.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))


def _plates(results: Mapping[str, Result], specs: Mapping[str, str]) -> list[Plate]:
    labels = [(figures.swatch(i), label) for i, label in enumerate(results)]
    lines = [(figures.swatch(None), "mean, with its interval")]
    scale, tail = scale_of(results), tail_of(next(iter(results.values())))
    if tail.k is not None:
        lines.append((figures.swatch(None, "percentile"), f"{ordinal(tail.k)} percentile"))
    extreme = "worst" if scale.fraction else "lowest" if tail.low else "highest"
    lines += [
        (figures.swatch(None, "extreme"), f"{extreme} chip seen"),
        (figures.swatch(None, "digital"), "digital network"),
    ]
    ages = sorted({age for r in results.values() for age in r.age})
    shown = ages if len(ages) <= PANELS else [ages[0], ages[-1]]
    against = "of each result" if all(len(r.sigma) == 1 for r in results.values()) else "against sigma"
    panels = [figures.severity(results, age, legend=False) for age in shown]
    caption = f"{capital(scale.metric)} {against}. A band is missing where there are too few chips to draw it."
    out = [Plate(panels, caption, labels + lines, dict(specs))]
    if len(ages) > 2:
        out.append(_aged(results, labels + lines, specs))
    for i, (label, result) in enumerate(list(results.items())[:CROWDS]):
        span = figures.limits({label: result})
        mine = [age for age in shown if age in result.age] or [result.age[-1]]
        drawn = [figures.distribution(result, age, label=label, index=i, limits=span) for age in mine]
        caption = (
            f"{label}: every chip. Each tick is a chip, the ridge above it the crowd (scaled row by row), "
            "the marker the mean"
        )
        own_tail = tail_of(result)
        if own_tail.k is not None:
            caption += f", the dashed line the {ordinal(own_tail.k)} percentile"
        caption += f", the number the {extreme} chip seen."
        own = {label: specs[label]} if label in specs else dict(specs)
        out.append(Plate(drawn, caption, [], own))
    return out


def _aged(results: Mapping[str, Result], keys: list[tuple[str, str]], specs: Mapping[str, str]) -> Plate:
    metric = capital(scale_of(results).metric)
    sigmas = sorted({s for r in results.values() for s in r.sigma if s is not None})
    chosen: list[float | None] = [sigmas[len(sigmas) // 2], sigmas[-1]] if len(sigmas) > 1 else [None]
    panels = [figures.ageing(results, sigma, legend=False) for sigma in chosen]
    where = " and ".join(sigma_words(s) for s in chosen if s is not None)
    return Plate(panels, f"{metric} against time since programming{f', {where}' if where else ''}.", keys, dict(specs))


def _subtitle(results: Mapping[str, Result]) -> str:
    """``"Accuracy of 100 chips, each on 10,000 test samples; ..."``: what all results have in common."""
    every, scale = list(results.values()), scale_of(results)
    chips, images = sorted({r.chips for r in every}), sorted({r.images for r in every})
    ages, data = sorted({a for r in every for a in r.age}), {r.data for r in every}
    parts = [
        f"{capital(scale.metric)} of {' or '.join(f'{n:,}' for n in chips)} chip{'s' * (chips != [1])}, "
        f"each on {' or '.join(f'{n:,}' for n in images)} test samples"
    ]
    parts[0] += f" of {data.pop()}" if len(data) == 1 and data != {""} else ""
    parts += [age_words(ages[0]) + (f" to {duration_words(ages[-1])}" if len(ages) > 1 else "")]
    if len({r.digital for r in every}) == 1:
        parts.append(f"digital network {scale.said(every[0].digital, 2)}")
    return "; ".join(parts) + "."
