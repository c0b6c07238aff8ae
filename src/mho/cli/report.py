"""``mho report``: the page of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.study_options import StoreOption, StudyFile, answers_of, store_of


def report(
    study: StudyFile,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="HTML file to write; the study's name beside its YAML unless given.")
    ] = None,
    title: Annotated[str, Parameter(help="Heading of the page; the study's name unless given.")] = "",
    store: StoreOption = None,
) -> None:
    """Write one self-contained HTML page: the answer in words, figures, every number, YAML, BibTeX."""
    from mho.files import check_writable

    page = out or study.with_suffix(".html")
    check_writable(page)
    found = answers_of(study, store_of(study, store))
    from mho.reports.study import write_study

    print(f"report: {write_study(page, found, title=title, command=f'mho run {study}')}")
