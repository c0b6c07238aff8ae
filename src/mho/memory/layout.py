"""What sits where: layer, cells, tiles, quantisation error, what stayed digital and why."""

from __future__ import annotations

from math import ceil

from mho.errors import ModelError, SpecError
from mho.memory.deployment import Chips, Placement
from mho.memory.description import Description, StoredLayer
from mho.memory.placing import layouts
from mho.memory.redundancy.layout import Layout


def describe(chips: Chips, *, tile: tuple[int, int] = (128, 128)) -> Description:
    """Where every tensor of a deployed model is kept.

    Args:
        chips: a deployed model.
        tile: rows and columns of one array, in cells. A weight matrix takes one row per input and, per output, one
            column per cell of a weight; matrices are cut into tiles and never share one. Bits on nanowires stand in
            none.

    Raises:
        SpecError: ``tile`` is not two positive numbers.
        ModelError: ``chips`` is no deployed model.
    """
    if not isinstance(chips, Chips):
        raise ModelError(
            f"describe takes the chips of a deployed model, not: {type(chips).__name__}; "
            "mho.describe(mho.deploy(model, memory)); a model on arrays may be deployed as it is"
        )
    if len(tile) != 2 or min(tile) < 1:
        raise SpecError(f"tile={tile} must be two positive numbers of cells: (rows, columns)")
    memories = {f"{m.label}" if i == 0 else f"{m.label} ({i + 1})": m for i, m in enumerate(chips.memories)}
    names = {m: n for n, m in memories.items()}
    laid = layouts(chips.model, chips.placements)
    pools = {id(found.embedding): found.embedding for found in laid.values() if found.embedding is not None}
    return Description(
        model=type(chips.model).__name__,
        stored=tuple(_stored(chips, p, tile, names[p.memory], laid.get(n)) for n, p in chips.placements.items()),
        digital=chips.digital,
        tile=tile,
        memories={n: m.to_yaml() for n, m in memories.items()},
        embeddings=tuple(pools.values()),
    )


def _stored(chips: Chips, placement: Placement, tile: tuple[int, int], name: str, layout: Layout | None) -> StoredLayer:
    owner = chips.model.get_submodule(placement.parameter.rpartition(".")[0])
    weight = chips.model.get_parameter(placement.parameter).detach()
    mapping = placement.memory.mapping
    rows, columns, matrices = placement.layer.matrix(owner, tuple(weight.shape))
    error = mapping.quantise(weight, placement.layer.channel_dim) - weight
    norm, largest = float(weight.norm()), float(weight.abs().max())
    wires = mapping.nanowires(weight, placement.layer.channel_dim)
    plain = weight.numel() * mapping.cells_per_weight
    cells = plain if layout is None else layout.cells
    # What redundancy adds stands in columns of its own.
    wide = columns * mapping.cells_per_weight + ceil((cells - plain) / rows / matrices)
    across = ceil(rows / tile[0]) * ceil(wide / tile[1]) if wires is None else 0
    return StoredLayer(
        name=placement.parameter,
        kind=placement.kind,
        shape=tuple(weight.shape),
        rows=rows,
        columns=columns,
        matrices=matrices,
        cells=cells,
        tiles=across * matrices,
        scale=mapping.granularity,
        rms_error=float(error.norm()) / norm if norm else 0.0,
        max_error=float(error.abs().max()) / largest if largest else 0.0,
        memory=name,
        nanowires=0 if wires is None else wires.tracks,
        pruned=0 if layout is None else int((~layout.code.read_columns).sum()),
        added=(cells - plain) / plain,
    )
