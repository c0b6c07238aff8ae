"""Real data as tensors: local files first, then a verified download; adapters for whatever else a user has.

Importing this package does not import torch; the first use of a loader does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mho.data.catalog import DATASETS, Entry, classes, names
from mho.data.glue_table import GLUE, glue_metric

if TYPE_CHECKING:
    from mho.data.adapters import as_dataset
    from mho.data.cifar import cifar10, cifar100
    from mho.data.dataset import Dataset, Inputs
    from mho.data.idx import fashion_mnist, mnist
    from mho.data.images import NORMALIZATIONS
    from mho.data.loading import load, register
    from mho.data.optdigits import digits
    from mho.data.sentences import glue
    from mho.data.sequences import decode, encode
    from mho.data.texts import text, tiny_shakespeare, vocabulary, war_and_peace
    from mho.data.tiny import tiny_imagenet
    from mho.data.wordpiece import WordPiece

__all__ = [
    "DATASETS",
    "GLUE",
    "NORMALIZATIONS",
    "Dataset",
    "Entry",
    "Inputs",
    "WordPiece",
    "as_dataset",
    "cifar10",
    "cifar100",
    "classes",
    "decode",
    "digits",
    "encode",
    "fashion_mnist",
    "glue",
    "glue_metric",
    "load",
    "mnist",
    "names",
    "register",
    "text",
    "tiny_imagenet",
    "tiny_shakespeare",
    "vocabulary",
    "war_and_peace",
]

_HOMES = {
    "Dataset": "mho.data.dataset",
    "Inputs": "mho.data.dataset",
    "NORMALIZATIONS": "mho.data.images",
    "WordPiece": "mho.data.wordpiece",
    "as_dataset": "mho.data.adapters",
    "cifar10": "mho.data.cifar",
    "cifar100": "mho.data.cifar",
    "decode": "mho.data.sequences",
    "digits": "mho.data.optdigits",
    "encode": "mho.data.sequences",
    "fashion_mnist": "mho.data.idx",
    "glue": "mho.data.sentences",
    "load": "mho.data.loading",
    "mnist": "mho.data.idx",
    "register": "mho.data.loading",
    "text": "mho.data.texts",
    "tiny_imagenet": "mho.data.tiny",
    "tiny_shakespeare": "mho.data.texts",
    "vocabulary": "mho.data.texts",
    "war_and_peace": "mho.data.texts",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.data' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
