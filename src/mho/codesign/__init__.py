"""WHAT TO BUY: the cheapest combination of training, programming, redundancy and device that meets a target.

Importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mho.codesign.candidate import Candidate, Certificate
    from mho.codesign.choice import Choice
    from mho.codesign.compatibility import combinations
    from mho.codesign.costs import COSTS, Costs
    from mho.codesign.design import Design
    from mho.codesign.measures import Range
    from mho.codesign.reading import read
    from mho.codesign.story import Story
    from mho.codesign.story_run import tell
    from mho.codesign.suited import usual
    from mho.codesign.targets import Target
    from mho.codesign.why import Share, Why

_HOMES = {
    "COSTS": "costs",
    "Candidate": "candidate",
    "Certificate": "candidate",
    "Choice": "choice",
    "Costs": "costs",
    "Design": "design",
    "Range": "measures",
    "Share": "why",
    "Story": "story",
    "Target": "targets",
    "Why": "why",
    "combinations": "compatibility",
    "read": "reading",
    "tell": "story_run",
    "usual": "suited",
}

__all__ = [
    "COSTS",
    "Candidate",
    "Certificate",
    "Choice",
    "Costs",
    "Design",
    "Range",
    "Share",
    "Story",
    "Target",
    "Why",
    "combinations",
    "read",
    "tell",
    "usual",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.codesign' has no attribute '{name}'")
    return getattr(import_module(f"mho.codesign.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
