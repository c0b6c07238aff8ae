"""mho (℧): how good are the average, the unlucky and the worst chip, and what is the cheapest fix?

The verbs of the package, and nothing else. Importing ``mho`` imports neither torch nor any room; each verb does so
when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mho import data, devices, mapping, training, zoo
    from mho.evaluation import evaluate
    from mho.memory import Memory, deploy, describe
    from mho.reports import cite, report
    from mho.training import train

__version__ = "0.1.0"

_VERBS = {
    "Memory": "mho.memory",
    "deploy": "mho.memory",
    "describe": "mho.memory",
    "evaluate": "mho.evaluation",
    "train": "mho.training",
    "report": "mho.reports",
    "cite": "mho.reports",
}
_ROOMS = ("data", "devices", "mapping", "training", "zoo")

__all__ = [
    "Memory",
    "__version__",
    "cite",
    "data",
    "deploy",
    "describe",
    "devices",
    "evaluate",
    "mapping",
    "report",
    "train",
    "training",
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
