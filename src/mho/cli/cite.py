"""``mho cite``: the BibTeX of every method that a study uses."""

from __future__ import annotations

from mho.cli.study_options import StudyFile


def cite(study: StudyFile, /) -> None:
    """Print the BibTeX of every method that a study uses."""
    from mho.reports import cite as bibtex
    from mho.studies import read

    print(bibtex(*(p.study for p in read(study).points)))
