"""Layers whose outputs are decided where they are read: what is added to a product that no weights can give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mho.errors import ModelError
from mho.kernels.votes import add_votes, unpack

VOTES = "votes"
"""Name of the buffer that holds what is voted on; see :mod:`mho.kernels.votes`."""

Rule = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]
"""``(layer, inputs, outputs without the votes, packed votes) -> outputs``."""

_RULES: dict[str, Rule] = {}


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


def vote_at(name: str, module: nn.Module) -> None:
    """Let ``module``, called ``name``, add up votes: those in its buffer, none until a chip puts some there.

    Raises:
        ModelError: this kind of layer has no rule.
    """
    if rule_for(module) is None:
        known = ", ".join(sorted(kind.rpartition(".")[2] for kind in _RULES))
        raise ModelError(
            f"{name}: outputs of a {type(module).__name__} cannot be voted on (only those of {known}); keep it digital "
            "(a rule with None), give it a memory without Voting, or add a rule with mho.memory.arrays.register"
        )
    if not hasattr(module, VOTES):
        module.register_buffer(VOTES, torch.zeros(0, dtype=torch.int32), persistent=False)
        module.register_forward_hook(_vote)


def _vote(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    votes = module.get_buffer(VOTES)
    if not votes.numel():
        return output
    rule = rule_for(module)
    assert rule is not None
    return rule(module, args[0], output, votes)


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
