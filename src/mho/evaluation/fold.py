"""Fold BatchNorm into the layer before it, so that a chip is evaluated at the cost of a deployed network."""

from __future__ import annotations

import copy
from collections import Counter

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mho.data.dataset import Inputs
from mho.evaluation.forward import call

_AFFINE = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def fold_batchnorm(model: nn.Module, sample: Inputs) -> tuple[nn.Module, dict[str, Tensor]]:
    """An equivalent of ``model`` (evaluation mode) without its foldable BatchNorms.

    ``BN(W x + b) = (g W) x + (b - m) g + beta`` with ``g = gamma / sqrt(var + eps)``. Stored weights are sampled later,
    so they are left alone and their gains returned; biases, which are digital, are folded here.

    Args:
        model: any module; parameter names are kept.
        sample: inputs that it takes.

    Returns:
        The folded copy, and per weight its gain (broadcastable). ``model`` itself and no gains where it cannot be
        traced or has nothing to fold; the numbers are the same either way to rounding.
    """
    if model.training or not any(isinstance(m, _BatchNorm) for m in model.modules()):
        return model, {}
    folded = copy.deepcopy(model)
    try:
        graph = fx.Tracer().trace(folded)
    except Exception:  # the user's own forward runs here, on symbols: it may raise anything
        return model, {}
    if any(n.op == "placeholder" and n.args for n in graph.nodes):
        # An optional argument is never None on symbols, so the trace may have taken the wrong branch.
        return model, {}
    modules = dict(folded.named_modules())
    calls = Counter(str(n.target) for n in graph.nodes if n.op == "call_module")
    gains: dict[str, Tensor] = {}
    for node in list(graph.nodes):
        pair = _pair(node, modules, calls)
        if pair is None:
            continue
        layer, norm = pair
        source = node.args[0]
        assert isinstance(source, fx.Node)
        gains[f"{source.target}.weight"] = _absorb(layer, norm)
        node.replace_all_uses_with(source)
        graph.erase_node(node)
    if not gains:
        return model, {}
    out = fx.GraphModule(folded, graph)
    for name, module in modules.items():
        # The graph drops layers that the forward pass never uses; their weights are sampled all the same.
        if any(True for _ in module.parameters(recurse=False)) and not _has(out, name):
            out.add_submodule(name, module)
    return (out, gains) if _equivalent(model, out, gains, sample) else (model, {})


def _has(model: nn.Module, name: str) -> bool:
    try:
        model.get_submodule(name)
    except AttributeError:
        return False
    return True


def _equivalent(model: nn.Module, folded: nn.Module, gains: dict[str, Tensor], sample: Inputs) -> bool:
    """Whether both compute the same on ``sample``: symbols can lead a forward pass astray without an error."""
    with torch.no_grad():
        before = call(model, sample)
        try:
            after = call(folded, sample, {n: folded.get_parameter(n) * g for n, g in gains.items()})
        except Exception:  # whatever the user's code raises on the way
            return False
    close = 1e-3 * float(before.abs().max())
    return before.shape == after.shape and bool(torch.allclose(before, after, rtol=1e-3, atol=close, equal_nan=True))


def _pair(node: fx.Node, modules: dict[str, nn.Module], calls: Counter[str]) -> tuple[nn.Module, _BatchNorm] | None:
    """The layer and the norm of ``norm(layer(x))``, if that is the only place where either is used."""
    norm = modules.get(str(node.target)) if node.op == "call_module" else None
    if not isinstance(norm, _BatchNorm) or norm.training or norm.running_mean is None:
        return None
    source = node.args[0] if node.args else None
    if not isinstance(source, fx.Node) or source.op != "call_module" or len(source.users) > 1:
        return None
    layer = modules.get(str(source.target))
    # Subclasses may compute something else; only the plain layers are known to be affine in their weight.
    if type(layer) not in _AFFINE or calls[str(source.target)] > 1 or calls[str(node.target)] > 1:
        return None
    assert layer is not None
    # On a sequence a norm may act on another dimension than the layer's outputs.
    return (layer, norm) if norm.num_features == layer.get_parameter("weight").shape[0] else None


def _absorb(layer: nn.Module, norm: _BatchNorm) -> Tensor:
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None
    assert var is not None
    weight = layer.get_parameter("weight")
    with torch.no_grad():
        gain = torch.rsqrt(var + norm.eps) * (norm.weight if norm.affine else 1.0)
        old = layer.bias if isinstance(layer.bias, Tensor) else torch.zeros_like(mean)
        bias = (old - mean) * gain + (norm.bias if norm.affine else 0.0)
    layer.bias = nn.Parameter(bias, requires_grad=False)
    return gain.detach().reshape(-1, *[1] * (weight.dim() - 1))
