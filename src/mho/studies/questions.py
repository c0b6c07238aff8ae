"""Every question that a study may ask of a combination in place of a population of chips."""

from __future__ import annotations

from mho.studies.question import Asked, Question
from mho.studies.verify import Verify
from mho.studies.worst_case import WorstCase

__all__ = ["Asked", "Question", "Verify", "WorstCase"]
