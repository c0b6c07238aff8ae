"""Which layers are binarised, ours or anybody's, and the ±scale tensor that a memory of single bits holds of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.conv import _ConvNd

from mho.memory.layers import rule_for
from mho.zoo.binary.layers import BinaryConv2d, BinaryLinear
from mho.zoo.binary.signs import signs

_PROBES = 8
"""Random inputs by which two weights are told from each other."""
_SAME = 1e-5
"""Difference of outputs, a fraction of the largest, that is the rounding of a scale."""


@torch.no_grad()
def binarised(module: nn.Module, weight: Tensor) -> Tensor | None:
    """What a layer's forward pass makes of ``weight``, where that is one bit a weight; ``None`` where it is more.

    Weights that are ±a already (one magnitude a tensor, or an output channel) are that bit. Layers that take signs of
    latent weights themselves are found out by running them: the tensor b of signs times a scale (none, or the mean or
    the largest magnitude of the tensor, or of an output channel) is the one with which they compute the same as with
    ``weight``; with -b they compute something else, so it is the parameter that they use. What
    memory returns, ±scale again, then passes through the layer unchanged.

    Args:
        module: a layer.
        weight: its matrix of any shape, as :func:`mho.memory.layers.matrices` finds it.

    Returns:
        ``(*weight.shape)``, every element of its tensor or output channel of one magnitude, none zero.

    Sources: layers of [hubara2016binarized] use the signs, those of [rastegari2016xnor] scale them by the mean.
    """
    weight = weight.detach()
    rule = rule_for(module)
    dim = 0 if rule is None else rule.channel_dim
    if isinstance(module, BinaryLinear | BinaryConv2d) and type(module).__module__.startswith("mho."):
        return weight if _one_magnitude(weight, dim) else signs(weight)
    if _one_magnitude(weight, dim):
        return weight
    if not isinstance(module, nn.Linear | _ConvNd) or type(module).__module__.startswith("torch.nn."):
        return None
    return _found(module, weight, dim)


def _one_magnitude(weight: Tensor, dim: int) -> bool:
    """Whether all weights are ±a, or those of each channel are and there are enough to tell."""
    size = weight.abs()
    if weight.numel() == 0 or not bool((size > 0).all() & torch.isfinite(size).all()):
        return False
    if bool((size == size.flatten()[0]).all()):
        return True
    # A single weight always has one magnitude.
    rows = size.movedim(dim, 0).flatten(1)
    return rows.shape[1] > 1 and bool((rows == rows[:, :1]).all())


def _found(module: nn.Module, weight: Tensor, dim: int) -> Tensor | None:
    """The first candidate that ``module`` cannot tell from ``weight``."""
    name = next((n for n, p in module.named_parameters(recurse=False) if p.shape == weight.shape), "weight")
    layer = copy.deepcopy(module).eval()  # what is the user's may keep statistics, or write to its weights
    inputs = _inputs(module, weight)

    def outputs(tensor: Tensor) -> Tensor:
        # clone: some layers binarise the very tensor that they are given
        out: Tensor = functional_call(layer, {name: tensor.clone()}, (inputs,), tie_weights=False)
        return out

    try:
        wanted = outputs(weight)
        bound = _SAME * float(wanted.abs().max())
        for candidate in _candidates(weight, dim):
            if _near(outputs(candidate), wanted, bound) and not _near(outputs(-candidate), wanted, bound):
                return candidate
    except Exception:  # the user's own forward runs here: it may raise anything
        return None
    return None


def _candidates(weight: Tensor, dim: int) -> Iterator[Tensor]:
    size = weight.abs()
    others = [d for d in range(weight.dim()) if d != dim]
    ones = torch.ones((), dtype=weight.dtype, device=weight.device)
    scales = (ones, size.mean(), size.mean(others, keepdim=True), size.amax(), size.amax(others, keepdim=True))
    both = [torch.where(weight > 0, ones, -ones), torch.where(weight >= 0, ones, -ones)]
    for bits, scale in product(both if bool((weight == 0).any()) else both[:1], scales):
        candidate = (bits * scale).contiguous()
        if bool((candidate != 0).all()):
            yield candidate


def _near(one: Tensor, other: Tensor, bound: float) -> bool:
    return one.shape == other.shape and bool(((one - other).abs() <= bound).all())


def _inputs(module: nn.Module, weight: Tensor) -> Tensor:
    """Random inputs that a linear layer or a convolution takes, just larger than its kernel."""
    shape: tuple[int, ...]
    if isinstance(module, _ConvNd):
        sizes = [d * (k - 1) + 2 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        shape = (_PROBES, module.in_channels, *sizes)
    else:
        shape = (_PROBES, weight.shape[1])
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return drawn.to(weight.device, weight.dtype)
