"""The diagonal of the Hessian in one forward and one backward pass: the measure of SWIM [yan2022swim]."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch
from torch import Tensor

from mho.evaluation.sensitivity import gauss_newton, hutchinson
from mho.evaluation.sensitivity.graph import NoRule, Squares, propagate
from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.task import Task


def run(task: Task) -> Found:
    """``h = d²loss/dw²`` of every weight by the recursion of :mod:`~mho.evaluation.sensitivity.graph`.

    Exact for the last layer and wherever the units of a layer do not curve the loss together; elsewhere the terms
    between different units are dropped, in a convolution also those between positions. A weight that is used several
    times (convolution, recurrence, a shared layer) gets the sum over its uses. Where an operation has no rule, the
    diagonal is sampled instead (Gauss-Newton, or Hutchinson for a user's loss), and the note names the operation.
    """
    try:
        return _recursion(task)
    except NoRule as missing:
        instead = gauss_newton.METHOD if task.loss.factor is not None else hutchinson.METHOD
        probes = task.samples or instead.samples
        note = (
            f"no rule for {missing}: method '{instead.name}' with {probes} random probes a batch instead "
            "(mho.evaluation.sensitivity.rule adds a rule)"
        )
    warnings.warn(note, stacklevel=3)
    return replace(instead.run(replace(task, samples=probes)), method=instead.name, note=note)


def _recursion(task: Task) -> Found:
    square = Squares(task.model.parameters())
    sums: dict[str, Tensor] = {}
    total = 0.0
    for number, inputs, targets in task.batches():
        outputs = task.outputs(inputs)
        detached = outputs.detach()
        with torch.no_grad():
            total += task.checked(task.loss.total(detached, targets), number)
            h, g = task.loss.curvature(detached, targets)
        found = propagate(outputs, h, g, list(task.weights.values()), square)
        for name, value in zip(task.weights, found, strict=True):
            if value is not None:
                sums[name] = sums[name].add_(value) if name in sums else value.clone()
    assert task.data is not None
    return Found(task.complete(sums), loss=total / len(task.data))


METHOD = Method(
    name="second-derivative",
    run=run,
    summary="d²loss/dw², one forward and one backward pass",
    power=2,
    references=("yan2022swim", "lecun1990obd", "becker1989"),
)
