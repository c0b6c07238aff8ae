"""What a scheme takes: cells, cells besides those of the weights, and whether the faults of a chip must be known."""

from __future__ import annotations

from dataclasses import dataclass

from mho.memory.deployment import Chips
from mho.memory.placing import layouts


@dataclass(frozen=True)
class SchemeCost:
    """What a scheme takes.

    Attributes:
        cells: of the weights, pruned ones and all planes counted.
        extra: cells besides: copies that found no room among pruned columns, and check bits.
        known_map: whether the faults of every chip must be found first (a march test).
    """

    cells: int
    extra: int = 0
    known_map: bool = False

    @property
    def overhead(self) -> float:
        """Cells besides, as a share of those of the weights."""
        return self.extra / self.cells if self.cells else 0.0


def cost_of(chips: Chips) -> SchemeCost:
    """What the scheme of ``chips`` takes."""
    sizes = {
        name: chips.model.get_parameter(name).numel() * place.memory.mapping.cells_per_weight
        for name, place in chips.placements.items()
    }
    guarded = {name: place for name, place in chips.placements.items() if place.memory.redundancy is not None}
    laid = layouts(chips.model, guarded)
    return SchemeCost(
        cells=sum(sizes.values()),
        extra=sum(layout.cells - sizes[name] for name, layout in laid.items()),
        known_map=any(m.redundancy is not None and m.redundancy.known_map for m in chips.memories),
    )
