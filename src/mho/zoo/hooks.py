"""What mho hangs on networks of another library: less padding in, one value out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def cut_padding(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Leave out the positions at the end at which no text of a batch has a token; a forward pre-hook.

    ``attention_mask`` ``(n, length)`` says where; what else has its shape is cut with it.
    """
    mask = kwargs.get("attention_mask")
    if not isinstance(mask, Tensor) or mask.dim() != 2 or torch.compiler.is_compiling() or _without_values(mask):
        return args, kwargs
    places = mask.any(0).nonzero()
    if not len(places):
        return args, kwargs
    used, shape = int(places[-1]) + 1, mask.shape
    return args, {
        key: value[:, :used] if isinstance(value, Tensor) and value.shape == shape else value
        for key, value in kwargs.items()
    }


def one_value(_: nn.Module, args: Any, output: Any) -> Any:
    """Logits ``(n, 1)`` as values ``(n,)``; a forward hook."""
    output.logits = output.logits.squeeze(-1)
    return output


def _without_values(mask: Tensor) -> bool:
    """Whether ``vmap`` runs over ``mask``: then there is nothing to look at."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(mask))
