"""``mho report``: the page of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.options import ImportOption, imports
from mho.cli.study_options import StoreOption, StudyFile, answers_of, record_of, store_of


def report(
    study: StudyFile,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="HTML file to write; beside the YAML, with its name, unless given.")
    ] = None,
    title: Annotated[str, Parameter(help="Heading of the page; the study's name unless given.")] = "",
    import_: ImportOption = None,
    store: StoreOption = None,
) -> None:
    """Write one self-contained HTML page: the answer in words, figures, every number, YAML, BibTeX."""
    from mho.files import check_writable

    page = out or study.with_suffix(".html")
    check_writable(page)
    imports(import_)
    place = store_of(study, store)
    found = answers_of(study, place)
    from mho.reports.study import write_study
    from mho.studies.verb import first_chips

    chips = first_chips(record_of(study, place), place)
    print(f"report: {write_study(page, found, chips=chips, title=title, command=f'mho run {study}')}")
