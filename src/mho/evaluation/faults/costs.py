"""What a scheme takes: cells, cells besides those of the weights, a map of faults, cells read one by one."""

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
        digital_read: whether cells are read one by one, not added up on a bit line.
    """

    cells: int
    extra: int = 0
    known_map: bool = False
    digital_read: bool = False

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
    measures = [m.redundancy for m in chips.memories if m.redundancy is not None]
    return SchemeCost(
        cells=sum(sizes.values()),
        extra=sum(layout.cells - sizes[name] for name, layout in laid.items()),
        known_map=any(measure.known_map for measure in measures),
        digital_read=any(measure.digital for measure in measures),
    )
