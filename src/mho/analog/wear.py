"""How much training wears the cells out: pulses a device got, and how long it takes that [rasch2024fast]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mho.analog.published import PULSES_A_SAMPLE
from mho.analog.sgd import InMemorySGD
from mho.analog.tiles import idle_line, tiles_of, vectors_of
from mho.errors import ModelError, SpecError, unknown
from mho.text import table
from mho.units import significant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from mho.analog.tile import Tile

PERCENTILES = (50, 90, 99)
"""Of the pulses of a tile's devices, beside mean and maximum."""

SYMBOLS: Mapping[str, str] = MappingProxyType({"gradient": "A", "weight": "W"})
"""What the paper calls the arrays."""

_BINS = 40


@dataclass(frozen=True, kw_only=True)
class ArrayWear:
    """Pulses of the devices of one array of a tile, all its chips together.

    Attributes:
        tile: name of the tile.
        array: "gradient" (A) or "weight" (W).
        devices: how many there are.
        vectors: that the tile was updated with.
        samples: of the network, in the same time.
        mean: pulses of an average device.
        maximum: of the device that got most.
        percentiles: percentile to pulses.
        counts: devices a bin.
        edges: of the bins, from 0 to ``maximum``; one more than ``counts``.
        bound: pulses a vector that no device can have exceeded: the whole pulses possible in so many vectors, over
            them; ``None`` where there is no such number.
    """

    tile: str
    array: str
    devices: int
    vectors: int
    samples: float
    mean: float
    maximum: int
    percentiles: Mapping[int, float]
    counts: tuple[int, ...]
    edges: tuple[float, ...]
    bound: float | None

    @property
    def mean_per_vector(self) -> float:
        """Pulses of an average device, a vector."""
        return self.mean / self.vectors

    @property
    def maximum_per_vector(self) -> float:
        """Pulses of the device that got most, a vector."""
        return self.maximum / self.vectors

    @property
    def maximum_per_sample(self) -> float:
        """Pulses of that device, a sample of the network: of a convolution, all positions together."""
        return self.maximum / self.samples

    def lifetime_samples(self, endurance: float) -> float:
        """Samples of the network until the first device of the array has had ``endurance`` pulses.

        Infinite where none had a pulse yet.
        """
        return endurance * self.samples / self.maximum if self.maximum else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """A flat record, but for the histogram."""
        return {
            "tile": self.tile,
            "array": self.array,
            "devices": self.devices,
            "vectors": self.vectors,
            "samples": self.samples,
            "mean": self.mean,
            "maximum": self.maximum,
            **{f"p{p}": value for p, value in self.percentiles.items()},
            "mean_per_vector": self.mean_per_vector,
            "maximum_per_vector": self.maximum_per_vector,
            "maximum_per_sample": self.maximum_per_sample,
            "bound_per_vector": self.bound,
            "histogram": {"counts": list(self.counts), "edges": list(self.edges)},
        }


