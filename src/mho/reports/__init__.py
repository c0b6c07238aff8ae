"""Answers: figures, one self-contained page, and the BibTeX of what was used."""

from mho.reports.bibliography import cite, entry
from mho.reports.page import write

report = write  # as a verb of the package: mho.report("page.html", title=..., results=...)

__all__ = ["cite", "entry", "report", "write"]
