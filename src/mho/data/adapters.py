"""Whatever a user has (tensors, arrays, a torch data set or loader) becomes a :class:`Dataset`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate
from torch.utils.data import Dataset as TorchDataset

from mho.data.dataset import Dataset, Inputs
from mho.errors import DataError


def as_dataset(data: Any, *, classes: int | None = None, name: str | None = None) -> Dataset:
    """``data`` as one :class:`Dataset` in memory, checked.

    Args:
        data: a :class:`Dataset`; an ``(inputs, targets)`` pair of tensors or arrays (inputs may be a mapping
            of them); a ``torch.utils.data.Dataset`` of such pairs; or a ``DataLoader`` of batches of them.
        classes: number of classes, where ``data`` is not a :class:`Dataset` that says it.
        name: what reports call it, where ``data`` is not a :class:`Dataset` that says it.

    Raises:
        DataError: another type, lengths that differ, values not finite, inputs in bytes, an empty set.
    """
    if isinstance(data, Dataset):
        return check(data)
    if isinstance(data, tuple | list) and len(data) == 2:
        inputs, targets = data
    elif isinstance(data, DataLoader):
        inputs, targets = _joined(_pair(batch) for batch in data)
    elif isinstance(data, TorchDataset):
        inputs, targets = _stacked(data)
    else:
        raise DataError(
            f"data is a {type(data).__name__}; it takes a mho Dataset, (inputs, targets), a torch Dataset "
            f"or a DataLoader"
        )
    label = name or "data"
    return check(Dataset(inputs=_inputs(inputs, label), targets=_targets(targets, label), classes=classes, name=label))


def check(data: Dataset) -> Dataset:
    """``data`` itself, if all its values are finite.

    Raises:
        DataError: a value is NaN or infinite; names the first such sample.
    """
    parts = {"inputs": data.inputs} if isinstance(data.inputs, Tensor) else dict(data.inputs)
    for key, value in {**parts, "targets": data.targets}.items():
        if not value.is_floating_point():
            continue
        bad = ~torch.isfinite(value).reshape(len(value), -1).all(dim=1)
        if bool(bad.any()):
            first = int(bad.nonzero()[0])
            raise DataError(
                f"{data.name}: {int(bad.sum())} of {len(data)} samples have NaN or infinite {key}, first sample {first}"
            )
    return data


def _inputs(inputs: Any, name: str) -> Inputs:
    if isinstance(inputs, Mapping):
        return {str(key): _floats(value, f"{name}: inputs '{key}'") for key, value in inputs.items()}
    return _floats(inputs, f"{name}: inputs")


def _floats(value: Any, what: str) -> Tensor:
    tensor = _tensor(value, what)
    if tensor.dtype == torch.uint8:
        raise DataError(f"{what} are bytes: scale them as the model was trained, such as x.float() / 255")
    return tensor.float() if tensor.is_floating_point() else tensor


def _targets(value: Any, name: str) -> Tensor:
    tensor = _tensor(value, f"{name}: targets")
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def _tensor(value: Any, what: str) -> Tensor:
    try:
        tensor = value.detach() if isinstance(value, Tensor) else torch.as_tensor(np.asarray(value))
    except (TypeError, ValueError):
        raise DataError(f"{what} are a {type(value).__name__} that is no array of numbers") from None
    if tensor.dim() == 0:
        raise DataError(f"{what} are a single number; the first axis is the samples")
    return tensor


def _pair(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(f"a sample or batch must be (inputs, target); got a {type(item).__name__}")
    return item[0], item[1]


def _stacked(data: TorchDataset[Any]) -> tuple[Any, Any]:
    if not isinstance(data, Sized):
        raise DataError(f"data is a {type(data).__name__} without a length: give a DataLoader of it")
    samples = [_pair(data[i]) for i in range(len(data))]
    if not samples:
        raise DataError(f"data is an empty {type(data).__name__}")
    try:
        return default_collate([x for x, _ in samples]), default_collate([y for _, y in samples])
    except (TypeError, RuntimeError) as error:
        raise DataError(f"the samples of {type(data).__name__} do not stack: {_line(error)}") from None


def _joined(batches: Iterable[tuple[Any, Any]]) -> tuple[Any, Any]:
    pairs = list(batches)
    if not pairs:
        raise DataError("the DataLoader gave no batch")
    try:
        first = pairs[0][0]
        if isinstance(first, Mapping):
            inputs: Any = {key: torch.cat([x[key] for x, _ in pairs]) for key in first}
        else:
            inputs = torch.cat([x for x, _ in pairs])
        return inputs, torch.cat([y for _, y in pairs])
    except (TypeError, RuntimeError, KeyError) as error:
        raise DataError(f"the batches of the DataLoader do not join: {_line(error)}") from None


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
