"""Means, norms, variances and largest values."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mho.evaluation.sensitivity.graph import NoRule, Operation, Pair, Step, rule, signed


def spread(step: Step, at_output: Tensor | None) -> Tensor:
    """A value of every output, beside each of the inputs that it was reduced from."""
    assert at_output is not None
    shape = step.node.next_functions[0][0]._input_metadata[0].shape
    return _unsqueezed(step.node, at_output, len(shape)).expand(shape)


def _unsqueezed(node: Operation, value: Tensor, dims: int) -> Tensor:
    if getattr(node, "_saved_keepdim", False) or value.dim() == dims:
        return value
    reduced = getattr(node, "_saved_dim", None)
    if not reduced:  # all dimensions
        return value.reshape((1,) * dims)
    for d in sorted(signed(d) % dims for d in reduced):
        value = value.unsqueeze(d)
    return value


@rule("MeanBackward0", "MeanBackward1")
def mean(step: Step) -> Sequence[Pair | None]:
    """``h(x) = h(y) / n²`` over n elements."""
    (h, g), (back,) = step.output, step.vjp(step.h)
    assert back is not None
    return [(back * (h.numel() / back.numel()), step.vjp([g])[0] if g is not None else None)]


@rule("AmaxBackward0", "AminBackward0", "MaxBackward1", "MinBackward1", "MedianBackward0")
def largest(step: Step) -> Sequence[Pair | None]:
    """The slope of an element is 0, 1, or 1/n where n share the place: ``h(x) = slope² h(y)``."""
    (h, g), (back,) = step.output, step.vjp(step.h)
    slope = step.vjp([torch.ones_like(h)])[0]
    assert back is not None
    assert slope is not None
    return [(back * slope, step.vjp([g])[0] if g is not None else None)]


@rule("VarBackward0", "StdBackward0", needs_g=True)
def variance(step: Step) -> Sequence[Pair | None]:
    """``y = sum (x - mean)² / (n - c)`` or its root; ``c`` is torch's correction.

    With ``s = dy/dx``: ``s = 2 (x - mean) / (n - c)``, ``d²y/dx² = 2 (1 - 1/n) / (n - c)`` for the variance;
    ``s = (x - mean) / ((n - c) y)``, ``d²y/dx² = ((1 - 1/n) / (n - c) - s²) / y`` for its root.
    """
    h, g = (spread(step, value) for value in (step.h[0], step.g[0]))
    slope = step.vjp([torch.ones_like(step.output[0])])[0]
    assert slope is not None
    n, node = slope.numel() / step.output[0].numel(), step.node
    correction = node._saved_correction
    bend = (1 - 1 / n) / (n - (1 if correction is None else correction))
    if node.name().startswith("Var"):
        return [(slope.square() * h + 2 * bend * g, slope * g)]
    y = spread(step, node._saved_result)
    return [(slope.square() * h + (bend - slope.square()) / y * g, slope * g)]


@rule("LinalgVectorNormBackward0", needs_g=True)
def norm(step: Step) -> Sequence[Pair | None]:
    """Euclidean norm: ``s = x / y``, ``d²y/dx² = (1 - s²) / y``."""
    node = step.node
    if node._saved_ord != 2:
        raise NoRule(f"{node.name()} with ord={node._saved_ord}")
    h, g, y = (spread(step, v) for v in (step.h[0], step.g[0], node._saved_result))
    slope = node._saved_self / y
    return [(slope.square() * h + (1 - slope.square()) / y * g, slope * g)]
