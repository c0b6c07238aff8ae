"""A data set by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mho.data.catalog import entry
from mho.data.cifar import cifar10, cifar100
from mho.data.dataset import Dataset
from mho.data.idx import fashion_mnist, mnist
from mho.data.images import Split
from mho.data.optdigits import digits
from mho.data.tiny import tiny_imagenet
from mho.errors import UnknownNameError, nearest

LOADERS: Mapping[str, Callable[..., Dataset]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "tiny_imagenet": tiny_imagenet,
}


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
        options: what that loader takes besides, such as ``size=8`` (digits) or ``normalize="imagenet"``.

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
