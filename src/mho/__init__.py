"""mho (℧): how good are the average, the unlucky and the worst chip, and what is the cheapest fix?

The verbs of the package, and nothing else. Importing ``mho`` imports neither torch nor any room; each verb does so
when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mho import analog, codesign, data, devices, mapping, programming, racetrack, studies, training, zoo
    from mho.codesign.verb import design
    from mho.evaluation import compare, evaluate
    from mho.evaluation.faults import faults
    from mho.evaluation.sensitivity import sensitivity
    from mho.evaluation.verification import verify
    from mho.evaluation.worst_case import worst_case
    from mho.memory import Memory, deploy, describe
    from mho.reports import cite, report
    from mho.studies import Study
    from mho.training import train

__version__ = "0.1.0"

_VERBS = {
    "Memory": "mho.memory",
    "deploy": "mho.memory",
    "describe": "mho.memory",
    "evaluate": "mho.evaluation",
    "compare": "mho.evaluation",
    "faults": "mho.evaluation.faults",
    "sensitivity": "mho.evaluation.sensitivity",
    "verify": "mho.evaluation.verification",
    "worst_case": "mho.evaluation.worst_case",
    "train": "mho.training",
    "design": "mho.codesign.verb",
    "Study": "mho.studies",
    "report": "mho.reports",
    "cite": "mho.reports",
}
_ROOMS = ("analog", "codesign", "data", "devices", "mapping", "programming", "racetrack", "studies", "training", "zoo")

__all__ = [
    "Memory",
    "Study",
    "__version__",
    "analog",
    "cite",
    "codesign",
    "compare",
    "data",
    "deploy",
    "describe",
    "design",
    "devices",
    "evaluate",
    "faults",
    "mapping",
    "programming",
    "racetrack",
    "report",
    "sensitivity",
    "studies",
    "train",
    "training",
    "verify",
    "worst_case",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return getattr(import_module(_VERBS[name]), name)
    if name in _ROOMS:
        return import_module(f"mho.{name}")
    raise AttributeError(f"module 'mho' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
