"""Which layers are binarised, ours or anybody's, and the ±scale tensor that a memory of single bits holds of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.conv import _ConvNd

from mho.memory.layers import LayerRule, rule_for
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
    latent weights themselves are found out by running them: the tensor b of signs times a scale is the one with which
    they compute the same as with ``weight``; with -b they compute something else, so it is the parameter that they use.
    Signs are those of the weights, or of weights less their mean (of an output channel, or the tensor); scales are
    none, the mean or the largest magnitude, or the standard deviation, of a channel or the tensor. What memory returns,
    ±scale again, then passes through the layer unchanged.

    A layer that subtracts a mean takes it of what memory returns, faults included, and its scale too where that is of
    centred weights: with weights in balance a flipped bit moves them in second order only.

    Run are subclasses of ``nn.Linear`` and the convolutions, and any other layer of the user's that is registered
    (:func:`mho.memory.register`) and takes ``(n, rows)`` to ``(n, columns)`` as its rule counts them.

    Args:
        module: a layer.
        weight: its matrix of any shape, as :func:`mho.memory.layers.matrices` finds it.

    Returns:
        ``(*weight.shape)``, every element of its tensor or output channel of one magnitude, none zero.

    Sources: layers of [hubara2016binarized] use the signs, those of [rastegari2016xnor] scale them by the mean, those
    of [qin2020irnet] centre the weights first.
    """
    own = [n for n, p in module.named_parameters(recurse=False) if p is weight]
    weight = weight.detach()
    rule = rule_for(module)
    dim = 0 if rule is None else rule.channel_dim
    if isinstance(module, BinaryLinear | BinaryConv2d) and type(module).__module__.startswith("mho."):
        return weight if _one_magnitude(weight, dim) else signs(weight)
    if _one_magnitude(weight, dim):
        return weight
    if rule is None or type(module).__module__.startswith("torch.nn."):
        return None
    alike = [n for n, p in module.named_parameters(recurse=False) if p.shape == weight.shape]
    return _found(module, rule, (own or alike or ["weight"])[0], weight)


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


def _found(module: nn.Module, rule: LayerRule, name: str, weight: Tensor) -> Tensor | None:
    """The first candidate that ``module`` cannot tell from ``weight``, its parameter ``name``."""
    try:
        # What is the user's may keep statistics, or write to its weights.
        layer = copy.deepcopy(module).eval()
        inputs, columns = _inputs(layer, rule, weight)

        def outputs(tensor: Tensor) -> Tensor:
            # clone: some layers binarise the very tensor that they are given
            out: Tensor = functional_call(layer, {name: tensor.clone()}, (inputs,), tie_weights=False)
            return out

        wanted = outputs(weight)
        if columns is not None and wanted.shape != (_PROBES, columns):
            return None
        bound = _SAME * float(wanted.abs().max())
        swapped = _swapped(weight, rule.channel_dim)
        if swapped is not None and not _near(outputs(swapped), wanted, bound):
            return None
        for candidate in _candidates(weight, rule.channel_dim % weight.dim()):
            if _near(outputs(candidate), wanted, bound) and not _near(outputs(-candidate), wanted, bound):
                return candidate
    except Exception:  # the user's own forward runs here: it may raise anything
        return None
    return None


def _swapped(weight: Tensor, dim: int) -> Tensor | None:
    """``weight`` with two of an output channel exchanged that have one sign, centred or not; ``None`` without two.

    No sign, mean or largest magnitude changes, so that a layer of single bits gives the same, and any other one is
    told after one run.
    """
    rows = weight.movedim(dim, 0)
    row = int(rows.flatten(1).amax(1).argmax())
    one = rows[row].flatten()
    above = one > max(0.0, float(one.mean()), float(weight.mean()))
    if not bool(above.any()):
        return None
    largest, least = int(one.argmax()), int(torch.where(above, one, one.max()).argmin())
    one = one.clone()
    one[[largest, least]] = one[[least, largest]]
    out = weight.clone()
    out.movedim(dim, 0)[row] = one.view(rows.shape[1:])
    return out


def _candidates(weight: Tensor, dim: int) -> Iterator[Tensor]:
    """Signs times scales, the plainest first."""
    everything, others = list(range(weight.dim())), [d for d in range(weight.dim()) if d != dim]
    for centre in (None, others, everything):
        level = weight if centre is None else weight - weight.mean(centre, keepdim=True)
        one = torch.where(level > 0, 1.0, -1.0).to(weight.dtype)
        both = [one, torch.where(level >= 0, 1.0, -1.0).to(weight.dtype)] if bool((level == 0).any()) else [one]
        for bits in both:
            # A layer must find the same scale in a candidate; signs out of balance lower what is measured from a mean.
            centred = bits if centre is None else bits - bits.mean(centre, keepdim=True)
            yield bits
            for over, measure in product((everything, others), (_mean, _most, _deviation)):
                scales = [measure(level, over) / measure(centred, over)]
                for scale in scales if centre is None else [*scales, measure(weight, over)]:
                    candidate = (bits * scale).contiguous()
                    if bool((torch.isfinite(candidate) & (candidate != 0)).all()):
                        yield candidate


def _mean(x: Tensor, over: list[int]) -> Tensor:
    return x.abs().mean(over, keepdim=True)


def _most(x: Tensor, over: list[int]) -> Tensor:
    return x.abs().amax(over, keepdim=True)


def _deviation(x: Tensor, over: list[int]) -> Tensor:
    return (x - x.mean(over, keepdim=True)).square().mean(over, keepdim=True).sqrt()


def _near(one: Tensor, other: Tensor, bound: float) -> bool:
    return one.shape == other.shape and bool(((one - other).abs() <= bound).all())


def _inputs(module: nn.Module, rule: LayerRule, weight: Tensor) -> tuple[Tensor, int | None]:
    """Random inputs that a layer takes, of convolutions just larger than the kernel; outputs that it must give, if any.

    Raises:
        ValueError: it holds several matrices.
    """
    shape: tuple[int, ...]
    columns = None
    if isinstance(module, _ConvNd):
        sizes = [d * (k - 1) + 2 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        shape = (_PROBES, module.in_channels, *sizes)
    elif isinstance(module, nn.Linear):
        shape = (_PROBES, weight.shape[1])
    else:
        rows, columns, number = rule.matrix(module, tuple(weight.shape))
        if number != 1:
            raise ValueError("several matrices")
        shape = (_PROBES, rows)
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return drawn.to(weight.device, weight.dtype), columns
