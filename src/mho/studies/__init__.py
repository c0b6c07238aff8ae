"""MANY QUESTIONS: axes over models, memories and seeds; cached, resumable, on one machine or many.

Importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mho.studies.executors.base import Executor
    from mho.studies.executors.inline import Inline
    from mho.studies.executors.processes import Processes
    from mho.studies.executors.ray import Ray
    from mho.studies.observers import Observer
    from mho.studies.points import Point
    from mho.studies.question import Question
    from mho.studies.reading import read, read_memory
    from mho.studies.results import Answers
    from mho.studies.sources import Checkpoint, Data, Trained
    from mho.studies.study import Study
    from mho.studies.trackers import TRACKERS, tracker
    from mho.studies.verb import run
    from mho.studies.verify import Verify
    from mho.studies.worst_case import WorstCase

_HOMES = {
    "Answers": "results",
    "Checkpoint": "sources",
    "Data": "sources",
    "Executor": "executors.base",
    "Inline": "executors.inline",
    "Observer": "observers",
    "Point": "points",
    "Processes": "executors.processes",
    "Question": "question",
    "Ray": "executors.ray",
    "Study": "study",
    "TRACKERS": "trackers",
    "Trained": "sources",
    "Verify": "verify",
    "WorstCase": "worst_case",
    "read": "reading",
    "read_memory": "reading",
    "run": "verb",
    "tracker": "trackers",
}

__all__ = [
    "TRACKERS",
    "Answers",
    "Checkpoint",
    "Data",
    "Executor",
    "Inline",
    "Observer",
    "Point",
    "Processes",
    "Question",
    "Ray",
    "Study",
    "Trained",
    "Verify",
    "WorstCase",
    "read",
    "read_memory",
    "run",
    "tracker",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.studies' has no attribute '{name}'")
    return getattr(import_module(f"mho.studies.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
