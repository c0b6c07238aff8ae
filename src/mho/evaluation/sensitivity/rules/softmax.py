"""Softmax and its relatives along one dimension, with the exact diagonal."""

from __future__ import annotations

from collections.abc import Sequence

from mho.evaluation.sensitivity.graph import Pair, Step, rule, signed


@rule("SoftmaxBackward0", "SafeSoftmaxBackward0", needs_g=True)
def softmax(step: Step) -> Sequence[Pair | None]:
    """``y = softmax(x)``, all sums along its dimension.

    With ``dy_i/dx_j = y_i (d_ij - y_j)``:
    ``h(x_j) = y_j² ((1 - 2 y_j) h_j + sum_i y_i² h_i) + y_j (1 - 2 y_j) (g_j - sum_i y_i g_i)``.
    """
    h, g = step.output
    assert g is not None
    y, dim = step.node._saved_result, signed(step.node._saved_dim)
    with_h, along = y * h, g - (y * g).sum(dim, keepdim=True)
    total = (y * with_h).sum(dim, keepdim=True)
    return [((with_h + along).mul_(1 - 2 * y).addcmul_(y, total).mul_(y), y * along)]


@rule("LogSoftmaxBackward0", needs_g=True)
def log_softmax(step: Step) -> Sequence[Pair | None]:
    """``y = log softmax(x)``: ``h(x_j) = (1 - 2 p_j) h_j + p_j² sum_i h_i - p_j (1 - p_j) sum_i g_i``."""
    h, g = step.output
    assert g is not None
    p, dim = step.node._saved_result.exp(), signed(step.node._saved_dim)
    all_g = g.sum(dim, keepdim=True)
    return [((1 - 2 * p) * h + p.square() * h.sum(dim, keepdim=True) - p * (1 - p) * all_g, g - p * all_g)]


@rule("LogsumexpBackward0", needs_g=True)
def logsumexp(step: Step) -> Sequence[Pair | None]:
    """``y = log sum exp(x)``: ``h(x) = p² h(y) + p (1 - p) g(y)``."""
    h, g = step.vjp(step.h)[0], step.vjp(step.g)[0]
    p = step.vjp([step.output[0].new_ones(()).expand_as(step.output[0])])[0]
    assert h is not None
    assert g is not None
    assert p is not None
    return [(p * h + (1 - p) * g, g)]
