"""``mho cite``: the BibTeX of every method that a study uses."""

from __future__ import annotations

from mho.cli.options import ImportOption, imports
from mho.cli.study_options import StudyFile


def cite(study: StudyFile, /, *, import_: ImportOption = None) -> None:
    """Print the BibTeX of every method that a study uses."""
    imports(import_)
    from mho.reports import cite as bibtex
    from mho.studies import read

    print(bibtex(*(p.study for p in read(study).points)))
