"""What pruning returns: the network, and what is left of every layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mho.spec import plain, references
from mho.units import percent

if TYPE_CHECKING:
    from torch import nn

    from mho.training.gates.method import Gates
    from mho.training.gates.sparse import LayerSparsity
    from mho.training.recipe import Recipe
    from mho.training.record import Epoch


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """A pruned network.

    Attributes:
        model: the network, in eval mode, without gates: weights and bias of pruned columns, and weights of pruned rows,
            are exactly zero.
        layers: those that had gates.
        pools: layers with one target together.
        method: how it was pruned.
        data: name of the training data.
        before: loss and, of classifiers, accuracy (a fraction) on the validation samples before; ``None`` without such.
        after: likewise after.
        recipe: how gates and weights learnt.
        tuning: how the weights learnt on.
        epochs: of both runs, each numbered from 1.
        left_out: why layers with matrices had no gates, by name.
    """

    model: nn.Module
    layers: tuple[LayerSparsity, ...]
    pools: tuple[tuple[str, ...], ...]
    method: Gates
    data: str
    before: tuple[float, float | None] | None = None
    after: tuple[float, float | None] | None = None
    recipe: Recipe | None = None
    tuning: Recipe | None = None
    epochs: tuple[Epoch, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> float:
        """Fraction of the columns of all gated layers that are pruned."""
        return sum(row.pruned_columns for row in self.layers) / sum(row.columns for row in self.layers)

    @property
    def least(self) -> float:
        """The least fraction of pruned columns in a layer, or in a pool as a whole: what duplicates need room in."""
        rows = {row.name: row for row in self.layers}
        pooled = {name for pool in self.pools for name in pool}
        groups = [*self.pools, *((name,) for name in rows if name not in pooled)]
        shares = [sum(rows[n].pruned_columns for n in names) / sum(rows[n].columns for n in names) for names in groups]
        return min(shares)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys; see :func:`mho.cite`."""
        return references(self.method)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: all but the network."""
        return {
            "method": self.method.to_dict(),
            "recipe": plain(self.recipe),
            "tuning": plain(self.tuning),
            "data": self.data,
            "layers": [asdict(row) for row in self.layers],
            "pools": [list(pool) for pool in self.pools],
            "before": None if self.before is None else list(self.before),
            "after": None if self.after is None else list(self.after),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "left_out": dict(self.left_out),
        }

    def __str__(self) -> str:
        from mho.training.gates.sparse import listed

        title = (
            f"{type(self.model).__name__} pruned on {self.data}: {percent(self.columns)} % of the columns, at least "
            f"{percent(self.least)} % in every {'pool' if self.pools else 'layer'}{self._cost()}"
        )
        text = listed(self.layers, title)
        for name, reason in self.left_out.items():
            text += f"\n{name} had no gates: {reason}"
        return text

    def _cost(self) -> str:
        if self.before is None or self.after is None:
            return ""
        if self.before[1] is None or self.after[1] is None:
            return f"; held-out loss {self.before[0]:.4g} before, {self.after[0]:.4g} after"
        return f"; held-out accuracy {percent(self.before[1])} % before, {percent(self.after[1])} % after"
