"""The tiles of a converted model, and how many vectors each of them sees."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING

from mho.errors import ModelError, SpecError

if TYPE_CHECKING:
    from torch import nn

    from mho.analog.tile import Tile
    from mho.data.dataset import Inputs


def tiles_of(model: nn.Module) -> dict[str, Tile]:
    """Tiles by name, in the order of the model; one that several layers share counts once.

    Args:
        model: a converted model, or a tile.

    Raises:
        ModelError: it has none.
    """
    from mho.analog.tile import Tile

    found = {_named(path, tile): tile for path, tile in model.named_modules() if isinstance(tile, Tile)}
    if not found:
        said = type(model).__name__
        raise ModelError(f"{said} has no analog tiles; convert it first: analog.convert(model, analog.AGAD(cell=cell))")
    return found


def vectors_of(
    tiles: Mapping[str, Tile], samples: float | None = None, *, given: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Vectors of every tile for one sample of the network.

    Args:
        tiles: of a network that was trained, or nothing is counted.
        samples: that the network was trained with; those of the tile with fewest vectors if ``None``.
        given: counted elsewhere.

    Raises:
        ModelError: nothing was counted.
        SpecError: ``samples`` is not positive.
    """
    if given is not None:
        return dict(given)
    if samples is not None and not samples > 0:
        raise SpecError(f"samples={samples} must be more than zero")
    seen = {name: int(tile.samples) for name, tile in tiles.items()}
    fewest = min(seen.values())
    if not fewest:
        name = min(seen, key=lambda name: seen[name])
        raise ModelError(
            f"how often tile '{name}' is used is unknown: it was never updated; give inputs=, some samples"
        )
    return {name: number / (samples or fewest) for name, number in seen.items()}


def count_vectors(model: nn.Module, inputs: Inputs) -> dict[str, float]:
    """Vectors of every tile for one sample, counted in one update of a copy of the model.

    Args:
        model: a converted model; it stays as it is.
        inputs: a batch, ``(samples, ...)``, or keyword arguments of the model.

    Raises:
        ModelError: the model has no tiles, or none of them is in the way from its inputs to its outputs.
    """
    import torch

    from mho.analog.optimizer import SGD
    from mho.evaluation.forward import call

    tiles_of(model)
    copy = deepcopy(model).train()
    tiles = tiles_of(copy)
    before = {name: int(tile.samples) for name, tile in tiles.items()}
    samples = len(inputs if isinstance(inputs, torch.Tensor) else next(iter(inputs.values())))
    optimizer = SGD(copy, lr=1e-9)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():  # dropout draws from torch's own generator
        call(copy, inputs).square().mean().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    found = {name: (int(tile.samples) - before[name]) / samples for name, tile in tiles.items()}
    if not any(found.values()):
        raise ModelError("no tile is in the way from these inputs to the outputs")
    return found


def _named(path: str, tile: Tile) -> str:
    """What tables call a tile: the parameter that it holds, or where it is."""
    return tile.name or path or "tile"
