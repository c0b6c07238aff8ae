"""Smooth functions of one number: ``h(x) = f'(x)² h(y) + f''(x) g(y)``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mho.evaluation.sensitivity.graph import Operation, Pair, Step, rule, signed

Bend = Callable[[Operation, Tensor], Tensor]
"""``(node, f') -> f''`` at every element; f' is the operation's own backward of ones."""
_OfTensor = Callable[[Tensor, Tensor], Tensor]


def smooth(*names: str) -> Callable[[Bend], Bend]:
    """Register ``(node, f') -> f''`` for the elementwise operations with these node names."""

    def keep(bend: Bend) -> Bend:
        @rule(*names, needs_g=True)
        def curved(step: Step) -> Sequence[Pair | None]:
            h, g = step.output
            first = step.vjp([torch.ones_like(h)])[0]
            assert g is not None
            assert first is not None
            second = bend(step.node, first)
            return [(torch.addcmul(second.mul_(g), first.square(), h), first.mul_(g) if step.wants_g[0] else None)]

        return bend

    return keep


def of_result(name: str) -> Callable[[_OfTensor], _OfTensor]:
    """The same for ``(y, f') -> f''``."""

    def keep(bend: _OfTensor) -> _OfTensor:
        smooth(f"{name}Backward0")(lambda node, first: bend(node._saved_result, first))
        return bend

    return keep


def of_input(name: str) -> Callable[[_OfTensor], _OfTensor]:
    """The same for ``(x, f') -> f''``."""

    def keep(bend: _OfTensor) -> _OfTensor:
        smooth(f"{name}Backward0")(lambda node, first: bend(node._saved_self, first))
        return bend

    return keep


of_result("Tanh")(lambda y, first: -2 * y * first)
of_result("Sigmoid")(lambda y, first: (1 - 2 * y) * first)
of_result("Exp")(lambda y, first: y.clone())
of_result("Expm1")(lambda y, first: y + 1)
of_result("Sqrt")(lambda y, first: -2 * first**3)
of_result("Rsqrt")(lambda y, first: 0.75 * y**5)
of_result("Reciprocal")(lambda y, first: 2 * y**3)
of_input("Log")(lambda x, first: -first.square())
of_input("Log1P")(lambda x, first: -first.square())
of_input("Sin")(lambda x, first: -x.sin())
of_input("Cos")(lambda x, first: -x.cos())
of_input("Erf")(lambda x, first: -2 * x * first)
of_input("Hardswish")(lambda x, first: (x.abs() < 3).to(x) / 3)
of_input("LogSigmoid")(lambda x, first: first * (first - 1))  # f' = 1 - sigmoid


@of_input("Silu")
def _silu(x: Tensor, first: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 - s) * (2 + x * (1 - 2 * s))


@of_input("Mish")
def _mish(x: Tensor, first: Tensor) -> Tensor:
    t, s = torch.tanh(F.softplus(x)), x.sigmoid()
    return (1 - t * t) * s * (2 + x * (1 - s - 2 * t * s))


@smooth("GeluBackward0")
def _gelu(node: Operation, first: Tensor) -> Tensor:
    x: Tensor = node._saved_self
    if node._saved_approximate == "none":
        squared = x.square()
        return (2 - squared).mul_(squared.mul_(-0.5).exp_()).mul_(1 / math.sqrt(2 * math.pi))
    k, c = math.sqrt(2 / math.pi), 0.044715
    t = torch.tanh(k * (x + c * x**3))
    inner = k * (1 + 3 * c * x * x)
    return (1 - t * t) * (inner + x * (3 * k * c * x - t * inner * inner))


@smooth("SoftplusBackward0")
def _softplus(node: Operation, first: Tensor) -> Tensor:
    """Zero where torch takes it for linear: f' is one there."""
    beta: float = node._saved_beta
    return (1 - first).mul_(first).mul_(beta)


def _below(first: Tensor, steepness: float, at: Tensor) -> Tensor:
    """``exp(steepness x)`` where ``at`` (x, or y, which has its sign) is not positive; linear above."""
    return (first * steepness).masked_fill_(at > 0, 0)


smooth("EluBackward0")(lambda node, first: _below(first, node._saved_input_scale, node._saved_self))
smooth("EluBackward1")(lambda node, first: _below(first, node._saved_input_scale, node._saved_result))
smooth("CeluBackward0")(lambda node, first: _below(first, 1 / node._saved_alpha, node._saved_self))
smooth("CeluBackward1")(lambda node, first: _below(first, 1 / node._saved_alpha, node._saved_result))


@smooth("PowBackward0")
def _power(node: Operation, first: Tensor) -> Tensor:
    """A constant power; ``0 x^-1`` at zero is no slope but not a number, hence the cases."""
    x: Tensor = node._saved_self
    p: float = node._saved_exponent
    if p in (0, 1):
        return torch.zeros_like(x)
    return torch.full_like(x, 2.0) if p == 2 else (x ** (p - 2)).mul_(p * (p - 1))


@smooth("PowBackward2")
def _exponential(node: Operation, first: Tensor) -> Tensor:
    """``b^x``, b a constant."""
    base: float = node._saved_self
    return first * math.log(base)


@rule("GluBackward0", needs_g=True)
def glu(step: Step) -> Sequence[Pair | None]:
    """``y = a sigmoid(b)``, a and b the halves of x."""
    h, g = step.output
    assert g is not None
    dim = signed(step.node._saved_dim)
    a, b = step.node._saved_self.chunk(2, dim)
    s = b.sigmoid()
    slope = a * s * (1 - s)
    curved = torch.cat([s.square() * h, slope.square() * h + slope * (1 - 2 * s) * g], dim)
    return [(curved, torch.cat([s * g, slope * g], dim))]
