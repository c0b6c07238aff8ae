"""Squared gradients, sample by sample: the diagonal of the empirical Fisher matrix."""

from __future__ import annotations

import torch

from mho.evaluation.forward import call
from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.per_sample import PerSample
from mho.evaluation.sensitivity.replicates import Replicates
from mho.evaluation.sensitivity.task import Task


def run(task: Task) -> Found:
    """Mean over samples of ``(dloss/dw)²``, with the labels of the data (hence *empirical* [kunstner2019]).

    The square is taken of each sample's own gradient: that of a batch's mean gradient would be smaller, by about the
    batch size where the mean gradient is small.
    """
    sums, per_sample = Replicates(), PerSample(task)
    total, samples = 0.0, 0
    for number, inputs, targets in task.batches():
        with torch.no_grad():
            outputs = call(task.model, inputs)
            total += task.checked(task.loss.total(outputs, targets), number)
            _, slopes = task.loss.curvature(outputs, targets)
        samples += len(targets)
        sums.add([per_sample.squares(inputs, slopes)])
    return Found(task.complete(sums.total), loss=total / samples)


METHOD = Method(
    name="fisher",
    run=run,
    summary="mean over samples of (dloss/dw)²",
    power=2,
    references=("kunstner2019",),
)
