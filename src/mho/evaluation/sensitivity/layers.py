"""From numbers per weight to rows per layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mho.errors import SpecError
from mho.text import table
from mho.units import percent

if TYPE_CHECKING:
    from mho.evaluation.sensitivity.result import Sensitivity


@dataclass(frozen=True, kw_only=True)
class LayerSensitivity:
    """How much one weight tensor matters. All numbers are normalised (``h S²``), shares are fractions.

    Attributes:
        name: parameter name.
        weights: how many weights it has.
        total: sum over them.
        share: the same over the sum of all layers.
        zero: share of its weights with zero.
        negative: share of its weights where the loss curves downwards (counted as zero above).
        median: over its weights.
        largest: over its weights.
        top1: share of its weights that are among the first 1 % of all weights.
        top10: share of its weights that are among the first 10 % of all weights.
    """

    name: str
    weights: int
    total: float
    share: float
    zero: float
    negative: float
    median: float
    largest: float
    top1: float
    top10: float

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def layer_rows(values: Mapping[str, Tensor], signed: Mapping[str, Tensor]) -> list[LayerSensitivity]:
    """One row a tensor of ``values`` (non-negative); ``signed`` are the same numbers with their signs."""
    everything = torch.cat([v.flatten() for v in values.values()])
    bars = {part: _bar(everything, part) for part in (0.01, 0.1)}
    whole = float(everything.sum(dtype=torch.float64))
    rows = []
    for name, value in values.items():
        n, total = value.numel(), float(value.sum(dtype=torch.float64))
        rows.append(
            LayerSensitivity(
                name=name,
                weights=n,
                total=total,
                share=total / whole if whole else 0.0,
                zero=int((value == 0).sum()) / n,
                negative=int((signed[name] < 0).sum()) / n,
                median=float(value.median()),
                largest=float(value.max()),
                top1=_share(value, bars[0.01]),
                top10=_share(value, bars[0.1]),
            )
        )
    return rows


def _bar(values: Tensor, part: float) -> float:
    """The smallest of the largest ``part`` of all values."""
    n = max(1, round(part * values.numel()))
    return float(values.kthvalue(values.numel() - n + 1).values)


def _share(value: Tensor, bar: float) -> float:
    # Zeros are never among the first, however few weights have more.
    return int(((value >= bar) & (value > 0)).sum()) / value.numel()


def strongest(values: Mapping[str, Tensor], n: int) -> list[tuple[str, tuple[int, ...], float]]:
    """The ``n`` largest of ``values``: (name, index, value); of equal ones the first."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise SpecError(f"n={n!r} must be an integer of one or more")
    best: list[tuple[float, int, str, int]] = []
    for order, (name, value) in enumerate(values.items()):
        flat = value.flatten()
        bar = flat.kthvalue(max(1, flat.numel() - n + 1)).values
        # Of equal values topk would take any.
        places = [*(flat > bar).nonzero().flatten().tolist(), *(flat == bar).nonzero().flatten()[:n].tolist()]
        best += [(-float(flat[i]), order, name, i) for i in places]
    best.sort()
    return [
        (name, tuple(int(k) for k in torch.unravel_index(torch.tensor(i), values[name].shape)), -minus)
        for minus, _, name, i in best[:n]
    ]


def ranking_table(best: list[tuple[str, tuple[int, ...], float]], weights: int) -> str:
    """The first weights of all as a table."""
    rows = [[k, name, list(index), f"{value:.4g}"] for k, (name, index, value) in enumerate(best, start=1)]
    title = f"the first {len(best)} of {weights:,} weights"
    return table(["rank", "weight", "index", "value"], rows, left=3, title=title)


def layer_table(result: Sensitivity) -> str:
    """The rows as a table, with a line that says of what."""
    rows = result.layers()
    curved = any(row.negative for row in rows)
    header = ["weight", "weights", "share %", "zero %", *(["below 0 %"] if curved else []), "median", "max"]
    cells: list[list[object]] = [
        [
            row.name,
            f"{row.weights:,}",
            percent(row.share),
            percent(row.zero),
            *([percent(row.negative)] if curved else []),
            f"{row.median:.3g}",
            f"{row.largest:.3g}",
            percent(row.top1),
            percent(row.top10),
        ]
        for row in rows
    ]
    zeros = sum(row.zero * row.weights for row in rows) / result.weights
    below = sum(row.negative * row.weights for row in rows) / result.weights
    total = [f"{result.weights:,}", percent(1), percent(zeros), *([percent(below)] if curved else [])]
    cells.append(["all", *total, "", f"{max(row.largest for row in rows):.3g}", "", ""])
    said = f"{result.model}: {result.method}" + (" x S²" if result.power == 2 else "")
    if result.data:
        said += f", {result.loss} {result.value:.4g} on {result.images:,} samples of {result.data}"
    lines = [
        table([*header, "top 1 %", "top 10 %"], cells, title=said),
        "top 1 %: part of the layer, in %, that is among the first 1 % of all weights",
        *([f"note: {result.note}"] if result.note else []),
    ]
    return "\n".join(lines)
