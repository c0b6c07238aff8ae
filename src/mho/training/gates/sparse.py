"""How many columns and rows of the linear layers of a network are nothing but zeros."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mho.text import table
from mho.training.gates.layers import column_dim, linear_layers, sizes
from mho.units import percent


@dataclass(frozen=True, kw_only=True)
class LayerSparsity:
    """A linear layer.

    Attributes:
        name: of the layer.
        columns: outputs.
        rows: inputs.
        pruned_columns: columns whose weights are all exactly zero.
        pruned_rows: rows whose weights are all exactly zero.
    """

    name: str
    columns: int
    rows: int
    pruned_columns: int
    pruned_rows: int

    @property
    def column_sparsity(self) -> float:
        """Fraction of the columns that are pruned."""
        return self.pruned_columns / self.columns

    @property
    def row_sparsity(self) -> float:
        """Fraction of the rows that are pruned."""
        return self.pruned_rows / self.rows

    @property
    def kept(self) -> int:
        """Weights in columns and rows that are not pruned."""
        return (self.columns - self.pruned_columns) * (self.rows - self.pruned_rows)


@dataclass(frozen=True, kw_only=True)
class Sparsity:
    """The linear layers of a network; ``print`` shows a table.

    Attributes:
        layers: in the order of the modules.
        title: a line above the table.
    """

    layers: tuple[LayerSparsity, ...]
    title: str = ""

    @property
    def columns(self) -> float:
        """Fraction of all columns that are pruned."""
        return _share(sum(r.pruned_columns for r in self.layers), sum(r.columns for r in self.layers))

    @property
    def rows(self) -> float:
        """Fraction of all rows that are pruned."""
        return _share(sum(r.pruned_rows for r in self.layers), sum(r.rows for r in self.layers))

    @property
    def weights(self) -> float:
        """Fraction of all weights that are in pruned columns or rows."""
        whole = sum(r.columns * r.rows for r in self.layers)
        return _share(whole - sum(r.kept for r in self.layers), whole)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"layers": [asdict(row) for row in self.layers]}

    def __str__(self) -> str:
        total = (
            f"{percent(self.columns)} % of the columns, {percent(self.rows)} % of the rows, "
            f"{percent(self.weights)} % of the weights"
        )
        return listed(self.layers, f"{self.title}{': ' if self.title else ''}{total}")


def listed(layers: Iterable[LayerSparsity], title: str) -> str:
    """A table with a line for every layer, below ``title``."""
    rows = [[r.name, r.columns, r.pruned_columns, percent(r.column_sparsity), r.rows, r.pruned_rows] for r in layers]
    return table(["layer", "columns", "pruned", "%", "rows", "pruned"], rows, title=title)


def sparsity(model: nn.Module) -> Sparsity:
    """How many columns (outputs) and rows (inputs) of every linear layer of ``model`` have no weight but zeros.

    Args:
        model: any network; layers with gates count as if the gates were taken off, and those that
            :func:`mho.training.shrink` made as what they were.
    """
    from mho.training.gates.compact import CompactLinear
    from mho.training.gates.layers import gated, without_gates

    plain = without_gates(model) if gated(model) else model
    linear = {name for name, _ in linear_layers(plain)}
    found: list[LayerSparsity | None] = []
    for name, layer in plain.named_modules():
        if isinstance(layer, CompactLinear):
            found.append(layer.sparsity(name))
        elif name in linear:
            found.append(measured(name, layer))
    return Sparsity(layers=tuple(row for row in found if row is not None), title=type(model).__name__)


def measured(name: str, layer: nn.Module) -> LayerSparsity | None:
    """The row of ``layer``; ``None`` where its weight is no parameter."""
    if layer._parameters.get("weight") is None:
        return None
    rows, columns = sizes(layer)
    alive_columns, alive_rows = alive(layer)
    dead = columns - int(alive_columns.sum()), rows - int(alive_rows.sum())
    return LayerSparsity(name=name, columns=columns, rows=rows, pruned_columns=dead[0], pruned_rows=dead[1])


@torch.no_grad()
def alive(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """``(columns,)`` and ``(rows,)`` bool: which have a weight that is not zero."""
    used = layer.get_parameter("weight") != 0
    dim = column_dim(layer)
    return used.any(1 - dim), used.any(dim)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
