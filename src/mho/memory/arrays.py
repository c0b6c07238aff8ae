"""Layers whose outputs are decided where they are read: what is added to a product that no weights can give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mho.errors import ModelError
from mho.kernels.votes import add_votes, unpack

VOTES = "mho_votes"
"""Name of the buffer that holds what is voted on; see :mod:`mho.kernels.votes`."""

Rule = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]
"""``(layer, inputs, outputs without the votes, packed votes) -> outputs``."""

_RULES: dict[str, Rule] = {}
_REMEDY = (
    "keep it digital (a rule with None), give it a memory without Voting, or add a rule with mho.memory.arrays.register"
)


def register(kind: type[nn.Module] | str) -> Callable[[Rule], Rule]:
    """Let the outputs of another kind of layer be voted on.

    Args:
        kind: the class, or its qualified name (``"package.module.Class"``) so that nothing need be imported.
            Subclasses follow their nearest registered base class.
    """

    def keep(rule: Rule) -> Rule:
        _RULES[kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"] = rule
        return rule

    return keep


def rule_for(module: nn.Module) -> Rule | None:
    """The rule of the nearest registered base class."""
    names = (f"{c.__module__}.{c.__qualname__}" for c in type(module).__mro__)
    return next((_RULES[name] for name in names if name in _RULES), None)


def vote_at(name: str, model: nn.Module, module: nn.Module) -> None:
    """Let ``module``, whose weight is called ``name``, add up votes: those in its buffer, none until a chip has some.

    Raises:
        ModelError: this kind of layer has no rule, computes in a way of its own, or is read without being called.
    """
    if rule_for(module) is None:
        known = ", ".join(sorted(kind.rpartition(".")[2] for kind in _RULES))
        raise ModelError(
            f"{name}: outputs of a {type(module).__name__} cannot be voted on (only those of {known}); {_REMEDY}"
        )
    base = next(c for c in type(module).__mro__ if f"{c.__module__}.{c.__qualname__}" in _RULES)
    if getattr(type(module), "forward", None) is not getattr(base, "forward", None):
        raise ModelError(
            f"{name}: {type(module).__name__} has a forward of its own, so what is voted on is not known; {_REMEDY}"
        )
    for prefix, parent in model.named_modules():
        if isinstance(parent, nn.MultiheadAttention) and parent.out_proj is module:
            raise ModelError(f"{name}: {prefix or 'MultiheadAttention'} reads it without calling it; {_REMEDY}")
    if VOTES not in module._buffers:
        module.register_buffer(VOTES, torch.zeros(0, dtype=torch.int32), persistent=False)
        # First: hooks of the network's own see outputs on which votes have been taken.
        module.register_forward_hook(_vote, prepend=True, with_kwargs=True)


def voting(model: nn.Module) -> dict[str, nn.Module]:
    """The layers of ``model`` whose outputs are voted on, by name."""
    return {name: module for name, module in model.named_modules() if VOTES in module._buffers}


def refuse_voting(model: nn.Module) -> None:
    """Raise if ``model`` is a chip on which votes are taken: its errors lie beside its weights, and would be lost."""
    name = next((name for name, module in voting(model).items() if module.get_buffer(VOTES).numel()), None)
    if name is not None:
        raise ModelError(f"{name}: this network is a chip whose outputs are voted on; deploy the one it was made of")


def _vote(module: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Tensor], output: Tensor) -> Tensor:
    votes = module.get_buffer(VOTES)
    if not votes.numel():
        return output
    rule = rule_for(module)
    assert rule is not None
    return rule(module, args[0] if args else next(iter(kwargs.values())), output, votes)


@register(nn.Linear)
@register("transformers.pytorch_utils.Conv1D")
def _linear(module: nn.Module, x: Tensor, out: Tensor, votes: Tensor) -> Tensor:
    return add_votes(out, x, votes)


@register(nn.Conv1d)
@register(nn.Conv2d)
@register(nn.Conv3d)
def _convolution(module: nn.Module, x: Tensor, out: Tensor, votes: Tensor) -> Tensor:
    """Candidates of the columns concerned as a convolution of their errors."""
    copies, column, scale, starts, entries = unpack(votes.cpu().numpy())
    if not len(column):
        return out
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if x.dim() == module.weight.dim() - 1:
        return _convolution(module, x[None], out[None], votes)[0]
    rows = module.weight[0].numel()
    kernels = np.zeros((len(column) * copies, rows), np.float32)
    where = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    np.add.at(kernels, (where, entries >> 1), 1.0 - 2.0 * (entries & 1))
    weight = torch.from_numpy(kernels).to(x).view(-1, *module.weight.shape[1:])
    convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[weight.dim() - 2]
    padding: str | tuple[int, ...] = module.padding
    if module.padding_mode != "zeros":
        x = F.pad(x, module._reversed_padding_repeated_twice, mode=module.padding_mode)
        padding = (0,) * (x.dim() - 2)
    if module.groups > 1:
        # A column sees the inputs of its own group only; each is convolved with those.
        wide = x.view(len(x), module.groups, -1, *x.shape[2:])
        group = torch.from_numpy(column.astype(np.int64)) // (len(module.weight) // module.groups)
        parts = [
            convolve(
                wide[:, int(g)], weight[i * copies : (i + 1) * copies], None, module.stride, padding, module.dilation
            )
            for i, g in enumerate(group)
        ]
        products = torch.cat(parts, dim=1)
    else:
        products = convolve(x, weight, None, module.stride, padding, module.dilation)
    middle = products.view(len(x), len(column), copies, *products.shape[2:]).median(2).values
    sizes = torch.from_numpy(scale.copy()).to(middle).view(-1, *[1] * (middle.dim() - 2))
    return out.index_add(1, torch.from_numpy(column.astype(np.int64)).to(out.device), (middle * sizes).to(out.dtype))
