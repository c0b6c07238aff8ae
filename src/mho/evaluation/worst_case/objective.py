"""What one perturbation does on the data searched, and which way is worse: one forward and one backward pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mho.data.dataset import Inputs
from mho.errors import ModelError
from mho.evaluation.bench import Bench
from mho.evaluation.forward import call
from mho.evaluation.worst_case.losses import Loss, margins


class Look(NamedTuple):
    """What a perturbation does: the metric, and the mean loss."""

    value: float
    loss: float


class Objective:
    """A network on the data searched, as a function of the errors of its weights.

    All weights are views of one vector, their gradients of another: a step is a few operations whatever the number of
    layers, no buffer is allocated twice, and the model runs as any model does, without ``functional_call``.

    Args:
        bench: chips that are the centre of the box, the data and the metric.
        reach: error of every stored weight at a bound of one.
        higher_is_better: of the metric.

    Attributes:
        gradient: ``(n,)`` of the last loss with respect to the perturbation.
        passes: forward and backward passes so far.
    """

    def __init__(self, bench: Bench, reach: Mapping[str, Tensor], *, higher_is_better: bool) -> None:
        self.bench, self.higher_is_better = bench, higher_is_better
        self.passes = 0
        # A backward pass keeps the activations: half as many images stay in cache.
        self.images = bench.batch_size or max(16, bench.lot(None, 0.0, 1).plan.images // 2)
        self.model = copy.deepcopy(bench.chips.model)
        parameters = {name: self.model.get_parameter(name) for name in reach}
        self.sizes = {name: p.numel() for name, p in parameters.items()}
        with torch.no_grad():
            self._centre = torch.cat([p.reshape(-1) for p in parameters.values()])
            self.reach = torch.cat([reach[n].expand_as(p).reshape(-1) for n, p in parameters.items()])
            self._weights, self.gradient = self._centre.clone(), torch.zeros_like(self._centre)
        for name, weight, gradient in zip(reach, self._split(self._weights), self._split(self.gradient), strict=True):
            owner, _, leaf = name.rpartition(".")
            shape = parameters[name].shape
            moving = nn.Parameter(weight.view(shape))
            moving.grad = gradient.view(shape)
            setattr(self.model.get_submodule(owner), leaf, moving)

    @property
    def n(self) -> int:
        """Weights that may be off."""
        return len(self._centre)

    @property
    def batches(self) -> int:
        """Batches of one pass."""
        return -(-len(self.bench.data) // self.images)

    def zeros(self) -> Tensor:
        """No error at all."""
        return torch.zeros_like(self._centre)

    def by_name(self, delta: Tensor) -> dict[str, Tensor]:
        """``delta`` as tensors of the shapes of the weights."""
        shapes = [self.model.get_parameter(name).shape for name in self.sizes]
        parts = self._split(delta)
        return {name: p.view(shape) for name, p, shape in zip(self.sizes, parts, shapes, strict=True)}

    def _split(self, flat: Tensor) -> tuple[Tensor, ...]:
        parts: tuple[Tensor, ...] = flat.split(list(self.sizes.values()))  # type: ignore[no-untyped-call]
        return parts

    def look(self, delta: Tensor, loss: Loss, progress: float | None, each: Callable[[], None] | None = None) -> Look:
        """What ``delta`` does; :attr:`gradient` says which way is worse.

        Args:
            delta: ``(n,)`` errors over their reach.
            loss: what is differentiated.
            progress: how far the search has come, 0 to 1; ``None`` for the loss as it is.
            each: called after every batch with the gradient of that batch alone, and may change ``delta``; metric and
                loss are then those of a perturbation on the move.

        Raises:
            ModelError: the loss or the metric is not a number.
        """
        metric, count = self.bench.metric, loss.count(self.bench.data)
        parts, total = [], torch.zeros((), dtype=torch.float64, device=delta.device)
        self._load(delta)
        self.gradient.zero_()
        with self.differentiable():
            for inputs, targets in self._batches():
                outputs = call(self.model, inputs)
                value = loss.total(outputs, targets, progress) / count
                value.backward()  # type: ignore[no-untyped-call]
                with torch.no_grad():
                    total += value.detach()
                    parts.append(metric.batch(outputs.detach()[None], targets))
                    if each is not None:
                        self.gradient.mul_(self.reach)
                        each()
                        self._load(delta)
                        self.gradient.zero_()
        self.passes += 1
        self.gradient.mul_(self.reach)
        said = Look(float(metric.finish(parts)[0]), float(total))
        for name, number in ((f"loss {loss.name}", said.loss), (metric.name, said.value)):
            if number != number:
                raise ModelError(
                    f"{name} became NaN during the search: some outputs of the network are NaN or infinite"
                )
        return said

    def measure(self, delta: Tensor) -> float:
        """The metric at ``delta``; no gradient."""
        self._load(delta)
        with torch.no_grad():
            parts = [self.bench.metric.batch(call(self.model, x)[None], y) for x, y in self._batches()]
            return float(self.bench.metric.finish(parts)[0])

    def outputs(self, delta: Tensor) -> Tensor:
        """Outputs on the first batch, differentiable."""
        self._load(delta)
        inputs, _ = next(self._batches())
        with self.differentiable():
            return call(self.model, inputs)

    @cached_property
    def margin(self) -> float:
        """Mean distance between a label and the best other class at the centre, in logits; one where it is zero."""
        self._load(self.zeros())
        with torch.no_grad():
            found = torch.cat([margins(call(self.model, x), y) for x, y in self._batches()]).abs().double().mean()
        return float(found) if 0 < float(found) < torch.inf else 1.0

    def as_bad(self, value: float, other: float) -> bool:
        """Whether ``value`` is as bad as ``other``, or worse."""
        return value <= other if self.higher_is_better else value >= other

    def bottomed(self, value: float) -> bool:
        """Whether nothing can be worse than ``value``: not one sample is right."""
        return self.bench.metric.hits is not None and self.higher_is_better and value == 0.0

    def _load(self, delta: Tensor) -> None:
        with torch.no_grad():
            torch.addcmul(self._centre, self.reach, delta, out=self._weights)

    def _batches(self) -> Iterator[tuple[Inputs, Tensor]]:
        return self.bench.data.batches(self.images)

    @staticmethod
    def _recurrent(model: nn.Module) -> bool:
        return any(isinstance(m, nn.RNNBase) for m in model.modules())

    def differentiable(self) -> AbstractContextManager[Any]:
        """A context in which recurrent layers on CUDA have a gradient: cuDNN's have none in evaluation mode."""
        if self.bench.where.type == "cuda" and self._recurrent(self.model):
            return torch.backends.cudnn.flags(enabled=False)
        return nullcontext()
