"""One pass over the data, in mini-batches."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mho.data.dataset import Dataset, Inputs
from mho.training.augment import crop_flip
from mho.training.recipe import Recipe


def shuffled(
    data: Dataset, recipe: Recipe, draws: torch.Generator, fill: Tensor | None
) -> Iterator[tuple[Inputs, Tensor]]:
    """One epoch of shuffled, augmented batches."""
    order = torch.randperm(len(data), generator=draws).to(data.targets.device)
    for index in order.split(recipe.batch_size):  # type: ignore[no-untyped-call]
        if len(index) == 1 and len(data) > 1 and recipe.batch_size > 1:
            continue  # batch norm cannot train on a last batch of one sample
        batch = data.subset(index)
        inputs = batch.inputs
        if fill is not None and isinstance(inputs, Tensor):
            inputs = crop_flip(inputs, fill, draws)
        if recipe.channels_last and isinstance(inputs, Tensor) and inputs.dim() == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        yield inputs, batch.targets
