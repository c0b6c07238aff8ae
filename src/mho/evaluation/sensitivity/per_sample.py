"""Squared products with each sample's own Jacobian: what Fisher and Gauss-Newton diagonals are sums of."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.func import grad, vmap

from mho.data.dataset import Inputs
from mho.evaluation.forward import call
from mho.evaluation.sensitivity.task import Task

AT_ONCE = 2**26
"""Bytes of gradients that are held at once."""
WORTH_IT = 4
"""Samples at once from which vmap is faster than a loop (one thread of an Intel Xeon, LeNet to ResNet-18)."""


class PerSample:
    """``sum_i (J_i^T u_i)²`` over the samples i of a batch, J_i the Jacobian of i's outputs in the weights.

    Args:
        task: network and weights; whether vmap has a rule for all of it is tried once, on the first two samples.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        size = sum(w.numel() * w.element_size() for w in task.weights.values())
        self._rows = min(task.batch_size, AT_ONCE // size)
        self._reached: frozenset[str] | None = None

    def squares(self, inputs: Inputs, directions: Tensor) -> dict[str, Tensor]:
        """The sum for the samples ``inputs``, of the weights that they reach.

        Args:
            inputs: n samples.
            directions: u, ``(n, *outputs)``.
        """
        if self._reached is None:
            # vmap's gradient of a weight that is not used is zero, not missing; such a weight is refused.
            self._reached = frozenset(self._one(_rows(inputs, slice(1)), directions[:1]))
            if self._rows < WORTH_IT or not self._vmap_works(inputs, directions):
                self._rows = 1
        out: dict[str, Tensor] = {}
        for start in range(0, len(directions), self._rows):
            part = slice(start, start + self._rows)
            found = (self._one if self._rows == 1 else self._many)(_rows(inputs, part), directions[part])
            for name, square in found.items():
                out[name] = out[name].add_(square) if name in out else square
        return out if self._rows == 1 else {name: v for name, v in out.items() if name in self._reached}

    def _one(self, inputs: Inputs, directions: Tensor) -> dict[str, Tensor]:
        weights = self.task.weights
        outputs = self.task.outputs(inputs)
        slopes = torch.autograd.grad(outputs, list(weights.values()), directions, allow_unused=True)
        return {name: s.square() for name, s in zip(weights, slopes, strict=True) if s is not None}

    def _many(self, inputs: Inputs, directions: Tensor) -> dict[str, Tensor]:
        def along(weights: Mapping[str, Tensor], inputs: Inputs, direction: Tensor) -> Tensor:
            alone = inputs[None] if isinstance(inputs, Tensor) else {k: v[None] for k, v in inputs.items()}
            return (call(self.task.model, alone, weights)[0] * direction).sum()

        each: Callable[..., Mapping[str, Tensor]] = vmap(grad(along), in_dims=(None, 0, 0), randomness="error")
        weights = {name: w.detach() for name, w in self.task.weights.items()}
        return {name: slope.square_().sum(0) for name, slope in each(weights, inputs, directions).items()}

    def _vmap_works(self, inputs: Inputs, directions: Tensor) -> bool:
        with warnings.catch_warnings():
            # torch announces a missing batching rule by a warning and then loops, slower than a plain loop.
            warnings.filterwarnings("error", message=".*performance drop.*")
            try:
                self._many(_rows(inputs, slice(2)), directions[:2])
            except (RuntimeError, UserWarning, ValueError, NotImplementedError, TypeError, IndexError):
                return False
        return True


def _rows(inputs: Inputs, part: slice) -> Inputs:
    return inputs[part] if isinstance(inputs, Tensor) else {k: v[part] for k, v in inputs.items()}
