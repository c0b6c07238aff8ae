"""The 8x8 handwritten digits that come with scikit-learn: real data without a download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from mho.data.dataset import Dataset
from mho.data.images import Split, check_request
from mho.errors import SpecError

_EVERY = 5


def digits(
    *, root: str | Path | None = None, split: Split = "test", limit: int | None = None, size: int = 28
) -> Dataset:
    """Handwritten digits: ``(N, 1, size, size)`` in [0, 1], 10 classes; 1,442 training and 355 test images.

    Every fifth image of each class is a test image: the split is fixed and stratified, with nothing random.

    Args:
        root: not used (the data comes with scikit-learn); here so that all loaders take the same arguments.
        split: "train" or "test".
        limit: keep only the first so many images.
        size: height and width in pixels; the 8x8 originals are enlarged bilinearly.

    Raises:
        SpecError: ``size`` or ``limit`` is out of range.

    Source: Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI 1998.
    """
    check_request(split, limit)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise SpecError(f"digits: size={size!r} must be a positive integer")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = np.asarray(bunch.target)
    test = np.zeros(len(labels), bool)
    for label in range(10):
        test[np.flatnonzero(labels == label)[_EVERY - 1 :: _EVERY]] = True
    chosen = np.flatnonzero(test if split == "test" else ~test)[:limit]
    inputs = torch.from_numpy(np.asarray(bunch.images)[chosen]).to(torch.float32)[:, None] / 16
    if size != 8:
        inputs = interpolate(inputs, size=(size, size), mode="bilinear", align_corners=False)
    return Dataset(inputs=inputs, targets=torch.from_numpy(labels[chosen]).long(), classes=10, name="digits")
