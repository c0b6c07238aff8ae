"""Duplicates of planes in the columns that pruning left empty: Algorithm 2 of [li2024zerospace] as a placement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Slot(NamedTuple):
    """One duplicated column of one plane, in the + and the - array alike, and where it stands.

    Attributes:
        layer: whose column it is.
        plane: significance, 0 the least.
        copy: 1, 2, ... of the duplicates.
        column: output.
        host: layer whose array it stands in.
        host_plane: plane there; from n on in arrays that are added for it.
        host_column: column there.
    """

    layer: str
    plane: int
    copy: int
    column: int
    host: str
    host_plane: int
    host_column: int


@dataclass(frozen=True)
class Embedding:
    """Where every duplicate of the layers of one pool stands.

    Attributes:
        layers: name to (columns, pruned columns), of layers with the same inputs.
        bits: n, planes of a layer.
        copies: copies of every plane, the original counted, plane 0 first.
        slots: one a duplicated column; those without room come last, in arrays that are added.
        room: whether pruned columns were used.
    """

    layers: dict[str, tuple[int, int]]
    bits: int
    copies: tuple[int, ...]
    slots: tuple[Slot, ...]
    room: bool = True

    @property
    def duplicates(self) -> int:
        """Duplicated planes, T - 1 for each that is protected by T copies."""
        return sum(self.copies) - self.bits

    @property
    def free(self) -> int:
        """Columns of planes that pruning left empty, and that may be used."""
        return self.room * sum(self.bits * pruned for _, pruned in self.layers.values())

    @property
    def needed(self) -> int:
        """Columns of duplicates."""
        return sum(self.duplicates * (columns - pruned) for columns, pruned in self.layers.values())

    @property
    def missing(self) -> int:
        """Columns of duplicates that had to go elsewhere."""
        return sum(slot.host_plane >= self.bits for slot in self.slots)

    @property
    def sparsity(self) -> float:
        """Share of columns that are pruned."""
        return sum(pruned for _, pruned in self.layers.values()) / max(1, sum(n for n, _ in self.layers.values()))

    @property
    def least_sparsity(self) -> float:
        """The least share of pruned columns with which all duplicates fit."""
        return least_sparsity(self.bits, self.copies)

    @property
    def overhead(self) -> float:
        """Columns that were added over those that there are."""
        return self.missing / (self.bits * sum(columns for columns, _ in self.layers.values()))

    @property
    def overhead_without(self) -> float:
        """The same if nothing were embedded."""
        return self.needed / (self.bits * sum(columns for columns, _ in self.layers.values()))


def least_sparsity(bits: int, copies: Sequence[int]) -> float:
    """Share of pruned columns from which on duplicates cost no space, ``d / (n + d)`` for d duplicated planes.

    20 % of 8 planes whose top one is stored three times; the 30 % of [li2024zerospace] suffice and are not needed
    (docs/decisions/0020).

    Args:
        bits: n, planes of the magnitude.
        copies: copies of every plane, the original counted.
    """
    more = sum(copies) - bits
    return more / (bits + more)


def embed(pruned: dict[str, NDArray[np.bool_]], bits: int, copies: Sequence[int], *, room: bool = True) -> Embedding:
    """Distribute the duplicates of layers that have the same inputs over the pruned columns of all their planes.

    Duplicates are taken copy by copy, plane by plane from the top, column by column; free columns layer by layer,
    plane by plane from the bottom, a layer's own first. Pruned columns have no duplicates.

    Args:
        pruned: layer name to ``(columns,)``, whether nothing is read from a column.
        bits: n, planes of a layer.
        copies: copies of every plane, the original counted, plane 0 first.
        room: whether to use pruned columns at all.
    """
    open_to: dict[str, list[tuple[int, int]]] = {
        name: [(b, int(c)) for b in range(bits) for c in np.flatnonzero(mask)] if room else []
        for name, mask in pruned.items()
    }
    taken = dict.fromkeys(pruned, 0)
    added = dict.fromkeys(pruned, 0)
    slots, rest = [], []
    for name, mask in pruned.items():
        items = [
            (b, k, int(c))
            for k in range(1, max(copies, default=1))
            for b in reversed(range(bits))
            if copies[b] > k
            for c in np.flatnonzero(~mask)
        ]
        here = open_to[name][: len(items)]
        taken[name] = len(here)
        slots += [Slot(name, *item, name, *place) for item, place in zip(items, here, strict=False)]
        rest += [(name, item) for item in items[len(here) :]]
    elsewhere = [(host, place) for host, places in open_to.items() for place in places[taken[host] :]]
    for i, (name, item) in enumerate(rest):
        if i < len(elsewhere):
            host, place = elsewhere[i]
            slots.append(Slot(name, *item, host, *place))
        else:
            columns = len(pruned[name])
            number = added[name]
            added[name] += 1
            slots.append(Slot(name, *item, name, bits + number // columns, number % columns))
    sizes = {name: (len(mask), int(mask.sum())) for name, mask in pruned.items()}
    return Embedding(sizes, bits, tuple(copies), tuple(slots), room)
