"""What every image loader ends with: pixels in 0..255 become a normalised float data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mho.data.catalog import DATASETS
from mho.data.dataset import Dataset
from mho.errors import DataError, SpecError, nearest, unknown

Split = Literal["train", "test"]
Normalize = str | tuple[Sequence[float], Sequence[float]]

NORMALIZATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]] | None] = {
    "unit": None,  # plain [0, 1]
    "half": ((0.5,), (0.5,)),  # [-1, 1]: the MNIST of the NeFT code
    "cifar": ((0.491, 0.482, 0.446), (0.247, 0.243, 0.261)),  # the CIFAR of the NeFT code
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # the published CIFAR ResNets; Tiny-ImageNet
}
"""Named ``(mean, std)`` per channel, applied to pixels in [0, 1]."""


def check_request(split: str, limit: int | None) -> None:
    """Raise unless ``split`` is "train" or "test" and ``limit`` is ``None`` or a positive integer."""
    if split not in ("train", "test"):
        raise unknown("split", str(split), ("train", "test"))
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise SpecError(f"limit={limit!r} must be a positive integer (or None for all samples)")


def assemble(
    pixels: np.ndarray, labels: np.ndarray, *, name: str, normalize: Normalize, classes: int | None = None
) -> Dataset:
    """A :class:`Dataset` from bytes.

    Args:
        pixels: ``(N, C, H, W)`` uint8.
        labels: ``(N,)`` integers.
        name: row of the catalog that gives the number of classes.
        normalize: a name in :data:`NORMALIZATIONS`, or ``(mean, std)`` of one value a channel or one in all.
        classes: number of classes where it is not the catalog's.

    Raises:
        UnknownNameError: no such normalisation.
        SpecError: mean and std do not match the channels, or a std is not positive.
    """
    channels = pixels.shape[1]
    scale = _constants(normalize, channels)
    inputs = torch.from_numpy(np.array(pixels, np.float32, order="C")).div_(255)
    if scale is not None:  # in place: CIFAR's training set is 600 MB of floats
        inputs.sub_(scale[0]).div_(scale[1])
    targets = torch.from_numpy(labels.astype(np.int64))
    return Dataset(inputs=inputs, targets=targets, classes=classes or DATASETS[name].classes, name=name)


def _constants(normalize: Normalize, channels: int) -> tuple[Tensor, Tensor] | None:
    if isinstance(normalize, str):
        if normalize not in NORMALIZATIONS:
            raise unknown("normalize", normalize, NORMALIZATIONS)
        values: tuple[Sequence[float], Sequence[float]] | None = NORMALIZATIONS[normalize]
        if values is None:
            return None
    else:
        values = normalize
    try:
        mean, std = (torch.tensor(v, dtype=torch.float32).flatten() for v in values)
    except (TypeError, ValueError):
        hint = nearest("", NORMALIZATIONS)
        raise SpecError(f"normalize={normalize!r} must be a name or (mean, std); {hint}") from None
    if {len(mean), len(std)} - {1, channels}:
        raise SpecError(f"normalize={normalize!r} must give 1 or {channels} values for mean and std")
    if not bool((std > 0).all()) or not bool(torch.isfinite(torch.cat([mean, std])).all()):
        raise SpecError(f"normalize={normalize!r}: values must be finite and std positive")
    return mean.view(-1, 1, 1), std.view(-1, 1, 1)


def read_error(path: object, reason: object) -> DataError:
    """The error for a data file that is corrupt or truncated, ready to raise."""
    return DataError(f"{path} is corrupt or truncated ({reason}): delete it and get it again")
