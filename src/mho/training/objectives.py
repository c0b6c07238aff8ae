"""What is minimised, where it is not torch's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot


def binary_hinge(outputs: Tensor, targets: Tensor, margin: float) -> Tensor:
    """The modified hinge loss of binarised networks, ``mean_c max(0, b - y_c ŷ_c) / b`` with y = +1 of the true class.

    Args:
        outputs: ``(n, classes)``, ŷ.
        targets: ``(n,)`` class indices.
        margin: b, on the scale of the outputs.

    Returns:
        The mean over samples and classes, a scalar.

    Source: [buschjaeger2021margin]; b = 128 and the form with all classes as [bereholschi2024netdrift] has them.
    """
    wanted = 2 * one_hot(targets, outputs.shape[1]).to(outputs.dtype) - 1
    return torch.relu(margin - wanted * outputs).mean() / margin
