"""Going back to a moment of a run, so that a forward pass can be repeated as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mho.errors import ModelError
from mho.training.setup import generators, set_generators

if TYPE_CHECKING:
    from mho.training.run import Batch


class Moment:
    """What a forward pass depends on besides inputs and weights, as it is now.

    These are the states of the global generators, from which dropout draws, and the model's buffers, such as running
    statistics: a pass repeated from the same moment drops the same and gathers the same.
    """

    def __init__(self, batch: Batch) -> None:
        self._model, self._place = batch.run.model, batch.targets.device
        self._buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        self._generators = generators(self._place)

    @torch.no_grad()
    def back(self) -> None:
        """Make everything as it was."""
        for name, buffer in self._buffers.items():
            self._model.get_buffer(name).copy_(buffer)
        set_generators(self._place, self._generators)


def check_same(first: Tensor, again: Tensor, remedy: str) -> None:
    """Raise unless a repeated pass gave the outputs ``(n, ...)`` that it gave first, but for rounding.

    Raises:
        ModelError: they differ by more than a hundredth of the largest.
    """
    # GPUs may add in another order; another dropout mask changes outputs far more than that.
    if float((again - first).abs().max()) > 0.01 * float(first.abs().max()):
        raise ModelError(
            "the model gives other outputs when a forward pass is repeated with torch's generators and its buffers "
            f"as they were, so something else in it is random or counts calls: {remedy}"
        )
