"""Which parameters of which layers are matrices that a memory array can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from math import prod

from torch import nn

Matrix = tuple[int, int, int]
"""(rows, columns, number of such matrices): inputs by outputs, as laid out on an array."""


@dataclass(frozen=True)
class LayerRule:
    """How one kind of layer keeps its weights.

    Attributes:
        parameters: patterns of parameter names that are weight matrices.
        channel_dim: output-channel dimension of those parameters.
        matrix: ``(module, shape) -> (rows, columns, matrices)``.
        opt_in: stored only if a rule names the layer (look-up tables are no matrix product).
    """

    parameters: tuple[str, ...]
    channel_dim: int
    matrix: Callable[[nn.Module, tuple[int, ...]], Matrix]
    opt_in: bool = False


_RULES: dict[str, LayerRule] = {}


def register(kind: type[nn.Module] | str, rule: LayerRule) -> None:
    """Let :func:`mho.deploy` store the weights of another kind of layer.

    Args:
        kind: the class, or its qualified name (``"package.module.Class"``) so that nothing need be imported.
        rule: how it keeps its weights. Subclasses follow their nearest registered base class.
    """
    _RULES[kind if isinstance(kind, str) else _qualified(kind)] = rule


def rule_for(module: nn.Module) -> LayerRule | None:
    """The rule of the nearest registered base class."""
    return next((_RULES[name] for c in type(module).__mro__ if (name := _qualified(c)) in _RULES), None)


def matrices(module: nn.Module) -> Iterator[tuple[str, LayerRule]]:
    """Names (within the module) of its own parameters that are matrices, with their rule."""
    rule = rule_for(module)
    if rule is not None:
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.dim() > 1 and any(fnmatch(name, pattern) for pattern in rule.parameters):
                yield name, rule


def full_name(prefix: str, leaf: str) -> str:
    """Name in the model of parameter ``leaf`` of the module called ``prefix`` (empty for the model itself)."""
    return f"{prefix}.{leaf}" if prefix else leaf


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _linear(module: nn.Module, shape: tuple[int, ...]) -> Matrix:
    return shape[1], shape[0], 1


def _transposed_linear(module: nn.Module, shape: tuple[int, ...]) -> Matrix:
    return shape[0], shape[1], 1


def _groups(module: nn.Module) -> int:
    groups = module.groups
    assert isinstance(groups, int)
    return groups


def _conv(module: nn.Module, shape: tuple[int, ...]) -> Matrix:
    return prod(shape[1:]), shape[0] // _groups(module), _groups(module)


def _transposed_conv(module: nn.Module, shape: tuple[int, ...]) -> Matrix:
    # Every input drives the whole kernel of every output channel; overlapping outputs are added digitally.
    return shape[0] // _groups(module), prod(shape[1:]), _groups(module)


register(nn.Linear, LayerRule(("weight",), 0, _linear))
for _conv_kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
    register(_conv_kind, LayerRule(("weight",), 0, _conv))
for _transposed_kind in (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d):
    register(_transposed_kind, LayerRule(("weight",), 1, _transposed_conv))
register(nn.MultiheadAttention, LayerRule(("in_proj_weight", "[qkv]_proj_weight"), 0, _linear))
register(nn.RNNBase, LayerRule(("weight_ih_l*", "weight_hh_l*", "weight_hr_l*"), 0, _linear))
for _cell in (nn.RNNCell, nn.LSTMCell, nn.GRUCell):
    register(_cell, LayerRule(("weight_ih", "weight_hh"), 0, _linear))
register(nn.Embedding, LayerRule(("weight",), 0, _transposed_linear, opt_in=True))
# GPT-2's projection, a linear layer with the weight the other way round.
register("transformers.pytorch_utils.Conv1D", LayerRule(("weight",), 1, _transposed_linear))
