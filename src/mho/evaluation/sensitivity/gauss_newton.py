"""The diagonal of the Gauss-Newton matrix, sampled at the price of ordinary backward passes, or exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from mho.data.dataset import Inputs
from mho.errors import SpecError
from mho.evaluation.forward import call
from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.per_sample import PerSample
from mho.evaluation.sensitivity.replicates import Replicates
from mho.evaluation.sensitivity.task import Task
from mho.rng import Draws

PURPOSE = "gauss-newton probe"

Root = Callable[[Tensor], Tensor]
"""``v -> S v`` for every sample of a batch, with ``S S^T`` the Hessian of its loss in its outputs."""


def run(task: Task) -> Found:
    """``E[g²]`` with ``g = sum_i J_i^T S_i v_i``: one backward pass for random signs v of all samples i of a batch.

    J is the Jacobian of a sample's outputs in the weights and ``S S^T`` the Hessian of its loss in its outputs. The
    signs of different samples and outputs are independent, so that all products of two of them vanish on average, and
    what is left is the diagonal of ``sum_i J_i^T S_i S_i^T J_i``, unbiased. The outputs of a network whose activations
    are linear in pieces are linear in every weight of a layer that is used once: there this is the diagonal of the
    Hessian, the cross terms between the positions of a convolution included, which the recursion drops. Elsewhere the
    term with the curvature of the network is missing [schraudolph2002]. No number is negative. The estimate of one pass
    is off by about as much as it is large; passes (``samples`` a batch) and batches average.

    Raises:
        SpecError: the loss has no known S.
    """
    root_of = _known(task)
    sums, total, samples = Replicates(), 0.0, 0
    for number, inputs, targets in task.batches():
        outputs = task.outputs(inputs)
        with torch.no_grad():
            total += task.checked(task.loss.total(outputs, targets), number)
            root = root_of(outputs.detach(), targets)
        samples += len(targets)
        sums.add(_estimates(task, outputs, root, number))
    errors = sums.errors(samples) if task.samples > 1 else {}
    return Found(task.complete(sums.total), errors, total / samples, sampled=True)


def _estimates(task: Task, outputs: Tensor, root: Root, number: int) -> Iterator[dict[str, Tensor]]:
    weights = list(task.weights.values())
    for probe in range(number * task.samples, (number + 1) * task.samples):
        draws = Draws(task.seed, "", torch.tensor([probe], device=outputs.device), tuple(outputs.shape), outputs.device)
        signs = (draws.bits(PURPOSE)[0] & 1).mul_(2).sub_(1).to(outputs.dtype)
        with torch.no_grad():
            direction = root(signs)
        slopes = torch.autograd.grad(outputs, weights, direction, retain_graph=True, allow_unused=True)
        yield {name: s.square() for name, s in zip(task.weights, slopes, strict=True) if s is not None}


def run_exactly(task: Task) -> Found:
    """``sum_c ((J^T S)_c)²`` sample by sample: a backward pass of each sample for each of its outputs.

    Raises:
        SpecError: the loss has no known S.
    """
    root_of, per_sample = _known(task), PerSample(task)
    sums, total, samples = Replicates(), 0.0, 0
    for number, inputs, targets in task.batches():
        with torch.no_grad():
            outputs = call(task.model, inputs)
            total += task.checked(task.loss.total(outputs, targets), number)
            root = root_of(outputs, targets)
        samples += len(targets)
        sums.add([_columns(per_sample, inputs, outputs, root)])
    return Found(task.complete(sums.total), loss=total / samples)


def _columns(per_sample: PerSample, inputs: Inputs, outputs: Tensor, root: Root) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for k in range(outputs[0].numel()):
        unit = torch.zeros_like(outputs, memory_format=torch.contiguous_format)
        unit.view(len(outputs), -1)[:, k] = 1
        for name, square in per_sample.squares(inputs, root(unit)).items():
            found[name] = found[name].add_(square) if name in found else square
    return found


def _known(task: Task) -> Callable[[Tensor, Tensor], Root]:
    if task.loss.factor is None:
        raise SpecError(
            f"Gauss-Newton takes loss='cross-entropy' or 'mse', not {task.loss.name}; try method='hutchinson'"
        )
    return task.loss.factor


METHOD = Method(
    name="gauss-newton",
    run=run,
    summary="d²loss/dw² without the curvature of the network, sampled; no approximation for ReLU networks",
    power=2,
    samples=4,
    references=("schraudolph2002",),
)
EXACT = Method(
    name="gauss-newton-exact",
    run=run_exactly,
    summary="the same, one backward pass per sample and output",
    power=2,
    references=("schraudolph2002",),
)
