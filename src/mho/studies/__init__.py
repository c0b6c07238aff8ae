"""MANY QUESTIONS: axes over models, memories and seeds; cached, resumable, on one machine or many."""

from mho.studies.points import Point
from mho.studies.sources import Checkpoint, Data, Trained
from mho.studies.study import Study

__all__ = ["Checkpoint", "Data", "Point", "Study", "Trained"]
