"""Layer, group, instance, RMS and (in evaluation mode) batch normalisation, with the exact diagonal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mho.evaluation.sensitivity.graph import NoRule, Operation, Pair, Step, rule


def through(
    unit: Tensor, inverse: Tensor, h: Tensor, g: Tensor, dims: Sequence[int], *, centred: bool
) -> tuple[Tensor, Tensor]:
    """h and g before a normalisation, from those of the normalised ``z = (x - mean) r``.

    With ``P_ij = d_ij - (1 + z_i z_j) / n``, ``dz_i/dx_j = r P_ij`` and
    ``d²z_i/dx_j² = -(r²/n) (2 z_j P_ij + z_i P_jj)``; where nothing is centred (RMS) the 1 in P is missing.

    Args:
        unit: z.
        inverse: r, broadcastable to z.
        h: second derivative at z.
        g: first derivative at z.
        dims: what is normalised together: n elements.
        centred: whether the mean is subtracted.
    """
    n = math.prod(unit.shape[dim] for dim in dims)

    def total(values: Tensor) -> Tensor:
        return values.sum(list(dims), keepdim=True)

    # The sums above, sorted by powers of z: every factor below is one number a row.
    with_h, across = unit * h, total(unit * g)
    square = (total(unit * with_h) + 3 * across) / n**2
    if centred:
        flat, along = total(h) / n**2 - (1 - 1 / n) * across / n, 2 * (total(with_h) + total(g)) / n**2
        slope = g - (total(g) + unit * across) / n
        whole = 1 - 2 / n
    else:
        flat, along, whole = -across / n, torch.zeros_like(across), 1.0
        slope = g - unit * across / n
    inside = (square - (2 / n) * h).mul_(unit).add_(g, alpha=-2 / n).add_(along).mul_(unit).add_(h, alpha=whole)
    return inside.add_(flat).mul_(inverse.square()), slope.mul_(inverse)


def affine(step: Step, unit: Tensor, weight: Tensor | None, shape: Sequence[int], dims: Sequence[int]) -> list[Pair]:
    """h and g of ``(z, weight, bias)`` of ``y = weight z + bias``.

    Args:
        step: the normalisation.
        unit: z.
        weight: as the layer keeps it, ``None`` where there is none.
        shape: shape in which weight and bias meet z.
        dims: dimensions of z along which weight and bias are shared.
    """
    h, g = step.output
    at_unit: Pair = (h, g)
    if weight is not None:
        at_unit = (h * step.square(weight).view(shape), None if g is None else g * weight.view(shape))
    out = [at_unit]
    flat = [int(size) for size in shape if size != 1] if weight is None else list(weight.shape)
    for wanted, slope in zip((*step.wants_h[1:], False, False)[:2], (unit, None), strict=True):
        if not wanted:
            out.append((None, None))
            continue
        parts = (h, g) if slope is None else (h * slope.square(), None if g is None else g * slope)
        sums = [None if part is None else part.sum(list(dims)).reshape(flat) for part in parts]
        out.append((sums[0], sums[1]))
    return out


def _curves(node: Operation) -> bool:
    return node.next_functions[0][0] is not None


@rule("NativeLayerNormBackward0", needs_g=_curves)
def layer_norm(step: Step) -> Sequence[Pair | None]:
    """Normalised over the last dimensions."""
    node = step.node
    x, mean, inverse = node._saved_input, node._saved_result1, node._saved_result2
    shape = node._saved_normalized_shape
    unit, dims = (x - mean) * inverse, list(range(x.dim() - len(shape), x.dim()))
    others = list(range(x.dim() - len(shape)))
    out: list[Pair | None] = [*affine(step, unit, node._saved_weight, shape, others)]
    return _before(step, out, unit, inverse, dims, centred=True)


@rule("FusedRmsNormBackward0", needs_g=_curves)
def rms_norm(step: Step) -> Sequence[Pair | None]:
    """Divided by the root mean square over the last dimensions."""
    node = step.node
    x, inverse, shape = node._saved_input, node._saved_result1, node._saved_normalized_shape
    unit, first = x * inverse, x.dim() - len(shape)
    out: list[Pair | None] = [*affine(step, unit, node._saved_weight, shape, list(range(first)))]
    return _before(step, out, unit, inverse, list(range(first, x.dim())), centred=False)


@rule("NativeGroupNormBackward0", needs_g=_curves)
def group_norm(step: Step) -> Sequence[Pair | None]:
    """Normalised over groups of channels and all positions."""
    node = step.node
    x, groups = node._saved_input, node._saved_group
    grouped = (x.shape[0], groups, -1)
    mean, inverse = (t.view(x.shape[0], groups, 1) for t in (node._saved_result1, node._saved_result2))
    unit = (x.reshape(grouped) - mean) * inverse
    channels = (x.shape[1], *(1 for _ in x.shape[2:]))
    others = [d for d in range(x.dim()) if d != 1]
    out: list[Pair | None] = [*affine(step, unit.view(x.shape), node._saved_weight, channels, others)]
    if step.wants_h[0]:
        assert out[0] is not None
        h, g = (None if t is None else t.reshape(grouped) for t in out[0])
        assert h is not None
        assert g is not None
        back = through(unit, inverse, h, g, [2], centred=True)
        out[0] = (back[0].view(x.shape), back[1].view(x.shape))
    return out


def _statistics(node: Operation) -> bool:
    """Whether a batch norm normalises with the statistics of its input, as instance norm does."""
    return bool(node._saved_training) and _curves(node)


@rule("NativeBatchNormBackward0", "CudnnBatchNormBackward0", "MiopenBatchNormBackward0", needs_g=_statistics)
def batch_norm(step: Step) -> Sequence[Pair | None]:
    """``h(x) = (weight r)² h(y)`` with running statistics; with those of the input, as group norm."""
    node = step.node
    x, training = node._saved_input, node._saved_training
    shape, dims = (x.shape[1], *(1 for _ in x.shape[2:])), [d for d in range(x.dim()) if d != 1]
    weight = node._saved_weight
    if training:
        mean, inverse = (t.view(shape) for t in (node._saved_result1, node._saved_result2))
    else:
        mean = node._saved_running_mean.view(shape)
        small = node._saved_eps if hasattr(node, "_saved_eps") else node._saved_epsilon
        inverse = torch.rsqrt(node._saved_running_var + small).view(shape)
        if not any(step.wants_h[1:]):
            h, g = step.output
            gain = inverse if weight is None else inverse * weight.view(shape)
            return [(h * gain.square(), g * gain if g is not None else None), None, None]
    unit = (x - mean) * inverse
    out: list[Pair | None] = [*affine(step, unit, weight, shape, dims)]
    if training:
        return _before(step, out, unit, inverse, dims, centred=True)
    assert out[0] is not None
    at_unit, slope = out[0]
    assert at_unit is not None
    out[0] = (at_unit * inverse.square(), None if slope is None else slope * inverse)
    return out


def _before(
    step: Step, out: list[Pair | None], unit: Tensor, inverse: Tensor, dims: Sequence[int], *, centred: bool
) -> list[Pair | None]:
    """``out`` of :func:`affine` with z's entry taken back to the input."""
    if not step.wants_h[0]:
        return out
    assert out[0] is not None
    h, g = out[0]
    if h is None or g is None:
        raise NoRule(f"{step.node.name()} without first derivatives")
    out[0] = through(unit, inverse, h, g, dims, centred=centred)
    return out
