"""Plain training: its step, and what is measured of any network in training."""

from __future__ import annotations

import torch
from torch import Tensor

from mho.data.dataset import Dataset
from mho.training.method import Taught
from mho.training.run import Batch, Run


def plain(batch: Batch) -> Taught:
    """The step of plain training."""
    outputs = batch.forward()
    loss = batch.loss(outputs)
    loss.backward()  # type: ignore[no-untyped-call]
    return Taught(loss, outputs)


def right(outputs: Tensor, targets: Tensor) -> Tensor:
    """How many outputs ``(n, ..., classes)`` name their class; zero of values."""
    if targets.is_floating_point():
        return torch.zeros((), dtype=torch.int64, device=targets.device)
    return (outputs.argmax(dim=-1) == targets).sum()


@torch.no_grad()
def measure(run: Run, data: Dataset) -> tuple[float, float | None]:
    """Loss and, of classifiers, accuracy of the network as it is, without errors, on ``data``."""
    run.model.eval()
    total, correct = 0.0, 0
    for inputs, targets in data.batches(max(run.recipe.batch_size, 512)):
        outputs = run.forward(inputs)
        total += float(run.loss(outputs, targets)) * len(targets)
        correct += int(right(outputs, targets))
    return total / len(data), None if data.targets.is_floating_point() else correct / data.targets.numel()
