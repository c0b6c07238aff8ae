"""Answers: figures, one self-contained page, and the BibTeX of what was used."""

from mho.reports.bibliography import cite, entry
from mho.reports.page import write
from mho.reports.verb import report

__all__ = ["cite", "entry", "report", "write"]
