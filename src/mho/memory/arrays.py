"""Layers whose outputs are decided where they are read: what is added to a product that no weights can give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mho.errors import ModelError
from mho.kernels.votes import add_votes, median, unpack

VOTES = "mho_votes"
"""Name of the buffer that holds what is voted on: int32, a packed list of errors (see :mod:`mho.kernels.votes`); or,
where every cell errs, floats ``(copies, planes, columns, rows)``: what each candidate has more than clean weights."""
TILE = "mho_tile"
"""Name of the attribute that says after how many rows such candidates are voted on; ``None`` for all rows."""

Rule = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]
"""``(layer, inputs, outputs without the votes, packed votes) -> outputs``."""

Product = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""``(layer, inputs, weights (columns, rows)) -> outputs`` of the layer if it had these weights and no bias."""

_RULES: dict[str, Rule] = {}
_PRODUCTS: dict[str, Product] = {}
_REMEDY = (
    "keep it digital (a rule with None), give it a memory without Voting, or add a rule with mho.memory.arrays.register"
)


def register(kind: type[nn.Module] | str, product: Product | None = None) -> Callable[[Rule], Rule]:
    """Let the outputs of another kind of layer be voted on.

    Args:
        kind: the class, or its qualified name (``"package.module.Class"``) so that nothing need be imported.
            Subclasses follow their nearest registered base class.
        product: what it computes with given weights, for votes on cells that vary.
    """

    def keep(rule: Rule) -> Rule:
        name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        _RULES[name] = rule
        if product is not None:
            _PRODUCTS[name] = product
        return rule

    return keep


def rule_for(module: nn.Module) -> Rule | None:
    """The rule of the nearest registered base class."""
    kind = _kind(module)
    return None if kind is None else _RULES[kind]


def _kind(module: nn.Module) -> str | None:
    names = (f"{c.__module__}.{c.__qualname__}" for c in type(module).__mro__)
    return next((name for name in names if name in _RULES), None)


def vote_at(name: str, model: nn.Module, module: nn.Module, *, varies: bool = False, tile: int | None = None) -> None:
    """Let ``module``, whose weight is called ``name``, add up votes: those in its buffer, none until a chip has some.

    Args:
        name: of its weight.
        model: that it is part of.
        module: a layer.
        varies: whether every cell errs, not some stuck ones alone.
        tile: rows after which candidates that vary are voted on; ``None`` for all.

    Raises:
        ModelError: this kind of layer has no rule, computes in a way of its own, or is read without being called.
    """
    if rule_for(module) is None:
        known = ", ".join(sorted(kind.rpartition(".")[2] for kind in _RULES))
        raise ModelError(
            f"{name}: outputs of a {type(module).__name__} cannot be voted on (only those of {known}); {_REMEDY}"
        )
    if varies and _kind(module) not in _PRODUCTS:
        raise ModelError(
            f"{name}: votes on cells that vary need to know what a {type(module).__name__} computes with given "
            "weights; add it with mho.memory.arrays.register(kind, product), keep it digital (a rule with None), or "
            "take Voting(combine='mean')"
        )
    base = next(c for c in type(module).__mro__ if f"{c.__module__}.{c.__qualname__}" in _RULES)
    if getattr(type(module), "forward", None) is not getattr(base, "forward", None):
        raise ModelError(
            f"{name}: {type(module).__name__} has a forward of its own, so what is voted on is not known; {_REMEDY}"
        )
    for prefix, parent in model.named_modules():
        if isinstance(parent, nn.MultiheadAttention) and parent.out_proj is module:
            raise ModelError(f"{name}: {prefix or 'MultiheadAttention'} reads it without calling it; {_REMEDY}")
    setattr(module, TILE, tile)
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
    x = args[0] if args else next(iter(kwargs.values()))
    if votes.is_floating_point():
        return _add_candidates(module, x, output, votes)
    rule = rule_for(module)
    assert rule is not None
    return rule(module, x, output, votes)


def _add_candidates(module: nn.Module, x: Tensor, out: Tensor, candidates: Tensor) -> Tensor:
    """``out`` plus, plane by plane and tile by tile, the median over copies of the products with what they err."""
    kind = _kind(module)
    assert kind is not None
    product, rows = _PRODUCTS[kind], candidates.shape[-1]
    tile = getattr(module, TILE, None) or rows
    tiles = torch.arange(rows, device=candidates.device).div(tile, rounding_mode="floor")
    for plane in candidates.unbind(1):
        for t in range(-(-rows // tile)):
            here = plane if tile >= rows else plane * (tiles == t)
            out = out + median([product(module, x, copy) for copy in here.unbind(0)]).to(out.dtype)
    return out


def _times(module: nn.Module, x: Tensor, weights: Tensor) -> Tensor:
    return F.linear(x, weights.to(x.dtype))


def _convolved(module: nn.Module, x: Tensor, weights: Tensor) -> Tensor:
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    convolve, x, padding = _ready(module, x)
    kernels = weights.to(x.dtype).view(module.weight.shape)
    return convolve(x, kernels, None, module.stride, padding, module.dilation, module.groups)


def _ready(
    module: nn.Conv1d | nn.Conv2d | nn.Conv3d, x: Tensor
) -> tuple[Callable[..., Tensor], Tensor, str | tuple[int, ...]]:
    """The convolution, its inputs with padding that it does not do itself, and the padding that it does."""
    convolve: Callable[..., Tensor] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[module.weight.dim() - 2]
    if module.padding_mode == "zeros":
        return convolve, x, module.padding
    x = F.pad(x, module._reversed_padding_repeated_twice, mode=module.padding_mode)
    return convolve, x, (0,) * (module.weight.dim() - 2)


@register(nn.Linear, _times)
@register("transformers.pytorch_utils.Conv1D", _times)
def _linear(module: nn.Module, x: Tensor, out: Tensor, votes: Tensor) -> Tensor:
    return add_votes(out, x, votes)


@register(nn.Conv1d, _convolved)
@register(nn.Conv2d, _convolved)
@register(nn.Conv3d, _convolved)
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
    convolve, x, padding = _ready(module, x)
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
