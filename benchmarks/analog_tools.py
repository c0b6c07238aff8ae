"""A tile and a network to be trained on arrays, here and in aihwkit, the same in both; see `bench_analog.py`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from mho import analog
from mho.analog import convert
from mho.analog import optimizer as analog_optimizer
from mho.devices import SoftBounds

if TYPE_CHECKING:
    from aihwkit.simulator.tiles import AnalogTile

try:
    import aihwkit_tiles
except ImportError:
    aihwkit_tiles = None

SIZE = 512
WIDTHS = (784, 256, 128, 10)
RATE = 0.05
AIHWKIT = getattr(aihwkit_tiles, "NAME", "aihwkit")
Update = Callable[[Tensor, Tensor], object]


class Tile(NamedTuple):
    """``update(x, d)`` changes the weights by a batch; ``pulses(x, d)`` is the mean a crosspoint and sample gets."""

    update: Callable[[Tensor, Tensor], object]
    pulses: Callable[[Tensor, Tensor], float]


class Network(NamedTuple):
    """``train(x, y)`` is forward, backward and update of a batch; ``pulses(x, y)`` goes on with one and counts."""

    train: Callable[[Tensor, Tensor], object]
    pulses: Callable[[Tensor, Tensor], float]


def mho_algorithm(algorithm: str, step: float, trains: int) -> analog.Algorithm:
    """The twin of ``aihwkit_tiles.Setting``: what aihwkit does where the two differ unless told."""
    common = {
        "cell": SoftBounds(n_states=2 / step),
        "pulses": analog.PulseTrain(length=trains, saturation="errors"),
        "correct_weights": True,
    }
    if algorithm == "sgd":
        return analog.InMemorySGD(**common)
    common |= {"transfer_every": 2, "granularity": 1000.0, "fast_rate": 1.0}
    if algorithm == "ttv2":
        return analog.TTv2(**common)
    if algorithm == "c-ttv2":
        return analog.ChoppedTTv2(**common, flip_rate=0.1)
    return analog.AGAD(**common, flip_rate=0.1, beta=0.5, warm_up=True)


def mho_tile(algorithm: str, step: float, trains: int, rate: float) -> Tile:
    """Of SIZE x SIZE; timed without counters of pulses, which aihwkit has none of on the CPU."""
    how = mho_algorithm(algorithm, step, trains)
    tile = analog.Tile(how, (SIZE, SIZE), counted=False)

    def pulses(x: Tensor, d: Tensor) -> float:
        counter = analog.Tile(how, (SIZE, SIZE))
        counter.update(x, d, rate)
        return _pulses([counter]) / len(x)

    return Tile(lambda x, d: tile.update(x, d, rate), pulses)


def mho_network(algorithm: str, step: float, trains: int) -> Network:
    """Of WIDTHS, sigmoids between layers, at RATE."""
    how = mho_algorithm(algorithm, step, trains)

    def made(counted: bool) -> tuple[torch.nn.Module, Callable[[Tensor, Tensor], None]]:
        layers = [layer for sizes in pairwise(WIDTHS) for layer in (torch.nn.Linear(*sizes), torch.nn.Sigmoid())]
        model = convert(torch.nn.Sequential(*layers[:-1]), how, scale=1.0, counted=counted).train()
        return model, trainer(model, analog_optimizer.SGD(model, lr=RATE))

    model, count = made(counted=True)
    tiles = [m for m in model.modules() if isinstance(m, analog.Tile)]

    def pulses(x: Tensor, y: Tensor) -> float:
        before = _pulses(tiles)
        count(x, y)  # goes on, for other bits: one seed gives a fresh network the same ones
        return (_pulses(tiles) - before) / len(x)

    return Network(made(counted=False)[1], pulses)


def _pulses(tiles: list[analog.Tile]) -> float:
    """Mean a crosspoint has had."""
    counts = [tile.pulses.get("gradient", tile.pulses["weight"]) for tile in tiles]
    return float(sum(c.sum() for c in counts)) / sum(c.numel() for c in counts)


def trainer(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Callable[[Tensor, Tensor], None]:
    """Forward, backward and update of a batch."""
    loss = torch.nn.CrossEntropyLoss()

    def train(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return train


def aihwkit_tile(algorithm: str, step: float, trains: int, rate: float) -> Tile | None:
    if aihwkit_tiles is None:
        return None
    setting = aihwkit_tiles.Setting(algorithm=algorithm, step=step, trains=trains)
    tile = aihwkit_tiles.tile(setting, SIZE, SIZE, rate)
    return Tile(
        lambda x, d: tile.update(x.clone(), d.clone()),  # it may change what it is given
        lambda x, d: aihwkit_tiles.pulses(setting, rate, x, d),
    )


def aihwkit_network(algorithm: str, step: float, trains: int) -> Network | None:
    if aihwkit_tiles is None:
        return None
    from aihwkit.nn import AnalogLinear, AnalogSequential
    from aihwkit.optim import AnalogSGD

    setting = aihwkit_tiles.Setting(algorithm=algorithm, step=step, trains=trains)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(WIDTHS):
        mapped = aihwkit_tiles.config(setting)
        mapped.mapping.max_input_size = mapped.mapping.max_output_size = 0  # one tile a layer
        layers += [AnalogLinear(inputs, outputs, bias=True, rpu_config=mapped), torch.nn.Sigmoid()]
    model = AnalogSequential(*layers[:-1])
    optimizer = AnalogSGD(model.parameters(), lr=RATE)
    optimizer.regroup_param_groups(model)
    train = trainer(model, optimizer)

    def pulses(x: Tensor, y: Tensor) -> float:
        seen: list[tuple[AnalogTile, Tensor, Tensor]] = []
        for tile in model.analog_tiles():

            def update(x: Tensor, d: Tensor, tile: AnalogTile = tile, usual: Update = tile.update) -> None:
                seen.append((tile, x.clone(), d.clone()))
                usual(x, d)

            tile.update = update
        train(x, y)
        for tile in model.analog_tiles():
            del tile.update
        sizes = [x.shape[1] * d.shape[1] for _, x, d in seen]
        each = [aihwkit_tiles.pulses(setting, RATE, x, d, like=tile) for tile, x, d in seen]
        return sum(size * pulses for size, pulses in zip(sizes, each, strict=True)) / sum(sizes)

    return Network(train, pulses)
