"""Pruned layers without their zeros: smaller matrices that give the same outputs."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from mho.memory.layers import LayerRule, Matrix, register
from mho.training.gates.layers import column_dim, gated, linear_layers, refusals, without_gates
from mho.training.gates.sparse import LayerSparsity, alive
from mho.zoo import registry


class CompactLinear(nn.Module):
    """A linear layer that holds only the columns and rows in use; its inputs and outputs are as wide as before.

    Args:
        weight: ``(columns in use, rows in use)``.
        bias: ``(columns in use,)``, or ``None``.
        columns: ``(columns,)`` bool, which are in use; the others are exactly zero.
        rows: ``(rows,)`` bool, which are in use; the others are not read.
    """

    bias: nn.Parameter | None
    place: Tensor | None
    read: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None, columns: Tensor, rows: Tensor) -> None:
        super().__init__()
        self.in_features, self.out_features = len(rows), len(columns)
        self.weight = nn.Parameter(weight)
        self.register_parameter("bias", None if bias is None else nn.Parameter(bias))
        used = int(columns.sum())
        # Where in the smaller output each column is; those that are not are one zero after its end.
        place = torch.where(columns, columns.cumsum(0) - 1, used)
        self.register_buffer("place", None if used == len(columns) else place)
        self.register_buffer("read", None if bool(rows.all()) else rows.nonzero()[:, 0])

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(..., columns)`` of ``x`` ``(..., rows)``."""
        if self.read is not None:
            x = x.index_select(-1, self.read)
        out = functional.linear(x, self.weight, self.bias)
        return out if self.place is None else functional.pad(out, (0, 1)).index_select(-1, self.place)

    def sparsity(self, name: str) -> LayerSparsity:
        """What is left out of the layer, which is called ``name``."""
        columns, rows = self.weight.shape
        left = {"pruned_columns": self.out_features - columns, "pruned_rows": self.in_features - rows}
        return LayerSparsity(name=name, columns=self.out_features, rows=self.in_features, **left)

    def extra_repr(self) -> str:
        """Sizes, for ``print``."""
        columns, rows = self.weight.shape
        return f"{self.in_features} -> {self.out_features}, {rows} rows and {columns} columns in use"


def _matrix(_: nn.Module, shape: tuple[int, ...]) -> Matrix:
    return shape[1], shape[0], 1  # no lambda: chips keep the rule, and are pickled


register(CompactLinear, LayerRule(("weight",), 0, _matrix))


def shrink(model: nn.Module) -> nn.Module:
    """A copy of ``model`` in which linear layers hold no pruned columns and rows: smaller, with the same outputs.

    A column is left out if its weights and its bias are zero, a row if its weights are. Outputs agree but for rounding,
    as sums have fewer terms. Layers of which nothing is pruned, that the network does not simply call, or that do more
    than their class says (hooks, parametrisations, a ``forward`` of their own) stay whole. No column is left to embed
    duplicates into: deploy the pruned network itself for that.

    The result is another network than the one that :func:`mho.zoo.build` makes: ``mho.zoo.save`` keeps its tensors
    alone, which ``mho.zoo.load_into(training.shrink(pruned), path)`` reads.
    """
    out = without_gates(model) if gated(model) else copy.deepcopy(model)
    whole = {id(out.get_submodule(name)) for name in refusals(out)} | _uncalled(out)
    small = {id(layer): _small(layer) for _, layer in linear_layers(out) if id(layer) not in whole and _simple(layer)}
    if (root := small.get(id(out))) is not None:
        return root
    for parent in list(out.modules()):
        for leaf, layer in list(parent._modules.items()):  # a layer may be registered in several places
            if (made := small.get(id(layer))) is not None:
                setattr(parent, leaf, made)
    if any(isinstance(module, CompactLinear) for module in out.modules()) and registry.built_as(out) is not None:
        delattr(out, registry._MARK)  # what mho.zoo.load would build has whole layers
    return out


def _uncalled(model: nn.Module) -> set[int]:
    """Layers, by ``id``, that the module which owns them may read without calling them."""
    found: set[int] = set()
    for module in model.modules():
        if isinstance(module, nn.TransformerEncoderLayer | nn.MultiheadAttention):
            found |= {id(child) for child in module.children()}
    return found


def _simple(layer: nn.Module) -> bool:
    """Whether ``layer`` computes what its class does, and nothing is attached that another layer would lose."""
    attached = any(hooks for key, hooks in vars(layer).items() if key.endswith("_hooks"))
    return not attached and "forward" not in vars(layer) and not parametrize.is_parametrized(layer)


@torch.no_grad()
def _small(layer: nn.Module) -> CompactLinear | None:
    """``layer`` without what is pruned; ``None`` where nothing is."""
    columns, rows = alive(layer)
    bias = layer._parameters.get("bias")
    if bias is not None:
        columns = columns | (bias != 0)
    if bool(columns.all()) and bool(rows.all()):
        return None
    weight = layer.get_parameter("weight")
    flat = weight if column_dim(layer) == 0 else weight.T
    small = CompactLinear(
        flat[columns][:, rows].clone(), None if bias is None else bias[columns].clone(), columns, rows
    )
    for name, parameter in small.named_parameters():
        parameter.requires_grad_(layer.get_parameter(name).requires_grad)
    return small.train(layer.training)
