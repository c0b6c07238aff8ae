"""Every physical cell of a layer's arrays, one number a cell: what is written to them, and what that makes of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.mapping.plane_code import Geometry, Ints
from mho.memory.redundancy.layout import Layout


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a layout, host by host, numbered as there.

    Attributes:
        layout: where every bit and duplicate stands.
    """

    layout: Layout

    def spread(self, values: Tensor, extra: Tensor | None = None) -> list[Tensor]:
        """Values of physical cells from those of bits: a duplicate has that of what it duplicates.

        Args:
            values: ``(2 * bits, columns, rows)`` of the original bits, those of the + array first.
            extra: ``(extra,)`` of the extra cells; zeros if ``None``.

        Returns:
            Of every host, ``(cells,)``; zero where nothing of this layer stands.
        """
        out, bits = [], self.layout.code.bits
        for i, host in enumerate(self.layout.hosts):
            lines = values.new_zeros(2 * host.planes, host.geometry.columns, host.geometry.rows)
            if i == 0:
                lines[: 2 * bits] = values
            for (copy, plane), (owner, there, column) in self._lines.items():
                mine = np.flatnonzero(owner == i)
                if copy == 0 or not len(mine):
                    continue
                for negative in (0, 1):
                    array = self._array(there[mine], negative)
                    lines[array, column[mine]] = values[negative * bits + plane, mine]
            more = [] if i else [values.new_zeros(self.layout.extra) if extra is None else extra.to(values)]
            out.append(torch.cat([_flat(lines, host.geometry), *more]))
        return out

    def gather(self, found: Sequence[Tensor], copy: int, plane: int) -> Tensor:
        """``(2, columns, rows)`` what the cells of one copy of a plane have, + and -; zero where there are none.

        Args:
            found: of every host, ``(cells,)``.
            copy: 0 for the original.
            plane: significance, 0 the least.
        """
        geometry = self.layout.code.geometry
        owner, there, column = self._lines[copy, plane]
        out = found[0].new_zeros(2, geometry.columns, geometry.rows)
        for i, (host, values) in enumerate(zip(self.layout.hosts, found, strict=True)):
            mine = np.flatnonzero(owner == i)
            if len(mine):
                lines = _lines(values[: 2 * host.planes * host.geometry.weights], host.geometry)
                for negative in (0, 1):
                    out[negative, mine] = lines[self._array(there[mine], negative), column[mine]]
        return out

    @cached_property
    def own(self) -> list[Tensor]:
        """Of every host, ``(cells,)`` whether the cell is one of this layer's, which is charged with writing it.

        Its own arrays, but for duplicates of others that stand there, and its duplicates wherever they stand.
        """
        layout, slots = self.layout, () if self.layout.embedding is None else self.layout.embedding.slots
        out = []
        for i, host in enumerate(layout.hosts):
            lines = torch.zeros(2 * host.planes, host.geometry.columns, host.geometry.rows, dtype=torch.bool)
            if i == 0:
                lines[: 2 * layout.code.bits] = True
            for slot in slots:
                if slot.host == host.layer and (i == 0 or slot.layer == layout.layer):
                    for negative in (0, 1):
                        lines[self._array(np.array(slot.host_plane), negative), slot.host_column] = (
                            slot.layer == layout.layer
                        )
            more = [] if i else [torch.ones(layout.extra, dtype=torch.bool)]
            out.append(torch.cat([_flat(lines, host.geometry), *more]))
        return out

    @cached_property
    def _lines(self) -> dict[tuple[int, int], Ints]:
        """(copy, plane) to ``(3, columns)``: host (-1 for none), plane and column there."""
        columns, bits = self.layout.code.geometry.columns, self.layout.code.bits
        out = {(0, plane): np.full((3, columns), -1) for plane in range(bits)}
        for i, host in enumerate(self.layout.hosts):
            there, column = np.nonzero(host.content >= 0)
            which, mine = np.divmod(host.content[there, column], columns)
            for one in np.unique(which).tolist():
                here = which == one
                lines = out.setdefault((one // bits, one % bits), np.full((3, columns), -1))
                lines[0, mine[here]] = i
                lines[1:, mine[here]] = there[here], column[here]
        return out

    @property
    def copies(self) -> tuple[tuple[int, int], ...]:
        """Every copy of every plane, as (copy, plane)."""
        return tuple(self._lines)

    def _array(self, plane: Ints, negative: int) -> NDArray[np.int64]:
        """Numbers of arrays: n planes of +, n of -, then those that are added, + and - in turn."""
        bits = self.layout.code.bits
        return np.where(plane < bits, negative * bits + plane, 2 * plane + negative)


def _flat(lines: Tensor, geometry: Geometry) -> Tensor:
    """``(arrays, columns, rows)`` as cells are numbered."""
    rest = [n for d, n in enumerate(geometry.shape) if d != geometry.channel_dim]
    return lines.reshape(len(lines), geometry.columns, *rest).movedim(1, geometry.channel_dim + 1).reshape(-1)


def _lines(cells: Tensor, geometry: Geometry) -> Tensor:
    """``(arrays, columns, rows)`` of numbered cells."""
    apart = cells.view(-1, *geometry.shape).movedim(geometry.channel_dim + 1, 1)
    return apart.reshape(len(apart), geometry.columns, geometry.rows)
