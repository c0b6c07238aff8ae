"""The table of data sets: shape, size, licence, source. Torch-free, so that listing is instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mho.data.glue_table import GLUE, Task
from mho.data.labels import CIFAR10, CIFAR100, DIGITS, FASHION, TINY_SHAKESPEARE, WAR_AND_PEACE
from mho.errors import DataError, SpecError, unknown


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the table.

    Attributes:
        name: what :func:`mho.data.load` is asked for.
        shape: shape of one input; of images channels, height, width in pixels; of texts the characters of a sequence;
            of sentences the pieces.
        classes: number of classes; of texts, different characters; 0 where targets are values.
        train: images, or sequences of ``shape``, in the training split.
        test: likewise in the test split.
        labels: class names in the order of their indices; empty where the data folder itself names them.
        licence: terms, as its authors or distributors state them.
        source: the paper or page to cite.
        folder: where it lies below a data root; empty for a set that comes with a dependency.
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    train: int
    test: int
    labels: tuple[str, ...] = ()
    licence: str
    source: str
    folder: str = ""


def _glue(task: Task) -> Entry:
    return Entry(
        name=task.name,
        shape=(task.length,),
        classes=len(task.labels),
        train=task.train,
        test=task.test,
        labels=task.labels,
        licence=task.licence,
        source=task.source,
        folder=f"glue/{task.folder}",
    )


_ROWS = (
    Entry(
        name="digits",
        shape=(1, 28, 28),
        classes=10,
        train=1442,
        test=355,
        labels=DIGITS,
        licence="CC BY 4.0",
        source="Alpaydin, Kaynak, Optical Recognition of Handwritten Digits, UCI 1998 (in scikit-learn)",
    ),
    Entry(
        name="mnist",
        shape=(1, 28, 28),
        classes=10,
        train=60_000,
        test=10_000,
        labels=DIGITS,
        licence="CC BY-SA 3.0 (as commonly stated)",
        source="LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86(11), 1998",
        folder="MNIST/raw",
    ),
    Entry(
        name="fashion_mnist",
        shape=(1, 28, 28),
        classes=10,
        train=60_000,
        test=10_000,
        labels=FASHION,
        licence="MIT",
        source="Xiao, Rasul, Vollgraf, arXiv:1708.07747, 2017",
        folder="FashionMNIST/raw",
    ),
    Entry(
        name="cifar10",
        shape=(3, 32, 32),
        classes=10,
        train=50_000,
        test=10_000,
        labels=CIFAR10,
        licence="none stated",
        source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, TR 2009",
        folder="cifar-10-batches-bin",
    ),
    Entry(
        name="cifar100",
        shape=(3, 32, 32),
        classes=100,
        train=50_000,
        test=10_000,
        labels=CIFAR100,
        licence="none stated",
        source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, TR 2009",
        folder="cifar-100-binary",
    ),
    Entry(
        name="tiny_imagenet",
        shape=(3, 64, 64),
        classes=200,
        train=100_000,
        test=10_000,
        licence="ImageNet terms: non-commercial research",
        source="Le, Yang, Tiny ImageNet Visual Recognition Challenge, Stanford CS231N 2015",
        folder="tiny-imagenet-200",
    ),
    Entry(
        name="war_and_peace",
        shape=(100,),
        classes=87,
        train=29_332,
        test=3_249,
        labels=WAR_AND_PEACE,
        licence="public domain",
        source="Karpathy, Johnson, Fei-Fei, arXiv:1506.02078, 2015 (next character); split of Gokmen et al. 2018",
        folder="text",
    ),
    Entry(
        name="tiny_shakespeare",
        shape=(100,),
        classes=65,
        train=10_038,
        test=1_115,
        labels=TINY_SHAKESPEARE,
        licence="public domain",
        source="Karpathy, char-rnn, 2015 (next character)",
        folder="text",
    ),
    *map(_glue, GLUE.values()),
)

_TABLE = {row.name: row for row in _ROWS}

DATASETS: Mapping[str, Entry] = MappingProxyType(_TABLE)
"""Every data set by name, in the order in which they are listed."""


def add(row: Entry) -> None:
    """Put a data set into the table; see :func:`mho.data.register`.

    Raises:
        SpecError: another data set has its name.
    """
    if row.name in _TABLE and _TABLE[row.name] != row:
        raise SpecError(f"the data set name '{row.name}' is taken")
    _TABLE[row.name] = row


def names() -> tuple[str, ...]:
    """The names that :func:`mho.data.load` knows."""
    return tuple(DATASETS)


def entry(name: str) -> Entry:
    """The row of ``name``.

    Raises:
        UnknownNameError: no such data set.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name]


def classes(name: str) -> tuple[str, ...]:
    """The class names of a data set (of a text, its characters), in the order of their indices.

    Raises:
        UnknownNameError: no such data set.
        DataError: its class names are in its folder, not in this table (Tiny-ImageNet: ``words.txt``), or its targets
            are values.
    """
    row = entry(name)
    if name in GLUE and not row.labels:
        raise DataError(f"{name}: its targets are values, not classes")
    if not row.labels:
        raise DataError(f"{name}: its class names are in {row.folder}/words.txt, in the order of wnids.txt")
    return row.labels
