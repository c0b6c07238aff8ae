"""Small networks of the papers: build one by name, save and load it with everything needed to rebuild it.

Importing this package does not import torch; the first use of a function does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mho.zoo.catalog import ARCHITECTURES, Architecture, names, register

if TYPE_CHECKING:
    from mho.zoo import binary
    from mho.zoo.checkpoint import load, load_into, metadata, pack, save, unpack
    from mho.zoo.hugging_face import pretrained
    from mho.zoo.published import load_published_resnet
    from mho.zoo.registry import build, build_for

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "binary",
    "build",
    "build_for",
    "load",
    "load_into",
    "load_published_resnet",
    "metadata",
    "names",
    "pack",
    "pretrained",
    "register",
    "save",
    "unpack",
]

_HOMES = {
    "build": "mho.zoo.registry",
    "build_for": "mho.zoo.registry",
    "load": "mho.zoo.checkpoint",
    "load_into": "mho.zoo.checkpoint",
    "load_published_resnet": "mho.zoo.published",
    "metadata": "mho.zoo.checkpoint",
    "pack": "mho.zoo.checkpoint",
    "pretrained": "mho.zoo.hugging_face",
    "save": "mho.zoo.checkpoint",
    "unpack": "mho.zoo.checkpoint",
}


def __getattr__(name: str) -> Any:
    if name == "binary":
        return import_module("mho.zoo.binary")
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.zoo' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
