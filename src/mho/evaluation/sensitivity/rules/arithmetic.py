"""Sums, products and quotients of two tensors, and piecewise linear functions of one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mho.evaluation.sensitivity.graph import Operation, Pair, Step, rule


def elementwise(step: Step) -> Sequence[Pair | None]:
    """``h(x) = (dy/dx)² h(y)`` for operations that are linear in each input, element by element."""
    h, g = step.output
    once = step.vjp([h])
    slopes = step.vjp([g]) if any(step.wants_g) else (None,) * len(once)
    twice = [step.vjp([first])[i] if step.wants_h[i] and first is not None else None for i, first in enumerate(once)]
    return list(zip(twice, slopes, strict=True))


rule(
    *("AbsBackward0", "DivBackward1", "HardsigmoidBackward0", "LeakyReluBackward0", "LeakyReluBackward1"),
    *("LerpBackward0", "MaximumBackward0", "MinimumBackward0", "MulBackward1", "NanToNumBackward0", "NegBackward0"),
    *("PreluKernelBackward0", "RreluWithNoiseBackward0", "RreluWithNoiseBackward1", "RsubBackward0", "RsubBackward1"),
    *("AddBackward1", "SubBackward1"),
)(elementwise)


def same_input(node: Operation) -> bool:
    """Whether both operands are one tensor, as in ``x * x``."""
    return len(node.next_functions) == 2 and node.next_functions[0] == node.next_functions[1]


@rule("AddBackward0", "SubBackward0")
def add(step: Step) -> Sequence[Pair | None]:
    """``y = a + alpha b`` or ``y = a - alpha b``."""
    h, g = step.output
    alpha = step.node._saved_alpha
    sign = -1 if step.node.name().startswith("Sub") else 1
    if same_input(step.node):
        slope = 1 + sign * alpha
        return [(h * slope**2, None if g is None else g * slope), None]
    if alpha == 1:
        return [(h, g), (h, g if g is None or sign == 1 else -g)]
    return [(h, g), (h * alpha**2, None if g is None else g * (sign * alpha))]


@rule("MulBackward0", needs_g=same_input)
def multiply(step: Step) -> Sequence[Pair | None]:
    """``y = a b``: ``h(a) = b² h(y)``; of ``y = x²``, ``h(x) = (2 x)² h(y) + 2 g(y)``."""
    a, b = step.node._saved_self, step.node._saved_other
    h, g = step.output
    if same_input(step.node):
        assert g is not None
        return [(4 * step.square(a) * h + 2 * g, 2 * a * g), None]
    return [_scaled(step, 0, b), _scaled(step, 1, a)]


def _scaled(step: Step, i: int, factor: Tensor | None) -> Pair | None:
    if factor is None or not step.wants_h[i]:
        return None
    h, g = step.output
    return h * step.square(factor), g * factor if g is not None and step.wants_g[i] else None


@rule("DivBackward0", needs_g=lambda node: node.next_functions[1][0] is not None)
def divide(step: Step) -> Sequence[Pair | None]:
    """``y = a / b``: ``h(a) = h(y) / b²``, ``h(b) = (a / b²)² h(y) + 2 a / b³ g(y)``."""
    a, b = step.node._saved_self, step.node._saved_other
    h, g = step.output
    if not step.wants_h[1]:
        return [(h / step.square(b), None if g is None else g / b), None]
    assert g is not None
    slope = -a / step.square(b)
    below = (h * slope.square() - 2 * g * slope / b, g * slope)
    return [(h / step.square(b), g / b) if step.wants_h[0] else None, below]


@rule("AddcmulBackward0")
def addcmul(step: Step) -> Sequence[Pair | None]:
    """``y = a + value b c``."""
    node, (h, g) = step.node, step.output
    b, c, value = node._saved_tensor1, node._saved_tensor2, node._saved_value
    out: list[Pair | None] = [(h, g)]
    for wanted, factor in zip(step.wants_h[1:], (c, b), strict=True):
        out.append((h * (value * factor).square(), None if g is None else g * value * factor) if wanted else None)
    return out


@rule("IndexAddBackward0")
def index_add(step: Step) -> Sequence[Pair | None]:
    """``y = a`` with ``alpha b`` added at some places."""
    alpha = step.node._saved_alpha
    h, (_, g) = step.vjp(step.h), step.output
    slopes = step.vjp([g]) if g is not None else (None, None)
    below = None if h[1] is None else h[1] * alpha  # the backward has multiplied by alpha once
    return [(h[0], slopes[0]), (below, slopes[1])]
