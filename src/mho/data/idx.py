"""MNIST and Fashion-MNIST, from the IDX files in torchvision's folder layout."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from mho.data.catalog import DATASETS
from mho.data.dataset import Dataset
from mho.data.images import Normalize, Split, assemble, check_request, read_error
from mho.data.roots import Remote, obtain
from mho.errors import DataError

_MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion_mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
}
_MD5 = {
    "mnist": {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}


def mnist(
    *,
    root: str | Path | None = None,
    split: Split = "test",
    limit: int | None = None,
    normalize: Normalize = "unit",
) -> Dataset:
    """MNIST: ``(N, 1, 28, 28)`` pixels in [0, 1] unless ``normalize`` says otherwise, 10 classes.

    Args:
        root: folder that holds ``MNIST/raw``; searched before ``$MHO_DATA``, ``./data`` and
            ``~/.cache/mho/data``.
        split: "train" (60,000) or "test" (10,000).
        limit: keep only the first so many images.
        normalize: a name in ``mho.data.NORMALIZATIONS`` or ``(mean, std)``.

    Raises:
        DataError: the files are missing and cannot be downloaded, or are corrupt.

    Source: LeCun et al., Proc. IEEE 86(11), 1998.
    """
    return _load("mnist", root, split, limit, normalize)


def fashion_mnist(
    *,
    root: str | Path | None = None,
    split: Split = "test",
    limit: int | None = None,
    normalize: Normalize = "unit",
) -> Dataset:
    """Fashion-MNIST: ``(N, 1, 28, 28)`` pixels in [0, 1] unless ``normalize`` says otherwise, 10 classes.

    Args:
        root: folder that holds ``FashionMNIST/raw``; searched before the usual places (see :func:`mnist`).
        split: "train" (60,000) or "test" (10,000).
        limit: keep only the first so many images.
        normalize: a name in ``mho.data.NORMALIZATIONS`` or ``(mean, std)``.

    Raises:
        DataError: the files are missing and cannot be downloaded, or are corrupt.

    Source: Xiao, Rasul, Vollgraf, arXiv:1708.07747.
    """
    return _load("fashion_mnist", root, split, limit, normalize)


def _load(name: str, root: str | Path | None, split: str, limit: int | None, normalize: Normalize) -> Dataset:
    check_request(split, limit)
    part = "train" if split == "train" else "t10k"
    image_file = _file(name, root, f"{part}-images-idx3-ubyte")
    label_file = _file(name, root, f"{part}-labels-idx1-ubyte")
    images, labels = read_idx(image_file, dimensions=3), read_idx(label_file, dimensions=1)
    if len(images) != len(labels):
        raise DataError(f"{image_file} has {len(images)} images but {label_file} has {len(labels)} labels")
    if len(labels) and labels.max() > 9:
        raise read_error(label_file, f"label {labels.max()} is out of range 0 to 9")
    return assemble(images[:limit, None], labels[:limit], name=name, normalize=normalize)


def _file(name: str, root: str | Path | None, file: str) -> Path:
    folder = DATASETS[name].folder
    remote = Remote(
        urls=tuple(f"{mirror}{file}.gz" for mirror in _MIRRORS[name]),
        md5=_MD5[name][file],
        target=f"{folder}/{file}.gz",
    )
    return obtain(root, (f"{folder}/{file}.gz", f"{folder}/{file}"), remote, what=name)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array in an IDX file, gzipped or not.

    Raises:
        DataError: not an IDX file of bytes with so many dimensions, or not as long as its header says.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise read_error(path, error) from None
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes([0, 0, 8, dimensions]):
        raise read_error(path, f"it does not start like an IDX file of {dimensions} dimensions")
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if len(content) - start != math.prod(shape):
        raise read_error(path, f"{len(content) - start:,} bytes where its header says {math.prod(shape):,}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