@dataclass(frozen=True, kw_only=True)
class Wear:
    """Pulses of every array of a network.

    Attributes:
        arrays: the gradient and the weight array of every tile, in the order of the model.
        samples: that the network was trained with.
        idle: tiles that were never updated, frozen or not in use; none of their arrays is here.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)

    arrays: tuple[ArrayWear, ...]
    samples: float
    idle: tuple[str, ...] = ()

    def of(self, array: str) -> tuple[ArrayWear, ...]:
        """The arrays of one kind, "gradient" or "weight".

        Raises:
            UnknownNameError: there are none of this kind.
        """
        kinds = dict.fromkeys(one.array for one in self.arrays)
        if array not in kinds:
            raise unknown("array", array, kinds)
        return tuple(one for one in self.arrays if one.array == array)

    def lifetime_samples(self, endurance: float | Mapping[str, float]) -> float:
        """Samples until the first device has had all the pulses it bears; :meth:`first_worn` says where it is.

        Args:
            endurance: pulses that a device bears; or one number for "gradient" and one for "weight", as the two arrays
                may be of different cells. An array that is not named lasts for ever.

        Raises:
            SpecError: a number of pulses is not positive.
            UnknownNameError: there are no arrays of this kind.
        """
        return min((samples for samples, _ in self._lifetimes(endurance)), default=float("inf"))

    def first_worn(self, endurance: float | Mapping[str, float]) -> ArrayWear:
        """The array whose busiest device decides :meth:`lifetime_samples`: its ``tile`` and ``array`` say which.

        Args:
            endurance: as :meth:`lifetime_samples` takes it; one array at least must be named.

        Raises:
            SpecError, UnknownNameError: as :meth:`lifetime_samples`; or no array is named.
        """
        found = self._lifetimes(endurance)
        if not found:
            raise SpecError("endurance names no array; give pulses, or such as {'gradient': 1e9, 'weight': 1e5}")
        return min(found, key=lambda one: one[0])[1]

    def _lifetimes(self, endurance: float | Mapping[str, float]) -> list[tuple[float, ArrayWear]]:
        """Samples until the first device of an array is worn out, of every array that is named."""
        limits = endurance if isinstance(endurance, Mapping) else {one.array: endurance for one in self.arrays}
        for array, pulses in limits.items():
            if not pulses > 0:
                raise SpecError(f"endurance of the {array} arrays, {pulses}, must be more than zero pulses")
        return [(one.lifetime_samples(pulses), one) for array, pulses in limits.items() for one in self.of(array)]

    def rows(self) -> list[dict[str, Any]]:
        """One flat record an array."""
        return [one.to_dict() for one in self.arrays]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        published = {array: list(between) for array, between in PULSES_A_SAMPLE.items()}
        return {
            "arrays": self.rows(),
            "samples": self.samples,
            "idle": list(self.idle),
            "published_maximum_per_sample": published,
        }

    def __str__(self) -> str:
        rows = [
            [
                one.tile,
                SYMBOLS.get(one.array, one.array),
                f"{one.devices:,}",
                f"{one.vectors:,}",
                significant(one.mean),
                *(f"{value:,.0f}" for value in one.percentiles.values()),
                f"{one.maximum:,}",
                significant(one.maximum_per_vector, 3),
                significant(one.maximum_per_sample, 3),
                "–" if one.bound is None else significant(one.bound, 3),
            ]
            for one in self.arrays
        ]
        said = "; ".join(
            f"{SYMBOLS[array]}: {low:g} to {high:g}"
            for array, (low, high) in PULSES_A_SAMPLE.items()
            if any(one.array == array for one in self.arrays)
        )
        title = f"Pulses a device after {self.samples:,.0f} samples (published, most a sample: {said})"
        title += idle_line(self.idle)
        header = ["tile", "array", "devices", "vectors", "mean", *(f"p{p}" for p in PERCENTILES), "most"]
        return table([*header, "most/vector", "most/sample", "bound/vector"], rows, left=2, title=title)


def wear(model: nn.Module, *, samples: float | None = None) -> Wear:
    """How many pulses did the devices get, while this model was trained?

    Args:
        model: a converted model, or a tile.
        samples: that it was trained with; unless given, the tile with fewest vectors is taken to have seen one a
            sample, which is so wherever the network ends in a dense layer.

    Raises:
        ModelError: it has no tiles or no cells, was never updated, or does not count its pulses.
        SpecError: ``samples`` is not positive.
    """
    there = tiles_of(model)
    celled = {name: tile for name, tile in there.items() if tile.algorithm.cells}
    if not celled:
        used = ", ".join(dict.fromkeys(type(tile.algorithm).__name__ for tile in there.values()))
        raise ModelError(f"no tile has cells that wear out: {used} keeps weights as numbers")
    tiles = {name: tile for name, tile in celled.items() if int(tile.samples)}
    if not tiles:
        raise ModelError(f"tile '{next(iter(celled))}' was never updated: train the model first")
    for name, tile in tiles.items():
        if not tile.pulses:
            raise ModelError(f"tile '{name}' does not count its pulses; convert the model with counted=True")
    vectors = vectors_of(tiles, samples)
    trained = samples or min(int(tile.samples) for tile in tiles.values())
    found = [
        _of_array(name, array, pulses.detach().cpu().numpy(), tile, int(tile.samples) / vectors[name])
        for name, tile in tiles.items()
        for array, pulses in tile.pulses.items()
    ]
    return Wear(arrays=tuple(found), samples=trained, idle=tuple(name for name in celled if name not in tiles))


def _of_array(name: str, array: str, pulses: NDArray[np.int32], tile: Tile, samples: float) -> ArrayWear:
    """The wear of one array; ``pulses`` of all chips, ``(chips, outputs, inputs)``."""
    import numpy as np

    most = int(pulses.max())
    counts, edges = np.histogram(pulses, bins=min(_BINS, most + 1), range=(0, max(most, 1)))
    return ArrayWear(
        tile=name,
        array=array,
        devices=pulses.size,
        vectors=int(tile.samples),
        samples=samples,
        mean=float(pulses.mean()),
        maximum=most,
        percentiles=MappingProxyType(
            dict(zip(PERCENTILES, map(float, np.percentile(pulses, PERCENTILES)), strict=True))
        ),
        counts=tuple(map(int, counts)),
        edges=tuple(map(float, edges)),
        bound=_bound(array, tile),
    )


def _bound(array: str, tile: Tile) -> float | None:
    """Pulses a vector at most: as many as a train has slots, or one every time a slice is read.

    A device of the weight array can only get its single pulse when its slice is read, once in n_s n vectors. Few
    vectors hold one read more than their share, so reads are counted whole.
    """
    algorithm: Any = tile.algorithm
    every = getattr(algorithm, "transfer_every", None)
    if array == "weight" and every is not None:
        outputs, inputs = tile.weight.shape[-2:]
        vectors = int(tile.samples)
        return ceil(vectors / int(every * (inputs if algorithm.read == "columns" else outputs))) / vectors
    if array == "gradient" or isinstance(algorithm, InMemorySGD):
        return float(algorithm.pulses.length)
    return None
