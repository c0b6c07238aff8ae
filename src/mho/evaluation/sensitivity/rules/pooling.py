"""Average pooling, its adaptive form and linear upsampling; max-pooling only routes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from mho.evaluation.sensitivity.graph import Pair, Step, rule


@rule("AvgPool2DBackward0", "AvgPool3DBackward0")
def average(step: Step) -> Sequence[Pair | None]:
    """``h(x) = sum over the windows of h(y) / n²``, n the divisor of the window."""
    node, (h, _) = step.node, step.output
    kernel = node._saved_kernel_size
    if node._saved_divisor_override:
        return _averaged(step, torch.tensor(float(node._saved_divisor_override)))
    padding, d = node._saved_padding, len(kernel)
    if not node._saved_ceil_mode and (node._saved_count_include_pad or not any(padding)):
        return _averaged(step, torch.tensor(float(prod(kernel))))
    stride = node._saved_stride or kernel
    sizes = node._saved_self.shape[-d:]
    lengths = []
    for k, s, p, size, outputs in zip(kernel, stride, padding, sizes, h.shape[-d:], strict=True):
        start = torch.arange(outputs) * s - p
        end = torch.minimum(start + k, torch.tensor(size + p))  # ceil_mode may start a window that ends beyond
        inside = end.clamp(max=size) - start.clamp(min=0)
        lengths.append(end - start if node._saved_count_include_pad else inside)
    return _averaged(step, _outer(lengths, h))


@rule("AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool3DBackward0")
def adaptive(step: Step) -> Sequence[Pair | None]:
    """The same; window i of m over L inputs is ``floor(i L / m) ... ceil((i + 1) L / m)``."""
    d = int(step.node.name()[len("AdaptiveAvgPool")])
    sizes = step.node._saved_self.shape[-d:]
    lengths = []
    for size, outputs in zip(sizes, step.output[0].shape[-d:], strict=True):
        i = torch.arange(outputs)
        lengths.append(-(-(i + 1) * size // outputs) - i * size // outputs)
    return _averaged(step, _outer(lengths, step.output[0]))


def _outer(lengths: Sequence[Tensor], like: Tensor) -> Tensor:
    """Elements of every window, ``(*outputs)``, from its lengths by dimension."""
    count = lengths[0]
    for length in lengths[1:]:
        count = count[..., None] * length
    return count.to(like)


def _averaged(step: Step, divisor: Tensor) -> Sequence[Pair | None]:
    h, g = step.output
    slope = step.vjp([g])[0] if g is not None and step.wants_g[0] else None
    return [(step.vjp([h / divisor.to(h)])[0], slope)]


SCALES = {
    "UpsampleLinear1DBackward0": ("scales",),
    "UpsampleBilinear2DBackward0": ("scales_h", "scales_w"),
    "UpsampleTrilinear3DBackward0": ("scales_d", "scales_h", "scales_w"),
}
"""Linear upsampling, and where each dimension keeps its scale."""


@rule(*SCALES)
def upsample(step: Step) -> Sequence[Pair | None]:
    """Every dimension is a matrix ``A`` of weights that multiplies it: ``h(x)`` goes back through ``A²``."""
    node, (h, g) = step.node, step.output
    for axis, name in enumerate(SCALES[node.name()], start=2):
        identity = torch.eye(node._saved_self_sym_sizes[axis], dtype=h.dtype, device=h.device)
        weights = torch.ops.aten.upsample_linear1d(
            identity[None],
            [h.shape[axis]],
            node._saved_align_corners,
            getattr(node, f"_saved_{name}"),
        )[0]
        h = torch.tensordot(h, weights.square(), dims=([axis], [1])).movedim(-1, axis)
    return [(h, step.vjp([g])[0] if g is not None and step.wants_g[0] else None)]
