"""``mho.report``: the page of some results, with everything that can be derived from them derived."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mho.errors import SpecError
from mho.evaluation import accounts
from mho.evaluation.metrics import METRICS
from mho.memory import Chips, describe
from mho.reports.page import write

if TYPE_CHECKING:
    from mho.evaluation import Result


def report(
    path: str | os.PathLike[str],
    results: Result | Sequence[Result],
    chips: Chips | Sequence[Chips],
    *,
    title: str = "",
    command: str = "",
    intro: str = "",
    references: Sequence[str] = (),
) -> Path:
    """Write one self-contained HTML page: the answer in words, figures, every number, layers, YAML, BibTeX.

    Args:
        path: the HTML file; its folder must exist.
        results: what :func:`mho.evaluate` returned, one or several of one metric, with different labels.
        chips: the chips of each result, in the same order; the first one's layers are shown.
        title: heading of the page; the model and the devices if empty.
        command: what reproduces the numbers; the Python call if empty.
        intro: paragraphs before the answer, separated by blank lines.
        references: further keys of the bibliography.

    Returns:
        The path written.

    Raises:
        SpecError: results without their chips, two results of one label, or of different metrics.
        OutputError: the page cannot be written; nothing is left behind.
    """
    found = list(results) if isinstance(results, Sequence) else [results]
    made = list(chips) if isinstance(chips, Sequence) else [chips]
    if len(found) != len(made) or not found:
        raise SpecError(f"report takes the chips of every result; got {len(found)} results and {len(made)} chips")
    labels = [r.label for r in found]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise SpecError(f"two results are labelled '{twice}'; give evaluate(..., label=...) different ones")
    keys = [key for population in made for key in population.references]
    return write(
        path,
        title=title or f"{type(made[0].model).__name__} on {', '.join(labels)}",
        results=dict(zip(labels, found, strict=True)),
        description=describe(made[0]),
        command=command or "\n".join(map(_call, found)),
        specs={label: c.to_yaml() for label, c in zip(labels, made, strict=True)},
        references=list(dict.fromkeys([*keys, *references])),
        intro=intro,
    )


def _call(result: Result) -> str:
    if result.screening is not None:
        return f"{accounts.call(result, result.screening)}  # {result.label}"
    sigma = "" if result.sigma == (None,) else f", sigma={list(result.sigma)}"
    named = next((key for key, metric in METRICS.items() if metric.name == result.metric), None)
    metric = "" if named == "accuracy" else f", metric={named!r}" if named else f", metric={result.metric}"
    first = f", first_chip={result.first_chip}" if result.first_chip else ""
    return (
        f"mho.evaluate(mho.deploy(model, memory, seed={result.seed}), data, n_chips={result.chips}{first}{sigma}, "
        f"age={list(result.age)}{metric})  # {result.label}"
    )
