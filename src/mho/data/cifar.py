"""CIFAR-10 and CIFAR-100, from the binary distribution (the other is pickled: reading it runs code)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mho.data.catalog import DATASETS
from mho.data.dataset import Dataset
from mho.data.images import Normalize, Split, assemble, check_request, read_error
from mho.data.roots import Remote, find, obtain
from mho.errors import DataError

_PIXELS = 3 * 32 * 32
_HOME = "https://www.cs.toronto.edu/~kriz/"
_REMOTES = {
    name: Remote(
        urls=(f"{_HOME}{archive}", f"https://cave.cs.toronto.edu/kriz/{archive}"),
        md5=md5,
        target=DATASETS[name].folder,
        archive=True,
    )
    for name, archive, md5 in (
        ("cifar10", "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
        ("cifar100", "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
    )
}
_PICKLED = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}


def cifar10(
    *,
    root: str | Path | None = None,
    split: Split = "test",
    limit: int | None = None,
    normalize: Normalize = "cifar",
) -> Dataset:
    """CIFAR-10: ``(N, 3, 32, 32)`` normalised pixels, 10 classes.

    Args:
        root: folder that holds ``cifar-10-batches-bin``; searched before ``$MHO_DATA``, ``./data``,
            ``~/.cache/mho/data``.
        split: "train" (50,000) or "test" (10,000).
        limit: keep only the first so many images.
        normalize: a name in ``mho.data.NORMALIZATIONS`` or ``(mean, std)``; "imagenet" for the
            published ResNets.

    Raises:
        DataError: the files are missing and not downloadable, corrupt, or only the pickled version is there.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", TR 2009.
    """
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
    return _load("cifar10", files, 1, root, split, limit, normalize)


def cifar100(
    *,
    root: str | Path | None = None,
    split: Split = "test",
    limit: int | None = None,
    normalize: Normalize = "cifar",
) -> Dataset:
    """CIFAR-100: ``(N, 3, 32, 32)`` normalised pixels, the 100 fine classes.

    Args:
        root: folder that holds ``cifar-100-binary``; searched before the usual places (see :func:`cifar10`).
        split: "train" (50,000) or "test" (10,000).
        limit: keep only the first so many images.
        normalize: a name in ``mho.data.NORMALIZATIONS`` or ``(mean, std)``.

    Raises:
        DataError: the files are missing and not downloadable, corrupt, or only the pickled version is there.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", TR 2009.
    """
    return _load("cifar100", [f"{split}.bin"], 2, root, split, limit, normalize)


def _load(
    name: str,
    files: Sequence[str],
    label_bytes: int,
    root: str | Path | None,
    split: str,
    limit: int | None,
    normalize: Normalize,
) -> Dataset:
    check_request(split, limit)
    parts = []
    wanted = limit
    for file in files:
        parts.append(_read(_file(name, root, file), label_bytes, DATASETS[name].classes)[:wanted])
        wanted = None if wanted is None else wanted - len(parts[-1])
        if wanted == 0:
            break
    records = np.concatenate(parts)
    pixels = records[:, label_bytes:].reshape(-1, 3, 32, 32)
    return assemble(pixels, records[:, label_bytes - 1], name=name, normalize=normalize)


def _file(name: str, root: str | Path | None, file: str) -> Path:
    path = f"{DATASETS[name].folder}/{file}"
    pickled = find(root, [_PICKLED[name]])
    if pickled is not None and find(root, [path]) is None:
        raise DataError(
            f"{name}: {pickled} is the pickled Python version, which can run code when read: "
            f"unpack {_REMOTES[name].urls[0]} beside it instead"
        )
    return obtain(root, (path,), _REMOTES[name], what=name)


def _read(path: Path, label_bytes: int, classes: int) -> np.ndarray:
    """``(N, label_bytes + 3072)`` uint8 records; the last label byte of each is the class."""
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise read_error(path, error) from None
    size = label_bytes + _PIXELS
    if len(content) == 0 or len(content) % size:
        raise read_error(path, f"{len(content):,} bytes is not a whole number of {size}-byte records")
    records = content.reshape(-1, size)
    if (highest := int(records[:, label_bytes - 1].max())) >= classes:
        raise read_error(path, f"label {highest} is out of range 0 to {classes - 1}")
    return records
