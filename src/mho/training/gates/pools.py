"""What a network does with its linear layers, found by running it once: the order of calls, inputs in common."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset, Inputs
from mho.errors import ModelError
from mho.training.fit import apply
from mho.training.gates.layers import linear_layers


def pools(model: nn.Module, data: Any) -> tuple[tuple[str, ...], ...]:
    """Linear layers that receive the very same tensor, such as query, key and value of self-attention.

    Their matrices can stand side by side on the same word lines, so a pruned column of one has room for a duplicate of
    another: what counts is the sparsity of the pool. Give the result to ``Voting(pools=...)`` and ``Gates(pools=...)``.

    Args:
        model: the network, which does not change.
        data: inputs ``(n, ...)``, a mapping of such, or a data set; two samples are used.

    Returns:
        Names, a tuple for every pool of two or more layers, in the order of calls.
    """
    from mho.data.adapters import as_dataset

    inputs: Inputs
    if isinstance(data, Tensor):
        inputs = data[:2]
    elif isinstance(data, Mapping):
        inputs = {key: value[:2] for key, value in data.items()}
    else:
        inputs = as_dataset(data).take(2).inputs
    seen = run_once(model, inputs)
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, tensor, version in seen:
        # The inputs are all held, so no two of them had the same memory by turns.
        key = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), version, tensor.numel() or name)
        groups.setdefault(key, []).append(name)
    found = [tuple(dict.fromkeys(names)) for names in groups.values()]
    return tuple(names for names in found if len(names) > 1)


def called(model: nn.Module, data: Dataset) -> list[str]:
    """Linear layers in the order in which ``model`` first calls them."""
    return list(dict.fromkeys(name for name, _, _ in run_once(model, data.take(2).inputs)))


def run_once(model: nn.Module, inputs: Inputs) -> list[tuple[str, Tensor, int]]:
    """Every call of a linear layer: its name, its input and how often that had been written to."""
    model = copy.deepcopy(model).eval()
    where = next((p.device for p in model.parameters()), torch.device("cpu"))
    seen: list[tuple[str, Tensor, int]] = []
    for name, layer in linear_layers(model):

        def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str = name) -> None:
            tensor = args[0] if args else next(iter(kwargs.values()))
            seen.append((name, tensor, tensor._version))

        layer.register_forward_pre_hook(note, with_kwargs=True)
    moved = inputs.to(where) if isinstance(inputs, Tensor) else {k: v.to(where) for k, v in inputs.items()}
    try:
        with torch.no_grad():
            apply(model, moved)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{type(model).__name__} does not take these inputs: {reason}") from None
    return seen
