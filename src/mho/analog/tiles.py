"""The tiles of a converted model, and how many vectors each of them sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

from mho.errors import ModelError, SpecError

if TYPE_CHECKING:
    from torch import nn

    from mho.analog.tile import Tile
    from mho.data.dataset import Inputs


def tiles_of(model: nn.Module) -> dict[str, Tile]:
    """Tiles by name, in the order of the model; one that several layers share counts once.

    A tile of a layer is called as the parameter of ``model`` that it holds, with the number of the block if there are
    several; another one by its own name, or where it is.

    Args:
        model: a converted model, or a tile.

    Raises:
        ModelError: it has none, or is no module.
    """
    from torch import nn

    from mho.analog.layers.base import AnalogLayer
    from mho.analog.tile import Tile
    from mho.memory.layers import full_name

    if not isinstance(model, nn.Module):
        raise ModelError(f"{model!r} is no torch.nn.Module with analog tiles; analog.convert(model, ...) makes one")
    held = {}
    for path, layer in model.named_modules():
        for name in layer.banks if isinstance(layer, AnalogLayer) else ():
            tiles = list(layer.bank(name).tiles)
            for i, tile in enumerate(tiles):
                held[id(tile)] = full_name(path, name) + (f".{i}" if len(tiles) > 1 else "")
    found: dict[str, Tile] = {}
    for path, tile in model.named_modules():
        if isinstance(tile, Tile):
            name = held.get(id(tile)) or tile.name or path or "tile"
            found[path if name in found else name] = tile
    if not found:
        said = type(model).__name__
        raise ModelError(f"{said} has no analog tiles; convert it first: analog.convert(model, analog.AGAD(cell=cell))")
    return found


def vectors_of(
    tiles: Mapping[str, Tile], samples: float | None = None, *, given: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Vectors of every tile for one sample of the network; none for a tile that was never updated.

    Args:
        tiles: of a network that was trained, or nothing is counted.
        samples: that the network was trained with; those of the updated tile with fewest vectors if ``None``.
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
    fewest = min(filter(None, seen.values()), default=0)
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


def idle_line(names: Sequence[str]) -> str:
    """What a table says about tiles that got no vectors: a line with its break, or nothing."""
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"\nNever updated (frozen, or not in use): {', '.join(names[:3])}{more}"
