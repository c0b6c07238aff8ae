"""The page of a study: its results, with the axes, notices and failures that only a study has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mho.errors import SpecError
from mho.reports.page import write
from mho.spec import references
from mho.studies.questions import Verify, WorstCase

if TYPE_CHECKING:
    from mho.memory.deployment import Chips
    from mho.studies.results import Answers

ALWAYS = ("salmon2011random", "boxmuller1958")
"""How every chip is drawn."""


def write_study(
    path: str | os.PathLike[str], answers: Answers, *, chips: Chips | None = None, title: str = "", command: str = ""
) -> Path:
    """Write the page of a study.

    Args:
        path: the HTML file; its folder must exist.
        answers: what :func:`mho.studies.run` found.
        chips: chips whose layers are shown; no table of layers if ``None``.
        title: heading; the study's name if empty.
        command: what computes the numbers again; the Python call if empty.

    Returns:
        The path written.

    Raises:
        SpecError: nothing is complete yet.
        OutputError: the page cannot be written; nothing is left behind.
    """
    study, found = answers.study, list(answers.found.values())
    if not answers.results and not found:
        why = f"; {next(iter(answers.failures.values())).strip().splitlines()[-1]}" if answers.failures else ""
        raise SpecError(f"no result of the study '{study.name}' is complete{why}")
    from mho.memory import describe

    return write(
        path,
        title=title or study.name,
        results=answers.results,
        description=None if chips is None else describe(chips),
        command=command or f"mho.studies.run(mho.studies.read('{study.name}.yaml'))",
        # Each is a whole study that gives that one result.
        specs={label: point.study.to_yaml() for label, point in answers.points.items()},
        references=list(dict.fromkeys([*references(study), *ALWAYS])),
        axes={label: dict(answers.points[label].axes) for label in answers.results} if study.axes else None,
        notices=list(answers.notices),
        failures=answers.failures,
        worst=found if isinstance(study.question, WorstCase) else (),
        verifications=found if isinstance(study.question, Verify) else (),
    )
