"""One forward pass of one chip, or of many at once, through any module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from mho.data.dataset import Inputs
from mho.errors import ModelError

Weights = Mapping[str, Tensor]


def call(model: nn.Module, inputs: Inputs, weights: Weights | None = None) -> Tensor:
    """Outputs of ``model``; with some of its parameters replaced by ``weights``, the model itself unchanged.

    Mappings of inputs become keyword arguments. Structured outputs are taken by their "logits" (transformers) or "out"
    (segmentation of torchvision), tuples and lists by what comes first. Training and evaluation both come by here.

    Raises:
        ModelError: no tensor of outputs is found.
    """
    args, kwargs = ((inputs,), {}) if isinstance(inputs, Tensor) else ((), dict(inputs))
    if not weights:
        return _logits(model(*args, **kwargs))
    # No tensor is shared between stored layers; asked to look for such, torch would swap a layer that is registered
    # twice two times and put its own replacement back the second time.
    return _logits(functional_call(model, dict(weights), args, kwargs, tie_weights=False))


def _logits(out: Any) -> Tensor:
    if isinstance(out, Tensor):
        return out
    for name in ("logits", "out"):
        value = out.get(name) if isinstance(out, Mapping) else getattr(out, name, None)
        if isinstance(value, Tensor):
            return value
    if isinstance(out, tuple | list) and out and isinstance(out[0], Tensor):
        return out[0]
    raise ModelError(
        f"the model returns a {type(out).__name__} without a tensor of logits; wrap it in a module that does"
    )


def batched(model: nn.Module) -> Callable[[Weights, Inputs], Tensor]:
    """``(weights with a leading chip dimension, inputs) -> (chips, n, ...)`` in one vmapped call."""

    def one(weights: Weights, inputs: Inputs) -> Tensor:
        return call(model, inputs, weights)

    # Any draw inside the model would be shared or not by accident; evaluation mode has none.
    return vmap(one, in_dims=(0, None), randomness="error")


def looped(model: nn.Module) -> Callable[[Weights, Inputs], Tensor]:
    """The same, chip by chip."""

    def every(weights: Weights, inputs: Inputs) -> Tensor:
        chips = len(next(iter(weights.values())))
        outputs = [call(model, inputs, {n: w[i] for n, w in weights.items()}) for i in range(chips)]
        return torch.stack(outputs)

    return every


def each_its_own(model: nn.Module, *, vmapped: bool) -> Callable[[Weights, Inputs, int], Tensor]:
    """``(weights, inputs (chips * m, ...), chips) -> (chips, m, ...)``, where every chip has inputs of its own."""

    def every(weights: Weights, inputs: Inputs, chips: int) -> Tensor:
        own = _apart(inputs, chips)
        outputs = [call(model, _row(own, i), {n: w[i] for n, w in weights.items()}) for i in range(chips)]
        return torch.stack(outputs)

    def one(weights: Weights, inputs: Inputs) -> Tensor:
        return call(model, inputs, weights)

    def at_once(weights: Weights, inputs: Inputs, chips: int) -> Tensor:
        return vmap(one, in_dims=(0, 0), randomness="error")(weights, _apart(inputs, chips))

    return at_once if vmapped else every


def _apart(inputs: Inputs, chips: int) -> Inputs:
    """``(chips * m, ...)`` as ``(chips, m, ...)``, in the memory layout that it has."""
    if isinstance(inputs, Tensor):
        return inputs.view(chips, -1, *inputs.shape[1:])
    return {k: v.view(chips, -1, *v.shape[1:]) for k, v in inputs.items()}


def _row(inputs: Inputs, i: int) -> Inputs:
    return inputs[i] if isinstance(inputs, Tensor) else {k: v[i] for k, v in inputs.items()}


def single(model: nn.Module) -> Callable[[Weights, Inputs], Tensor]:
    """The model as it is, as a population of one."""
    return lambda weights, inputs: call(model, inputs)[None]


def vmap_works(model: nn.Module, weights: Weights, inputs: Inputs) -> bool:
    """Whether vmap has a rule for everything in ``model``; tried on two chips and one sample."""
    import warnings

    two = {n: w[:1].expand(2, *w.shape[1:]).contiguous() for n, w in weights.items()}
    with warnings.catch_warnings():
        # torch announces a missing batching rule by a warning and then loops, slower than a plain loop.
        warnings.filterwarnings("error", message=".*performance drop.*")
        try:
            batched(model)(two, inputs)
        except (RuntimeError, UserWarning, ValueError, NotImplementedError):
            return False
    return True
