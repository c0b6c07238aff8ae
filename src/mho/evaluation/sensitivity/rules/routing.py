"""Operations that only move numbers: every output is one input, or a sum of inputs, or a constant.

All ``dy_i/dx_j`` are 0 or 1 and equal their squares, so that h takes the way of an ordinary gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mho.evaluation.sensitivity.graph import Pair, Step, rule

VIEWS = (
    *("Alias", "AsStrided", "Clone", "Diagonal", "Expand", "Lift", "Permute", "ReshapeAlias", "Select", "Slice"),
    *("Split", "SplitWithSizes", "Squeeze", "T", "ToCopy", "Transpose", "Unbind", "Unfold", "UnsafeSplit"),
    *("UnsafeView", "Unsqueeze", "View"),
)
MOVES = (
    *("Cat", "Col2Im", "Flip", "Gather", "Im2Col", "Index", "IndexCopy", "IndexFill", "IndexPut", "IndexSelect"),
    *("MaskedFill", "MaskedScatter", "MaskedSelect", "PixelShuffle", "PixelUnshuffle", "Repeat", "Roll", "Scatter"),
    *("SelectScatter", "SliceScatter", "Stack", "Tril", "Triu", "Where"),
)
PADS = (
    *("ConstantPadNd", "ReflectionPad1D", "ReflectionPad2D", "ReflectionPad3D"),
    *("ReplicationPad1D", "ReplicationPad2D", "ReplicationPad3D"),
)
PICKS = (
    *("AdaptiveMaxPool2D", "AdaptiveMaxPool3D", "Kthvalue", "Max", "MaxPool2DWithIndices", "MaxPool3DWithIndices"),
    *("Min", "Sort", "Topk"),
)
SUMS = ("Cumsum", "Nansum", "ScatterAdd", "Sum")
NEAREST = tuple(f"UpsampleNearest{exact}{d}D" for exact in ("", "Exact") for d in (1, 2, 3))
GATES = ("Clamp", "ClampMax", "ClampMin", "Hardshrink", "Hardtanh", "Relu", "Softshrink", "Threshold")
"""Elementwise operations of slope 0 or 1."""

FORMS = {"Squeeze": 6} | dict.fromkeys(
    (
        *("AsStrided", "Clamp", "ClampMax", "ClampMin", "IndexFill", "MaskedFill", "Scatter", "Sort", "Sum", "T"),
        *("Threshold", "Transpose", "Unsqueeze"),
    ),
    2,
)
"""How many operations share a name in torch; they are numbered. (Form 1 of max and min has a rule of its own.)"""


@rule(
    "MedianBackward1",
    *(
        f"{name}Backward{number}"
        for name in (*VIEWS, *MOVES, *PADS, *PICKS, *SUMS, *NEAREST, *GATES)
        for number in range(FORMS.get(name, 1))
    ),
)
def route(step: Step) -> Sequence[Pair | None]:
    """``h(x_j) = sum of h(y_i) over the outputs i that j goes to``."""
    h = step.vjp(step.h)
    g: Sequence[Tensor | None] = step.vjp(step.g) if any(step.wants_g) else [None] * len(h)
    return list(zip(h, g, strict=True))


@rule("EmbeddingBackward0")
def embedding(step: Step) -> Sequence[Pair | None]:
    """A row gets what all its look-ups get.

    Unlike its gradient, that includes the padding row (which is read, though not trained) and knows no
    ``scale_grad_by_freq``.
    """
    rows, index = step.node._saved_weight_sym_argsize_0, step.node._saved_indices

    def gathered(values: Tensor | None) -> Tensor | None:
        if values is None:
            return None
        out = values.new_zeros(rows, values.shape[-1])
        return out.index_add_(0, index.reshape(-1), values.reshape(-1, values.shape[-1]))

    return [(gathered(step.h[0]), gathered(step.g[0]) if step.wants_g[0] else None)]
