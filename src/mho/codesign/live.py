"""A network and data in memory, under names that studies know: made of their content, so that a store knows them too.

They are known in this process alone, until it ends.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mho.data import Dataset
from mho.data.catalog import DATASETS
from mho.data.loading import register as register_data
from mho.errors import DataError, ModelError
from mho.files import write_bytes
from mho.studies.cells import data_digest, digest, network_key
from mho.studies.sources import HELD_OUT, Checkpoint, Data
from mho.zoo.catalog import ARCHITECTURES
from mho.zoo.catalog import register as register_network

if TYPE_CHECKING:
    from torch import nn

LIVE = "live_"
"""How names of what is in memory begin."""
_MAKERS: dict[str, Callable[[], nn.Module]] = {}


def __getattr__(name: str) -> Any:
    if name not in _MAKERS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return _MAKERS[name]  # where the table of architectures looks for them


def data_of(test: Dataset, train: Dataset) -> tuple[Data, Data]:
    """Names of a test set and its training data.

    Raises:
        DataError: they are the same samples.
    """
    digests = [data_digest(test), data_digest(train)]
    if digests[0] == digests[1]:
        raise DataError(f"{test.name}: these are the samples of the training data, too; a claim on them proves nothing")
    name = f"{LIVE}{digest(digests)[:12]}"
    if name not in DATASETS:
        shape = tuple(getattr(test.inputs, "shape", (0,))[1:])

        @register_data(name, shape=shape, classes=test.classes or 0, train=len(train), test=len(test))
        def load(*, split: str = "test", root: object = None, limit: int | None = None) -> Dataset:
            found = test if split == "test" else train
            return found if limit is None else spread(found, limit)

    return Data(name=name), Data(name=name, split="train")


def spread(data: Dataset, limit: int) -> Dataset:
    """About ``limit`` samples from all over ``data``, which may be sorted: runs of as many as one is held out of, so
    that parts stay parts."""
    runs = max(1, len(data) // HELD_OUT)
    step = max(1, runs // max(1, limit // HELD_OUT))
    index = torch.arange(len(data))
    return data.subset(index[(index // HELD_OUT) % step == 0]).take(limit)


def network_of(model: nn.Module, folder: Path) -> tuple[str, Checkpoint]:
    """The name that ``model`` is built under, with the weights it has, and a file of it in ``folder``.

    Raises:
        ModelError: it cannot be copied.
    """
    from mho.zoo import build, pack

    name = f"{LIVE}{digest([_code(model), network_key(model)])[:12]}"
    if name not in ARCHITECTURES:
        try:
            kept = copy.deepcopy(model).cpu().eval()
        except Exception as error:  # whatever the user's module raises
            raise ModelError(f"{type(model).__name__} cannot be copied, so it cannot be kept: {error}") from None

        def make() -> nn.Module:
            return copy.deepcopy(kept)

        make.__qualname__ = make.__name__ = name
        _MAKERS[name] = register_network(name, description="a network in memory")(make)
    path = folder.resolve() / f"{name}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, pack(build(name)))
    return name, Checkpoint(path=str(path))


def _code(model: nn.Module) -> str:
    """What a network is besides its weights, as far as can be seen."""
    try:
        source = inspect.getsource(type(model))
    except (OSError, TypeError):
        source = ""
    return f"{type(model).__module__}.{type(model).__qualname__}\n{model}\n{source}"
