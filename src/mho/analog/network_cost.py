"""What one sample costs a whole network while it is trained, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mho.analog.hardware import Hardware
from mho.analog.tiles import count_vectors, idle_line, tiles_of, vectors_of
from mho.analog.update_time import UpdateCost, update_time
from mho.errors import unknown
from mho.text import table
from mho.units import format_duration

if TYPE_CHECKING:
    from torch import nn

    from mho.analog.algorithm import Algorithm
    from mho.data.dataset import Inputs


@dataclass(frozen=True, kw_only=True)
class TileCost:
    """What one sample of the network costs a tile.

    Attributes:
        name: of the tile.
        vectors: that one sample of the network puts through it: positions of a convolution, steps of a sequence.
        update: what one of them costs.
    """

    name: str
    vectors: float
    update: UpdateCost

    @property
    def pass_seconds(self) -> float:
        """Time of the forward and the backward pass: one product of the array with every vector each."""
        return 2 * self.vectors * self.update.hardware.mvm

    @property
    def update_seconds(self) -> float:
        """Time of the updates."""
        return self.vectors * self.update.seconds

    @property
    def seconds(self) -> float:
        """Time of both; the tile does nothing else meanwhile."""
        return self.pass_seconds + self.update_seconds

    def to_dict(self) -> dict[str, Any]:
        """A flat record."""
        one = self.update.to_dict()
        return {
            "tile": self.name,
            "algorithm": one["algorithm"],
            "outputs": one["outputs"],
            "inputs": one["inputs"],
            "vectors": self.vectors,
            "flops": self.vectors * one["flops"],
            "pass_seconds": self.pass_seconds,
            "update_seconds": self.update_seconds,
            "seconds": self.seconds,
            "storage_bytes": one["storage_bytes"],
            "memory_bits": self.vectors * one["memory_bits"],
        }


_SUMMED = ("flops", "pass_seconds", "update_seconds", "seconds", "storage_bytes", "memory_bits")


@dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """What one sample costs a network while it is trained.

    Activations, biases, losses and everything else that stays digital is not counted; one array holds a whole tile.

    Attributes:
        tiles: cost of every tile, in the order of the model.
    """

    tiles: tuple[TileCost, ...]

    def __getitem__(self, name: str) -> TileCost:
        found = {tile.name: tile for tile in self.tiles}
        if name not in found:
            raise unknown("tile", name, found)
        return found[name]

    @property
    def seconds(self) -> float:
        """Time of a sample, tile after tile."""
        return sum(tile.seconds for tile in self.tiles)

    @property
    def update_seconds(self) -> float:
        """Time of its updates, tile after tile."""
        return sum(tile.update_seconds for tile in self.tiles)

    @property
    def slowest(self) -> TileCost:
        """The tile that takes longest: with all tiles at work on different samples, one is done every so often."""
        return max(self.tiles, key=lambda tile: tile.seconds)

    @property
    def storage_bytes(self) -> int:
        """Digital memory of all tiles."""
        return sum(tile.update.counts.storage_bytes for tile in self.tiles)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of the model of costs; see :func:`mho.cite`."""
        return tuple(dict.fromkeys(key for tile in self.tiles for key in tile.update.references))

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a tile, and one of the sum, called ``"all"``."""
        rows = [tile.to_dict() for tile in self.tiles]
        return [*rows, {"tile": "all", **{key: sum(row[key] for row in rows) for key in _SUMMED}}]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        *tiles, whole = self.rows()
        return {"tiles": tiles, "all": whole, "hardware": self.tiles[0].update.hardware.to_dict()}

    def __str__(self) -> str:
        rows = [
            [
                row["tile"],
                row.get("algorithm", ""),
                f"{row['outputs']}x{row['inputs']}" if "outputs" in row else "",
                f"{row['vectors']:,.6g}" if "vectors" in row else "",
                *(format_duration(row[key]) for key in ("pass_seconds", "update_seconds", "seconds")),
                f"{row['flops']:,.0f}",
                f"{row['storage_bytes']:,}",
            ]
            for row in self.rows()
        ]
        slowest = self.slowest
        title = (
            f"A sample takes {format_duration(self.seconds)}, tile after tile\n"
            f"With tiles at work on different samples, one every {format_duration(slowest.seconds)} ({slowest.name})"
            f"{idle_line([tile.name for tile in self.tiles if not tile.vectors])}"
        )
        header = ["tile", "algorithm", "devices", "vectors", "passes", "updates", "both", "operations", "bytes kept"]
        return table(header, rows, left=2, title=title)


def cost(
    model: nn.Module,
    inputs: Inputs | None = None,
    *,
    samples: float | None = None,
    algorithm: str | Algorithm | None = None,
    hardware: Hardware | None = None,
    **options: Any,
) -> NetworkCost:
    """What does one sample cost a network while it is trained, tile by tile?

    How many vectors a sample puts through a tile is counted: with ``inputs`` in one update of a copy of the model;
    without, from what the tiles have seen in training. A tile that was never updated, as it is frozen or not in use,
    costs nothing but its storage, and the text says so.

    Args:
        model: a converted model; or, with an ``algorithm``, any that can be converted.
        inputs: a few samples, ``(samples, ...)``.
        samples: without ``inputs``, how many samples the model was trained with; unless given, the tile with fewest
            vectors is taken to have seen one a sample.
        algorithm: what the tiles would cost if this one trained them; their own if ``None``.
        hardware: times and speeds; the paper's if ``None``.
        **options: further ones of :func:`mho.analog.update_time`, such as ``mean_length``.

    Raises:
        ModelError: the model has no tiles; or it was never trained, and no ``inputs`` are given.
        UnknownNameError, SpecError: as :func:`mho.analog.update_time`.
    """
    from mho.analog.conversion import convert
    from mho.analog.sgd import InMemorySGD
    from mho.analog.tile import Tile

    if algorithm is not None and not any(isinstance(module, Tile) for module in model.modules()):
        model = convert(model, InMemorySGD())  # how many vectors there are does not depend on the algorithm
    tiles = tiles_of(model)
    given = None if inputs is None else count_vectors(model, inputs)
    vectors = vectors_of(tiles, samples, given=given)
    costs = []
    for name, tile in tiles.items():
        outputs, columns = tile.weight.shape[-2:]
        used = tile.algorithm if algorithm is None else algorithm
        one = update_time(used, (outputs, columns), hardware=hardware, **options)
        costs.append(TileCost(name=name, vectors=vectors[name], update=one))
    return NetworkCost(tiles=tuple(costs))
