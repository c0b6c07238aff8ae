"""Gates on linear layers: which layers can have them, putting them on, and taking them off with zeros left behind."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mho.errors import ModelError, SpecError, UnknownNameError, nearest
from mho.memory.layers import rule_for
from mho.training.gates.straight import Estimator, opened
from mho.zoo import registry

_CONV1D = "transformers.pytorch_utils.Conv1D"
_CHILD = "gates"
_WAS = "_mho_gated_from"
"""Attribute for what a network was built from while it has gates, which mho.zoo.load would not build."""


class LayerGates(nn.Module):
    """The gates of one linear layer; they do not learn unless :class:`mho.training.Gates` trains them.

    Args:
        columns: outputs of the layer, where those are gated.
        rows: inputs of the layer, where those are gated.

    Attributes:
        columns: ``(outputs,)`` auxiliary values, a gate is open where its value is positive; ``None`` without.
        rows: ``(inputs,)`` likewise.
        estimator: of the gradient.
        deploy_refused: why :func:`mho.deploy` takes no network with gates, and what to do about it.
    """

    deploy_refused: ClassVar[tuple[str, str]] = (
        "gates are not stored in memory, and closed columns would be stored as if they were in use",
        "take the gates off with mho.training.without_gates(model)",
    )

    columns: nn.Parameter | None
    rows: nn.Parameter | None
    estimator: Estimator = "softplus"

    def __init__(self, columns: int | None, rows: int | None) -> None:
        super().__init__()
        for name, size in (("columns", columns), ("rows", rows)):
            values = None if size is None else nn.Parameter(torch.ones(size), requires_grad=False)
            self.register_parameter(name, values)

    def mask(self, along: str, like: Tensor) -> Tensor:
        """The gates ``along`` "columns" or "rows", 0 and 1, in the type of ``like``."""
        return opened(self.get_parameter(along), self.estimator).to(like.dtype)


def _gate_rows(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    gates = gates_of(layer)
    if not args:
        return args, {key: value * gates.mask("rows", value) for key, value in kwargs.items()}
    return (args[0] * gates.mask("rows", args[0]), *args[1:]), kwargs


def _gate_columns(layer: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
    # After the bias: a pruned column gives exactly zero.
    return output * gates_of(layer).mask("columns", output)


def gates_of(layer: nn.Module) -> LayerGates:
    """The gates of ``layer``, which has some."""
    gates = layer.get_submodule(_CHILD)
    assert isinstance(gates, LayerGates)
    return gates


def gated(model: nn.Module) -> dict[str, nn.Module]:
    """The layers of ``model`` that have gates, by name."""
    return {n: m for n, m in model.named_modules() if isinstance(getattr(m, _CHILD, None), LayerGates)}


def sizes(layer: nn.Module) -> tuple[int, int]:
    """``(rows, columns)`` of a linear layer: inputs, outputs."""
    weight = layer.get_parameter("weight")
    return (weight.shape[1], weight.shape[0]) if column_dim(layer) == 0 else (weight.shape[0], weight.shape[1])


def column_dim(layer: nn.Module) -> int:
    """Which dimension of the weight counts columns: 0, or 1 for GPT-2's projections."""
    rule = rule_for(layer)
    return 0 if rule is None else rule.channel_dim


