"""Where every tensor of the network is kept, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mho.reports.labels import listed
from mho.reports.tables import Cell, Table
from mho.reports.wording import NBSP
from mho.units import percent

if TYPE_CHECKING:
    from mho.memory.description import Description, DigitalTensor

ROUNDING = 1e-5  # of float32: no error


def layers(description: Description) -> Table:
    """The weights on cells, or bits on nanowires."""
    arrays, wires = _kinds(description)
    quantised, pruned = _quantised(description), any(s.pruned for s in description.stored)
    added = any(s.added for s in description.stored)
    header = [
        "weight",
        "layer",
        "shape",
        "matrix",
        *["columns pruned"] * pruned,
        "cells",
        *["added, %"] * added,
        *["arrays"] * arrays,
        *["nanowires"] * wires,
        "scale",
    ]
    header += [*["rms error, %", "max error, %"] * quantised, "memory"]
    rows = []
    for s in description.stored:
        row = [Cell(s.name), Cell(s.kind), Cell(shape(s.shape))]
        row += [Cell(f"{s.rows} × {s.columns}" + (f" × {s.matrices}" if s.matrices > 1 else ""))]
        row += [Cell(f"{s.pruned:,}")] * pruned + [Cell(f"{s.cells:,}")] + [Cell(percent(s.added, 1))] * added
        row += [_counted(s.tiles)] * arrays + [_counted(s.nanowires)] * wires
        row += [Cell(s.scale), *[Cell(percent(e, 3)) for e in (s.rms_error, s.max_error) if quantised]]
        rows.append([*row, Cell(s.memory)])
    return Table(header, rows, left=3)


def placed(description: Description) -> str:
    """``"LeNet: 61,470 cells on 12 arrays of 128 × 128."``, and what the errors of the table are."""
    arrays, wires = _kinds(description)
    on = [f"{description.tiles:,} arrays of {' × '.join(map(str, description.tile))}".replace(" × ", f"{NBSP}×{NBSP}")]
    on = on * arrays + [f"{sum(s.nanowires for s in description.stored):,} nanowires"] * wires
    errors = " Errors are those of quantisation, relative to the weights." * _quantised(description)
    return f"{description.model}: {description.cells:,} cells on {listed(on)}.{errors}"


def _kinds(description: Description) -> tuple[bool, bool]:
    """Whether some layers are on arrays, and some on nanowires."""
    on_wires = [s.nanowires > 0 for s in description.stored]
    return not all(on_wires), any(on_wires)


def _quantised(description: Description) -> bool:
    """Whether some layer may have an error of quantisation; what is binary already has none on nanowires."""
    return any(s.nanowires == 0 or s.max_error > ROUNDING for s in description.stored)


def _counted(number: int) -> Cell:
    return Cell(f"{number:,}" if number else "–", order=number)


def shape(dimensions: tuple[int, ...]) -> str:
    """``"16 × 6 × 5 × 5"``, ``"1"`` for a scalar."""
    return " × ".join(map(str, dimensions)) or "1"


def digital(description: Description) -> dict[str, list[DigitalTensor]]:
    """Tensors that stay digital, by the reason why."""
    out: dict[str, list[DigitalTensor]] = {}
    for tensor in description.digital:
        out.setdefault(tensor.reason, []).append(tensor)
    return out
