"""Second derivatives back through the autograd graph of one forward pass, operation by operation.

With ``h(u) = d²loss/du²`` and ``g(u) = dloss/du`` at the outputs y of an operation, its inputs x have

    h(x_j) = sum_i (dy_i/dx_j)² h(y_i) + sum_i g(y_i) d²y_i/dx_j²,

where of the Hessian of the outputs only the diagonal is kept [becker1989; lecun1990obd; yan2022swim]. An operation has
a rule, found by the name of its node. What a tensor gets from several operations adds up; cross terms between them are
dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

Operation = Any
"""A ``torch.autograd.graph.Node``; what it keeps (``_saved_...``) differs from operation to operation."""

Pair = tuple[Tensor | None, Tensor | None]
"""h and g of one tensor; g is ``None`` where nothing before it needs g."""

LEAF = "torch::autograd::AccumulateGrad"


def signed(dim: int) -> int:
    """A dimension that a node keeps: torch shows -1 as 2⁶⁴ - 1."""
    return dim - 2**64 if dim >= 2**63 else dim


class NoRule(Exception):  # noqa: N818 - caught by the method, which then samples
    """Operations of the graph that no rule is known for; ``str()`` names them."""


class Squares:
    """Squared tensors; those of weights are computed once, whatever the number of batches.

    Args:
        kept: tensors that neither change nor go away while this lives.
    """

    def __init__(self, kept: Iterable[Tensor] = ()) -> None:
        self._storages = {t.untyped_storage().data_ptr() for t in kept}
        self._known: dict[tuple[object, ...], Tensor] = {}

    def __call__(self, tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in self._storages:
            return tensor.square()
        key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if key not in self._known:
            self._known[key] = tensor.square()
        return self._known[key]


@dataclass(frozen=True)
class Step:
    """One operation, with what is known at its outputs.

    Attributes:
        node: its node in the graph; ``node._saved_...`` are the tensors and settings that it keeps.
        h: second derivative at each output, ``None`` for an output that nothing uses.
        g: first derivative at each output, ``None`` where nobody needs it.
        wants_h: per input, whether anything before it needs h.
        wants_g: per input, whether anything before it needs g.
        square: squares a tensor, of a weight only once.
    """

    node: Operation
    h: tuple[Tensor | None, ...]
    g: tuple[Tensor | None, ...]
    wants_h: tuple[bool, ...]
    wants_g: tuple[bool, ...]
    square: Squares

    def vjp(self, at_outputs: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
        """``J^T v`` for every input: the operation's own backward. Inputs that were broadcast are not yet summed."""
        # Functions written in Python are no callables; they have a method.
        back = self.node if callable(self.node) else self.node.apply
        out = back(*at_outputs)
        return (out,) if out is None or isinstance(out, Tensor) else tuple(out)

    @property
    def output(self) -> tuple[Tensor, Tensor | None]:
        """h and g of the only output."""
        assert self.h[0] is not None
        return self.h[0], self.g[0]


Rule = Callable[[Step], Sequence[Pair | None]]
"""From what is known at the outputs to (h, g) of every input, ``None`` for inputs that nothing before needs."""


@dataclass(frozen=True)
class Registered:
    """A rule, and whether it needs g (for some operations that depends on what they do)."""

    rule: Rule
    needs_g: Callable[[Operation], bool]


RULES: dict[str, Registered] = {}
"""Name of a node (``y.grad_fn.name()``) to its rule."""

_R = TypeVar("_R", bound=Rule)


def rule(*names: str, needs_g: bool | Callable[[Operation], bool] = False) -> Callable[[_R], _R]:
    """Give the operations with these node names a rule; a rule that was there is replaced::

        @rule("RoundBackward0")
        def straight_through(step): return route(step)

    Args:
        names: ``y.grad_fn.name()`` of an output y.
        needs_g: whether the operation curves, so that the first derivative at its outputs is needed.
    """
    asks = needs_g if callable(needs_g) else lambda _: bool(needs_g)

    def keep(function: _R) -> _R:
        RULES.update(dict.fromkeys(names, Registered(function, asks)))
        return function

    return keep