def linear_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The linear layers of ``model`` that compute ``x W + b`` and nothing else, by name."""
    for name, module in model.named_modules():
        kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(module).__mro__]
        if type(module).forward is nn.Linear.forward or kinds[0] == _CONV1D:
            yield name, module


def refusals(model: nn.Module) -> dict[str, str]:
    """Why layers with matrices cannot have gates, by name."""
    fit = {name for name, _ in linear_layers(model)}
    owners: dict[int, list[str]] = {}
    for name, module in model.named_modules():
        for parameter in module._parameters.values():
            if parameter is not None and parameter.dim() > 1:
                owners.setdefault(id(parameter), []).append(name)
    out = {}
    for name, module in model.named_modules():
        parent = model.get_submodule(name.rpartition(".")[0]) if "." in name else model
        weight = module._parameters.get("weight")
        shared = [n for n in owners.get(id(weight), []) if n != name] if weight is not None else []
        if isinstance(module, nn.MultiheadAttention):
            out[name] = "nn.MultiheadAttention multiplies one in_proj_weight itself; write attention with nn.Linear"
        elif isinstance(parent, nn.MultiheadAttention) and name in fit:
            out[name] = "nn.MultiheadAttention reads its weight without calling it; write attention with nn.Linear"
        elif name in fit and shared:
            out[name] = f"its weight is also that of {shared[0]}; untie them, or leave it out"
        elif name in fit and weight is None:
            out[name] = "its weight is computed (a parametrization); remove that first"
        elif name not in fit and rule_for(module) is not None and not isinstance(module, nn.Embedding):
            out[name] = f"gates are for linear layers, and this is a {type(module).__name__}"
    return out


def gateable(model: nn.Module) -> list[str]:
    """Names of the layers that can have gates, in the order of the modules."""
    refused = refusals(model)
    return [name for name, _ in linear_layers(model) if name not in refused]


def choose(model: nn.Module, layers: Iterable[str] | None, called: list[str] | None = None) -> list[str]:
    """Names of the layers to gate.

    Args:
        model: the network.
        layers: patterns of names; ``None`` for all that can have gates but the last, the classifier.
        called: linear layers in the order in which the network called them; that of its modules if left out.

    Raises:
        UnknownNameError: a pattern names no layer.
        SpecError: no pattern, or one text for patterns.
        ModelError: a named layer cannot have gates, or none is left.
    """
    open_to, refused = gateable(model), refusals(model)
    order = [name for name, _ in linear_layers(model)] if called is None else called
    if layers is None:
        usual = [name for name in open_to if name in order[:-1]]
        if not usual:
            why = "".join(f"; {name or 'the network'}: {reason}" for name, reason in list(refused.items())[:1])
            last = f"name it, layers=['{open_to[-1]}']" if open_to else "build it of nn.Linear"
            raise ModelError(
                f"{type(model).__name__} has no linear layer before its last one: nothing to gate{why}; {last}, or do "
                "not prune it"
            )
        return usual
    if isinstance(layers, str):
        raise SpecError(f"layers='{layers}' is text; give a list: layers=['{layers}']")
    found: list[str] = []
    layers = list(layers)
    if not layers:
        raise SpecError("layers=[] names no layer; leave layers out for all linear layers but the last")
    for pattern in layers:
        fitting = [name for name in open_to if fnmatchcase(name, pattern)]
        if not fitting:
            for name, reason in refused.items():
                if fnmatchcase(name, pattern):
                    raise ModelError(f"layer '{name}' cannot have gates: {reason}")
            raise UnknownNameError(f"no linear layer is called '{pattern}': {nearest(pattern, open_to)}")
        for name in fitting if called is not None else ():
            if name not in order:
                raise ModelError(f"layer '{name}' cannot have gates: the network reads its weight without calling it")
        found += fitting
    return [name for name in open_to if name in found]


def with_gates(
    model: nn.Module, layers: Iterable[str] | None = None, *, columns: bool = True, rows: bool = False
) -> nn.Module:
    """A copy of ``model`` with open gates on linear layers; it computes what ``model`` computes.

    Every gate is one auxiliary value beside the weights (``layer.gates.columns`` and ``layer.gates.rows`` in the
    state), so checkpoints, resuming and keeping the best epoch take them along. They do not learn, and no optimiser
    moves them, until :class:`mho.training.Gates` trains them; :func:`mho.training.without_gates` takes them off.

    A closed column gate makes the output, bias included, zero; a closed row gate makes the input zero (equations 2-4 of
    [li2024zerospace]).

    Args:
        model: the network, which does not change.
        layers: patterns of names of the layers; all linear layers but the last (in the order of the modules) if left
            out. ``nn.Linear`` and transformers' ``Conv1D`` can have gates.
        columns: gates on outputs.
        rows: gates on inputs.

    Raises:
        ModelError: a named layer cannot have gates, or the network has gates already.
        UnknownNameError: a pattern names no layer.
        SpecError: neither columns nor rows, or no pattern.
    """
    return attach(model, choose(model, layers), columns=columns, rows=rows)


def attach(model: nn.Module, names: Iterable[str], *, columns: bool, rows: bool) -> nn.Module:
    """A copy of ``model`` with open gates on the layers ``names``, which can have some."""
    if not columns and not rows:
        raise SpecError("columns=False and rows=False: there is nothing to gate")
    if gated(model):
        raise ModelError(f"{type(model).__name__} has gates already; take them off with mho.training.without_gates")
    out = copy.deepcopy(model)
    for name in names:
        layer = out.get_submodule(name)
        inputs, outputs = sizes(layer)
        made = LayerGates(outputs if columns else None, inputs if rows else None)
        layer.add_module(_CHILD, made.to(layer.get_parameter("weight").device))
        if rows:
            layer.register_forward_pre_hook(_gate_rows, with_kwargs=True)
        if columns:
            layer.register_forward_hook(_gate_columns)
    _rename(out, registry._MARK, _WAS)
    return out


def without_gates(model: nn.Module) -> nn.Module:
    """A plain copy of ``model``: weights and bias of closed columns, and weights of closed rows, are exactly zero."""
    out = copy.deepcopy(model)
    for layer in gated(out).values():
        _take_off(layer)
    _rename(out, _WAS, registry._MARK)
    return out


def _rename(model: nn.Module, old: str, new: str) -> None:
    if hasattr(model, old):
        setattr(model, new, getattr(model, old))
        delattr(model, old)


@torch.no_grad()
def _take_off(layer: nn.Module) -> None:
    gates, weight, bias = gates_of(layer), layer.get_parameter("weight"), layer._parameters.get("bias")
    across = column_dim(layer)
    if gates.columns is not None:
        closed = gates.columns <= 0
        weight.index_fill_(across, closed.nonzero()[:, 0], 0.0)
        if bias is not None:
            bias[closed] = 0.0
    if gates.rows is not None:
        weight.index_fill_(1 - across, (gates.rows <= 0).nonzero()[:, 0], 0.0)
    delattr(layer, _CHILD)
    for hooks in (layer._forward_hooks, layer._forward_pre_hooks):
        for key, hook in list(hooks.items()):
            if hook in (_gate_rows, _gate_columns):
                del hooks[key]
    layer._forward_pre_hooks_with_kwargs = type(layer._forward_pre_hooks_with_kwargs)(
        (key, said) for key, said in layer._forward_pre_hooks_with_kwargs.items() if key in layer._forward_pre_hooks
    )
