"""Convolutions of one to three dimensions, grouped, dilated, strided, transposed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mho.evaluation.sensitivity.graph import Pair, Step, rule


@rule("ConvolutionBackward0")
def convolution(step: Step) -> Sequence[Pair | None]:
    """The backward of a convolution with squared operands.

    ``h(x)`` is h(y) taken back through W², ``h(W)`` the weight gradient for inputs x², ``h(b)`` the sum of h(y):
    every output is a sum of products ``W_k x_l`` of distinct weights and distinct inputs.
    """
    x, weight = step.node._saved_input, step.node._saved_weight
    h, g = step.output
    into_x, into_weight, _ = wanted = step.wants_h
    squared = (step.square(x) if into_weight else x, step.square(weight) if into_x else weight)
    at_inputs = _backward(step, h, *squared, wanted)
    slopes = _backward(step, g, x, weight, step.wants_g) if g is not None and any(step.wants_g) else (None,) * 3
    return [(a, b) if want else None for a, b, want in zip(at_inputs, slopes, wanted, strict=True)]


def _backward(step: Step, at_output: Tensor, x: Tensor, weight: Tensor, mask: Sequence[bool]) -> Sequence[Tensor]:
    node = step.node
    out: Sequence[Tensor] = torch.ops.aten.convolution_backward(
        at_output,
        x,
        weight,
        node._saved_bias_sym_sizes_opt,
        node._saved_stride,
        node._saved_padding,
        node._saved_dilation,
        node._saved_transposed,
        node._saved_output_padding,
        node._saved_groups,
        list(mask),
    )
    return out
