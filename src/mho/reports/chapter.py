"""A part of the page beside the populations: its own answer, figures, numbers, and what its words mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mho.reports.answer import Finding
from mho.reports.plates import Plate
from mho.reports.scale import Tail
from mho.reports.tables import Table


class Numbered(NamedTuple):
    """A table with its heading.

    Attributes:
        id: one word, once on a page.
        heading: of the table.
        words: a sentence below the heading; may be empty.
        table: its cells.
        filters: columns that a reader may choose from to what is in them; no filters if empty.
        figure: name of the figure whose points follow the filters; may be empty.
        style: class of the table; ``wrap`` for long texts.
    """

    id: str
    heading: str
    words: str
    table: Table
    filters: Mapping[str, Sequence[str]] = {}
    figure: str = ""
    style: str = ""


class Statistics(NamedTuple):
    """What the numbers of a page are statistics of.

    Attributes:
        confidence: of the intervals.
        tail: the percentile that stands for the unlucky chip.
        extreme: what the last chip on that side is called.
    """

    confidence: float
    tail: Tail
    extreme: str


class Chapter(NamedTuple):
    """What the page says about one question.

    Attributes:
        id: one word, once on a page.
        heading: the question's subject.
        headline: the answer in one sentence, for the top of the page.
        subtitle: what all of it was measured on, for a page that has nothing else.
        findings: the answer in words.
        caveats: what these numbers do not say.
        plates: figures.
        tables: tables of every number.
        command: the Python call that gives the numbers.
        terms: words that a reader may not know, and what they mean.
        facts: what the numbers were measured with; a column each.
        references: keys of the bibliography.
        statistics: over chips; ``None`` where there are none.
        opening: the answer in one sentence, above findings that each answer a part of the question; may be empty.
        specs: name to YAML, at the end of the chapter.
    """

    id: str
    heading: str
    headline: str
    subtitle: str
    findings: list[Finding]
    caveats: list[str]
    plates: list[Plate]
    tables: list[Numbered]
    command: str
    terms: list[tuple[str, str]]
    facts: Table
    references: tuple[str, ...]
    statistics: Statistics | None = None
    opening: str = ""
    specs: Mapping[str, str] = {}


def keys_of(things: Iterable[Any], always: str) -> tuple[str, ...]:
    """Keys of the bibliography: the paper that asked the question, then what ``things`` name."""
    return tuple(dict.fromkeys([always, *(key for thing in things for key in thing.references)]))


def own_specs(specs: Mapping[str, str], labels: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The specifications that are named like ``labels``; all of them where the page has no results they belong to."""
    own = {label: specs[label] for label in labels if label in specs}
    return own or ({} if known else dict(specs))
