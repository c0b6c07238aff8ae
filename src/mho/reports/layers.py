"""Where every tensor of the network is kept, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mho.reports.tables import Cell, Table
from mho.units import percent

if TYPE_CHECKING:
    from mho.memory.description import Description, DigitalTensor


def layers(description: Description) -> Table:
    """The weights on cells."""
    header = [
        "weight",
        "layer",
        "shape",
        "matrix",
        "cells",
        "arrays",
        "scale",
        "rms error, %",
        "max error, %",
        "memory",
    ]
    rows = [
        [
            Cell(s.name),
            Cell(s.kind),
            Cell(shape(s.shape)),
            Cell(f"{s.rows} × {s.columns}" + (f" × {s.matrices}" if s.matrices > 1 else "")),
            Cell(f"{s.cells:,}"),
            Cell(f"{s.tiles:,}"),
            Cell(s.scale),
            Cell(percent(s.rms_error, 3)),
            Cell(percent(s.max_error, 3)),
            Cell(s.memory),
        ]
        for s in description.stored
    ]
    return Table(header, rows, left=3)


def shape(dimensions: tuple[int, ...]) -> str:
    """``"16 × 6 × 5 × 5"``, ``"1"`` for a scalar."""
    return " × ".join(map(str, dimensions)) or "1"


def digital(description: Description) -> dict[str, list[DigitalTensor]]:
    """Tensors that stay digital, by the reason why."""
    out: dict[str, list[DigitalTensor]] = {}
    for tensor in description.digital:
        out.setdefault(tensor.reason, []).append(tensor)
    return out
