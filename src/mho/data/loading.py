"""A data set by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mho.data.catalog import Entry, add, entry
from mho.data.cifar import cifar10, cifar100
from mho.data.dataset import Dataset
from mho.data.glue_table import GLUE
from mho.data.idx import fashion_mnist, mnist
from mho.data.images import Split
from mho.data.optdigits import digits
from mho.data.sentences import glue
from mho.data.texts import tiny_shakespeare, war_and_peace
from mho.data.tiny import tiny_imagenet
from mho.errors import UnknownNameError, nearest

_L = TypeVar("_L", bound=Callable[..., Dataset])

LOADERS: dict[str, Callable[..., Dataset]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "tiny_imagenet": tiny_imagenet,
    "war_and_peace": war_and_peace,
    "tiny_shakespeare": tiny_shakespeare,
    **{task: partial(glue, task) for task in GLUE},
}


def register(
    name: str,
    *,
    shape: tuple[int, ...],
    classes: int,
    train: int,
    test: int,
    licence: str = "",
    source: str = "",
) -> Callable[[_L], _L]:
    """Give a loader a name, for :func:`load`, studies and the command line::

        @data.register("mine", shape=(1, 28, 28), classes=2, train=800, test=200)
        def mine(*, split: str = "test", root=None, limit=None) -> data.Dataset: ...

    Args:
        name: what :func:`load` is asked for.
        shape: shape of one input.
        classes: number of classes.
        train: samples in the training split.
        test: samples in the test split.
        licence: terms.
        source: the paper or page to cite.

    Raises:
        SpecError: the name is taken.
    """

    def keep(loader: _L) -> _L:
        add(Entry(name=name, shape=shape, classes=classes, train=train, test=test, licence=licence, source=source))
        LOADERS[name] = loader
        return loader

    return keep


def load(
    name: str,
    *,
    split: Split = "test",
    root: str | Path | None = None,
    limit: int | None = None,
    **options: Any,
) -> Dataset:
    """The data set called ``name``.

    Args:
        name: one of :func:`mho.data.names`, such as ``"mnist"``.
        split: "train" or "test".
        root: folder searched before ``$MHO_DATA``, ``./data`` and ``~/.cache/mho/data``.
        limit: keep only the first so many samples.
        options: what that loader takes besides, such as ``size=8`` (digits), ``normalize="imagenet"`` or
            ``length=50`` (texts and sentences).

    Raises:
        UnknownNameError: no such data set, split or option.
        DataError: the data is missing and cannot be downloaded, or is corrupt.
    """
    loader = LOADERS[entry(name).name]
    allowed = list(inspect.signature(loader).parameters)
    for key in options:
        if key not in allowed:
            raise UnknownNameError(f"data set '{name}' has no option '{key}': {nearest(key, allowed)}")
    return loader(split=split, root=root, limit=limit, **options)