def propagate(
    outputs: Tensor, h: Tensor, g: Tensor, leaves: Sequence[Tensor], square: Squares | None = None
) -> list[Tensor | None]:
    """Second derivatives at the leaves of the graph of ``outputs``, summed over all their uses.

    Args:
        outputs: result of a forward pass under autograd.
        h: second derivative of the loss at the outputs, of their shape.
        g: first derivative.
        leaves: tensors that require a gradient.
        square: squares of weights that are kept from batch to batch.

    Returns:
        One tensor a leaf, ``None`` for a leaf that the outputs do not depend on.

    Raises:
        NoRule: naming the operations without a rule.
    """
    assert outputs.grad_fn is not None
    order = nodes_before(outputs.grad_fn)
    missing = dict.fromkeys(n.name() for n in order if n.name() != LEAF and n.name() not in RULES)
    if missing:
        raise NoRule(", ".join(missing))
    curves = _needs_g(order)
    square = square or Squares()
    found: dict[int, Tensor] = {}
    pending = {outputs.grad_fn: _blank(outputs.grad_fn)}
    pending[outputs.grad_fn][outputs.output_nr] = (h, g if curves[outputs.grad_fn] else None)
    with torch.no_grad():
        for node in order:
            known = pending.pop(node)
            inputs = node.next_functions
            # Even what gets nothing (all that used it had no slope) still has its turn.
            for before, _ in inputs:
                if before is not None:
                    pending.setdefault(before, _blank(before))
            if all(second is None for second, _ in known):
                continue
            if node.name() == LEAF:
                assert known[0][0] is not None
                found[id(node.variable)] = known[0][0]
                continue
            step = Step(
                node,
                tuple(pair[0] for pair in known),
                tuple(pair[1] for pair in known),
                tuple(before is not None for before, _ in inputs),
                tuple(before is not None and curves[before] for before, _ in inputs),
                square,
            )
            for (before, number), pair in zip(inputs, RULES[node.name()].rule(step), strict=False):
                if before is not None and pair is not None:
                    entry = pending[before]
                    entry[number] = _added(entry[number], _fitted(pair, before, number))
    return [found.get(id(leaf)) for leaf in leaves]


def _blank(node: Operation) -> list[Pair]:
    return [(None, None)] * len(node._input_metadata)


def _fitted(pair: Pair, node: Operation, number: int) -> Pair:
    """``pair`` summed over what was broadcast, in the type of the tensor."""
    meta = node._input_metadata[number]
    h, g = (None if t is None else t.sum_to_size(meta.shape).to(meta.dtype) for t in pair)
    return h, g


def _added(one: Pair, other: Pair) -> Pair:
    h, g = (b if a is None else a if b is None else a + b for a, b in zip(one, other, strict=True))
    return h, g


def nodes_before(root: Operation) -> list[Operation]:
    """Every node before ``root`` and ``root`` itself, each after all that use it."""
    seen, done, stack = {root}, [], [(root, iter(root.next_functions))]
    while stack:
        node, inputs = stack[-1]
        for before, _ in inputs:
            if before is not None and before not in seen:
                seen.add(before)
                stack.append((before, iter(before.next_functions)))
                break
        else:
            done.append(node)
            stack.pop()
    return done[::-1]


def _needs_g(order: Sequence[Operation]) -> dict[Operation, bool]:
    """Whether g is needed at the outputs of each node: it curves, or something before it does."""
    out: dict[Operation, bool] = {}
    for node in reversed(order):
        here = node.name() != LEAF and RULES[node.name()].needs_g(node)
        out[node] = here or any(out[before] for before, _ in node.next_functions if before is not None)
    return out
