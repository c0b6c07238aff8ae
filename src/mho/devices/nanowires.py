"""Where the cells of one weight tensor lie on nanowires: the geometry that shift faults need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Nanowires:
    """Tracks of at most ``bits`` domains, one after the other in storage order.

    Track t holds the storage positions ``starts[t]`` to ``starts[t + 1]`` and moves with offset number ``t % units``:
    usually every track has an offset of its own; in lockstep several share one.

    Attributes:
        starts: ``(tracks + 1,)`` int64.
        places: ``(cells,)`` which cell of the flattened ``(cells of a weight, *weight.shape)`` is at each storage
            position; empty where storage order is that order.
        shifts: ``(units,)`` int32 shifts of one complete read of the track; the first bit needs none.
        bits: K, domains of a full track.
        segment: domains that one access port reads; K with a single port.
        planes: ``(units,)`` int8, which bit plane the track holds, 0 the most significant; -1 where it holds several.
        row: columns of one stored row, for what the published simulator reads beyond a track.
        rows: output channels, likewise.
    """

    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    shifts: NDArray[np.int32]
    bits: int
    segment: int
    planes: NDArray[np.int8]
    row: int = 0
    rows: int = 1

    @property
    def units(self) -> int:
        """Offsets of one chip: nanowires that move on their own."""
        return len(self.shifts)

    @property
    def tracks(self) -> int:
        """Nanowires of one chip."""
        return len(self.starts) - 1

    @property
    def cells(self) -> int:
        """Domains that hold a bit."""
        return int(self.starts[-1])

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """``(tracks,)`` domains in use of every track."""
        return np.diff(self.starts)

    @cached_property
    def reached(self) -> bool:
        """Whether the shifts of one read bring every bit to a port; those of the published simulator do not."""
        units = np.arange(self.tracks) % self.units
        return bool((np.minimum(self.lengths, self.segment) <= self.shifts[units] + 1).all())

    @cached_property
    def most(self) -> int:
        """Shifts of the longest read."""
        return int(self.shifts.max(initial=0))


def cut(
    rows: int, columns: int, bits: int, *, ports: int = 1, places: NDArray[np.int64] | None = None, plane: int = 0
) -> Nanowires:
    """``rows`` rows of ``columns`` bits, each cut into tracks of ``bits``; the last one of a row may be shorter.

    Args:
        rows: rows, one after the other in storage order.
        columns: bits of a row.
        bits: K, domains of a full track.
        ports: access ports, evenly spaced along a track.
        places: as :attr:`Nanowires.places`; ``None`` where storage order is the order of the cells.
        plane: the bit plane, -1 for several.
    """
    within = np.arange(0, columns, bits, dtype=np.int64)
    starts = (np.arange(rows, dtype=np.int64)[:, None] * columns + within).reshape(-1)
    starts = np.append(starts, rows * columns)
    segment = -(-bits // ports)
    shifts = np.minimum(np.diff(starts), segment).astype(np.int32) - 1
    return Nanowires(
        starts=starts,
        places=np.empty(0, np.int64) if places is None else places,
        shifts=shifts,
        bits=bits,
        segment=segment,
        planes=np.full(len(shifts), plane, np.int8),
        row=columns,
        rows=rows,
    )


def stacked(one: Nanowires, planes: int) -> Nanowires:
    """``planes`` bit planes of a weight tensor, each laid out as ``one``, the most significant first."""
    if planes == 1:
        return one
    cells = one.cells
    shift = np.arange(planes, dtype=np.int64)[:, None] * cells
    places = (one.places[None] + shift).reshape(-1) if len(one.places) else one.places
    return Nanowires(
        starts=np.append((one.starts[None, :-1] + shift).reshape(-1), planes * cells),
        places=places,
        shifts=np.tile(one.shifts, planes),
        bits=one.bits,
        segment=one.segment,
        planes=np.repeat(np.arange(planes, dtype=np.int8), one.units),
        row=one.row,
        rows=one.rows,
    )
