"""Which logical cell each physical cell of a weight tensor holds, and the faults of a chip in those terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mho.devices.stuck_at import StuckAt
from mho.kernels.arrivals import arrivals
from mho.mapping.plane_code import Geometry, Ints, PlaneCode
from mho.memory.redundancy.embedding import Embedding, Slot
from mho.memory.redundancy.faults import Faults
from mho.rng import stream_key


@dataclass(frozen=True, eq=False)
class Host:
    """Arrays in which cells of a layer stand: its own, or those of a layer with the same inputs.

    Attributes:
        layer: name of the parameter; it addresses the faults.
        geometry: of its tensor.
        planes: of an array, those that were added counted.
        content: ``(planes, columns)`` what a column holds: ``(copy * bits + plane) * columns + column`` of the layer
            that is laid out, -1 where it is nothing of it.
    """

    layer: str
    geometry: Geometry
    planes: int
    content: Ints


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the planes of one layer and their duplicates stand.

    Cells are numbered array by array: the n planes of +, the n of -, those added for duplicates (+ and - in turn),
    then extra cells; within a plane, as the flattened weight. So a layer has the same faults whatever is added.

    Attributes:
        layer: name of the parameter.
        code: what the cells should hold.
        hosts: its own arrays first.
        extra: cells besides planes and copies.
        embedding: of the pool that it is part of; ``None`` without duplicates.
        everywhere: whether columns and rows that are not read count as holding something.
    """

    layer: str
    code: PlaneCode
    hosts: tuple[Host, ...]
    extra: int = 0
    embedding: Embedding | None = None
    everywhere: bool = False

    @property
    def cells(self) -> int:
        """Cells of its own arrays, duplicates that are embedded not counted again."""
        added = sum(slot.host_plane >= self.code.bits for slot in self.slots)
        return 2 * (self.code.bits * self.code.geometry.weights + added * self.code.geometry.rows) + self.extra

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its duplicates."""
        return () if self.embedding is None else tuple(s for s in self.embedding.slots if s.layer == self.layer)

    def faults(self, device: StuckAt, seed: int, chip: int) -> Faults:
        """The stuck cells of one chip that hold something of this layer which is read.

        Args:
            device: with the rates of binary cells.
            seed: of the deployment.
            chip: number.
        """
        found = []
        for host, cells in zip(self.hosts, self.sizes, strict=True):
            key = stream_key(seed, "stuck-at", host.layer)
            places, _, marks = arrivals(key, chip, cells, device.rate)
            found.append((places, device.ones(marks)))
        return self.holding(found)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of every host, how many cells are numbered: those of its arrays; of its own besides the extra ones."""
        regular = [2 * host.planes * host.geometry.weights for host in self.hosts]
        return (regular[0] + self.extra, *regular[1:])

    def holding(self, found: Sequence[tuple[Ints, Ints]]) -> Faults:
        """Cells by what they hold of this layer; those that hold nothing which is read are left out.

        Args:
            found: of every host, ``(n,)`` rising numbers of cells, and ``(n,)`` what they read as, 0 or 1.
        """
        parts = [self._of(host, *cells) for host, cells in zip(self.hosts, found, strict=True)]
        if len(parts) == 1:
            return parts[0]
        names = ("plane", "copy", "negative", "column", "row", "stuck", "extra", "extra_stuck")
        return Faults(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def _of(self, host: Host, places: Ints, stuck: Ints) -> Faults:
        code, bits, size = self.code, self.code.bits, host.geometry.weights
        regular = 2 * host.planes * size
        last = int(np.searchsorted(places, regular))
        extra, extra_stuck = places[last:] - regular, stuck[last:]
        places, stuck = places[:last], stuck[:last]
        array, flat = places // size, places % size
        added = array - 2 * bits
        plane = np.where(added >= 0, bits + added // 2, array % bits)
        negative = np.where(added >= 0, added % 2, array // bits).astype(bool)
        column, row = host.geometry.split(flat)
        content = host.content[plane, column]
        # A column that is not read, a row that is not driven, a plane that does not fail in this experiment.
        kept = (content >= 0) & (code.read_rows[row] | self.everywhere)
        content, negative, row, stuck = content[kept], negative[kept], row[kept], stuck[kept]
        which, column = content // code.geometry.columns, content % code.geometry.columns
        copy, plane = which // bits, which % bits
        found = Faults(plane, copy, negative, column, row, stuck, extra, extra_stuck)
        return found if len(code.faulty) == bits else found.where(np.isin(plane, code.faulty))


def lay_out(
    layer: str,
    code: PlaneCode,
    *,
    extra: int = 0,
    embedding: Embedding | None = None,
    geometries: Mapping[str, Geometry] | None = None,
    everywhere: bool = False,
) -> Layout:
    """The layout of one layer.

    Args:
        layer: name of the parameter.
        code: what its cells should hold.
        extra: cells besides planes and copies.
        embedding: where its duplicates stand; ``None`` without any.
        geometries: name to geometry of the layers of its pool.
        everywhere: whether columns and rows that are not read count as holding something.
    """
    columns = code.geometry.columns
    slots = [] if embedding is None else [slot for slot in embedding.slots if slot.layer == layer]
    hosts = []
    for name in dict.fromkeys([layer, *(slot.host for slot in slots)]):
        geometry = code.geometry if geometries is None else geometries[name]
        here = [slot for slot in slots if slot.host == name]
        planes = max([code.bits, *(slot.host_plane + 1 for slot in here)])
        content: NDArray[np.int64] = np.full((planes, geometry.columns), -1)
        if name == layer:
            logical = np.arange(code.bits)[:, None] * columns + np.arange(columns)
            content[: code.bits] = np.where(code.read_columns | everywhere, logical, -1)
        for slot in here:
            content[slot.host_plane, slot.host_column] = (slot.copy * code.bits + slot.plane) * columns + slot.column
        hosts.append(Host(name, geometry, planes, content))
    return Layout(layer, code, tuple(hosts), extra, embedding, everywhere)
