"""Matrix products: linear layers, attention, einsum."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mho.evaluation.sensitivity.graph import Pair, Step, rule


def product(step: Step, left: int, a: Tensor | None, b: Tensor | None, factor: float = 1.0) -> list[Pair | None]:
    """``y = factor A B``: ``h(A) = h(y) (B²)^T`` and ``h(B) = (A²)^T h(y)``.

    Args:
        step: the operation.
        left: which input A is; B follows.
        a: ``(..., n, k)``, ``None`` where B needs nothing.
        b: ``(..., k, m)``, ``None`` where A needs nothing.
        factor: a constant.
    """
    (h, g), out = step.output, list[Pair | None]()
    if factor != 1:
        h, g = h * factor**2, None if g is None else g * factor
    for i in (left, left + 1):
        if not step.wants_h[i]:
            out.append(None)
            continue
        slope = g if step.wants_g[i] else None
        if i == left:
            assert b is not None
            out.append((h @ step.square(b).mT, None if slope is None else slope @ b.mT))
        else:
            assert a is not None
            out.append((step.square(a).mT @ h, None if slope is None else a.mT @ slope))
    return out


@rule("MmBackward0", "BmmBackward0")
def mm(step: Step) -> Sequence[Pair | None]:
    """``A B``, also a batch of them."""
    return product(step, 0, step.node._saved_self, step.node._saved_mat2)


def _plus(step: Step, a: Tensor | None, b: Tensor | None) -> list[Pair | None]:
    """``beta C + alpha A B``."""
    (h, g), beta = step.output, step.node._saved_beta
    added: Pair = (h, g) if beta == 1 else (h * beta**2, None if g is None else g * beta)
    return [added, *product(step, 1, a, b, step.node._saved_alpha)]


@rule("AddmmBackward0")
def addmm(step: Step) -> Sequence[Pair | None]:
    """``beta C + alpha A B``: a linear layer with bias."""
    return _plus(step, step.node._saved_mat1, step.node._saved_mat2)


@rule("BaddbmmBackward0")
def baddbmm(step: Step) -> Sequence[Pair | None]:
    """The same for a batch: attention with a mask."""
    return _plus(step, step.node._saved_batch1, step.node._saved_batch2)


@rule("MvBackward0")
def mv(step: Step) -> Sequence[Pair | None]:
    """``A v``: ``h(A_ij) = h(y_i) v_j²``, ``h(v) = (A²)^T h(y)``."""
    (h, g), matrix, vector = step.output, step.node._saved_self, step.node._saved_vec
    out: list[Pair | None] = [None, None]
    if step.wants_h[0]:
        out[0] = (h.outer(step.square(vector)), g.outer(vector) if g is not None else None)
    if step.wants_h[1]:
        out[1] = (step.square(matrix).mT @ h, matrix.mT @ g if g is not None else None)
    return out


@rule("DotBackward0")
def dot(step: Step) -> Sequence[Pair | None]:
    """``a . b``: ``h(a) = b² h(y)``."""
    (h, g), a, b = step.output, step.node._saved_self, step.node._saved_tensor
    return [
        (h * step.square(other), g * other if g is not None else None) if wanted else None
        for wanted, other in zip(step.wants_h, (b, a), strict=True)
    ]
