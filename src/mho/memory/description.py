"""What sits where: the table that :func:`mho.describe` returns."""

from __future__ import annotations

from dataclasses import dataclass

from mho.memory.redundancy.embedding import Embedding
from mho.memory.redundancy.placed import placed, slots
from mho.text import table
from mho.units import percent


@dataclass(frozen=True, kw_only=True)
class StoredLayer:
    """One weight tensor on cells.

    Attributes:
        name: parameter name in the model.
        kind: the owning module's class.
        shape: shape of the weight.
        rows: word lines of one weight matrix (inputs, receptive field unrolled).
        columns: bit lines of one weight matrix, before slicing over cells.
        matrices: number of such matrices (groups of a grouped convolution).
        cells: memory cells of the layer, all encodings, slices and what redundancy adds counted.
        tiles: arrays of the asked size that hold them; 0 for bits on nanowires.
        nanowires: tracks that hold them; 0 where cells stand in arrays.
        pruned: columns whose weights are all zero, which planes of bits do not read.
        added: cells that redundancy adds, over those without it.
        scale: granularity of the full scale: ``"tensor"`` or ``"channel"``.
        rms_error: quantisation error, root mean square over root mean square of the weights.
        max_error: largest quantisation error over the largest weight.
        memory: short name of the memory.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    rows: int
    columns: int
    matrices: int
    cells: int
    tiles: int
    scale: str
    rms_error: float
    max_error: float
    memory: str
    nanowires: int = 0
    pruned: int = 0
    added: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DigitalTensor:
    """One parameter or buffer that stays digital, and why."""

    name: str
    kind: str
    shape: tuple[int, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """Where every tensor of a deployed model is kept.

    Attributes:
        model: class of the model.
        stored: weights on cells.
        digital: every other parameter.
        tile: (rows, columns) of one array, in cells.
        memories: short name to YAML transcript of every memory in use.
        embeddings: where duplicates stand, one a pool of layers with the same inputs; empty without duplicates.
    """

    model: str
    stored: tuple[StoredLayer, ...]
    digital: tuple[DigitalTensor, ...]
    tile: tuple[int, int]
    memories: dict[str, str]
    embeddings: tuple[Embedding, ...] = ()

    @property
    def cells(self) -> int:
        """All cells."""
        return sum(layer.cells for layer in self.stored)

    @property
    def tiles(self) -> int:
        """All arrays."""
        return sum(layer.tiles for layer in self.stored)

    @property
    def nanowires(self) -> int:
        """All nanowires."""
        return sum(layer.nanowires for layer in self.stored)

    def __str__(self) -> str:
        places = {"tiles": self.tiles, "nanowires": self.nanowires}
        used = [name for name, number in places.items() if number] or ["tiles"]
        rows = [
            [
                s.name,
                s.kind,
                "x".join(map(str, s.shape)),
                f"{s.rows}x{s.columns}" + (f" x{s.matrices}" if s.matrices > 1 else ""),
                f"{s.cells:,}",
                *(f"{getattr(s, name):,}" for name in used),
                s.scale,
                percent(s.rms_error, 3),
                percent(s.max_error, 3),
                s.memory,
            ]
            for s in self.stored
        ]
        header = ["weight", "layer", "shape", "matrix", "cells", *used, "scale", "rms err %", "max err %", "memory"]
        rows.append(["total", "", "", "", f"{self.cells:,}", *(f"{places[n]:,}" for n in used), "", "", "", ""])
        on = [f"arrays of {self.tile[0]}x{self.tile[1]} cells"] if self.tiles else []
        on += ["nanowires"] if self.nanowires else []
        stored = table(header, rows, left=2, title=f"{self.model} on {' and '.join(on)}")
        parts = [stored, placed(self.embeddings)] if self.embeddings else [stored]
        placed_of = {name for e in self.embeddings for name in e.layers}
        added = [s for s in self.stored if s.added and s.name not in placed_of]
        if added:
            more = [[s.name, f"{s.cells:,}", percent(s.added, 2)] for s in added]
            parts.append(table(["weight", "cells", "added by redundancy %"], more, left=1))
        if not self.digital:
            return "\n\n".join(parts)
        kept = [[d.name, d.kind, "x".join(map(str, d.shape)) or "1", d.reason] for d in self.digital]
        parts.append(table(["digital", "layer", "shape", "why"], kept, left=4))
        return "\n\n".join(parts)

    def where(self) -> str:
        """Every duplicated column: which one it is, and in which array, plane and column it stands."""
        return slots(self.embeddings)
