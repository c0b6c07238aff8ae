"""Where every bit and duplicate of a deployed model stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import nn

from mho.errors import ModelError
from mho.mapping.bit_planes import BitPlanes
from mho.memory import pools
from mho.memory.layers import Matrix
from mho.memory.redundancy.embedding import Embedding, embed
from mho.memory.redundancy.layout import Layout, lay_out

if TYPE_CHECKING:
    from mho.memory.deployment import Placement


def layouts(model: nn.Module, placements: Mapping[str, Placement]) -> dict[str, Layout]:
    """The layouts of the layers of ``placements`` that lie in planes of bits, by name of the parameter.

    Raises:
        ModelError: pools that name no layers, or layers with inputs of different sizes.
    """
    codes = {}
    for name, place in placements.items():
        if isinstance(place.memory.mapping, BitPlanes):
            codes[name] = place.memory.mapping.code(model.get_parameter(name), place.layer.channel_dim)
    out: dict[str, Layout] = {}
    for memory in dict.fromkeys(placements[name].memory for name in codes):
        mine = {name: code for name, code in codes.items() if placements[name].memory == memory}
        redundancy = memory.redundancy
        geometries = {name: code.geometry for name, code in mine.items()}
        for pool in pools.find(() if redundancy is None else redundancy.shared, mine):
            bits = mine[pool[0]].bits
            copies = (1,) * bits if redundancy is None else redundancy.plane_copies(bits)
            embedding: Embedding | None = None
            if redundancy is not None and sum(copies) > bits:
                pruned = {name: ~mine[name].read_columns for name in pool}
                embedding = embed(
                    pruned, bits, copies, room=redundancy.embeds and not _grouped(model, placements, pool)
                )
            for name in pool:
                out[name] = lay_out(
                    name,
                    mine[name],
                    extra=0 if redundancy is None else redundancy.extra_cells(mine[name]),
                    embedding=embedding,
                    geometries=geometries,
                    everywhere=redundancy is not None and redundancy.everywhere,
                )
    return out


def check_pools(model: nn.Module, placements: Mapping[str, Placement]) -> None:
    """Raise unless layers that shall take each other's duplicates have the same inputs.

    Raises:
        ModelError: pools that name no layers, or layers with inputs of different sizes, or permuted columns of
            grouped convolutions.
    """
    for memory in dict.fromkeys(place.memory for place in placements.values()):
        if memory.redundancy is None:
            continue
        rows = {}
        for name, place in placements.items():
            if place.memory == memory:
                rows[name], _, groups = _matrix(model, name, place)
                if memory.redundancy.everywhere and groups > 1:
                    raise ModelError(
                        f"{name}: columns of a grouped convolution stand in {groups} matrices with inputs of their "
                        "own, so they cannot change places; give it a memory without "
                        f"{type(memory.redundancy).__name__}"
                    )
        for pool in pools.find(memory.redundancy.shared, rows):
            different = {name: rows[name] for name in pool}
            if len(set(different.values())) > 1:
                said = ", ".join(f"{name} {number}" for name, number in different.items())
                raise ModelError(
                    f"pools: layers of one pool have the same inputs, but these have different numbers: {said}"
                )


def _grouped(model: nn.Module, placements: Mapping[str, Placement], pool: tuple[str, ...]) -> bool:
    """Whether columns of a layer have inputs of their own, so that none can take another's duplicate."""
    return any(_matrix(model, name, placements[name])[2] > 1 for name in pool)


def _matrix(model: nn.Module, name: str, place: Placement) -> Matrix:
    owner = model.get_submodule(name.rpartition(".")[0])
    return place.layer.matrix(owner, tuple(model.get_parameter(name).shape))
