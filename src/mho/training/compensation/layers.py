"""Layers whose outputs are corrected digitally: they learn to undo part of what errors in the weights do."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d, linear

from mho.errors import ModelError, SpecError, UnknownNameError, nearest
from mho.training.run import derived
from mho.zoo import registry


class DigitalMix(nn.Module):
    """Mixes channels: a 1x1 convolution of images, a linear layer of vectors.

    It is no ``nn.Conv2d`` or ``nn.Linear``, and :func:`mho.deploy` has no rule for it: its weights stay digital
    whatever the rules say.

    Args:
        inputs: channels in.
        outputs: channels out.
        like: tensor whose device and type its weights have.
    """

    def __init__(self, inputs: int, outputs: int, like: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(like.new_zeros(outputs, inputs))
        self.bias = nn.Parameter(like.new_zeros(outputs))

    def images(self, x: Tensor) -> Tensor:
        """``([n,] inputs, h, w)`` to ``([n,] outputs, h, w)``."""
        return conv2d(x, self.weight[:, :, None, None], self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., inputs)`` to ``(..., outputs)``."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}"


class CompensatedConv2d(nn.Conv2d):
    """A convolution with digital error compensation: ``y = conv(x)``, ``g = G(pool(x), y)``, result ``Q(y, g)``.

    G (``generator``) and Q (``compensator``) are 1x1 convolutions; x is average-pooled to the size of y. The weight is
    where it was, under its old name: on a memory it is the same chip as without compensation.

    Source: [eldebiky2023correctnet]; shapes as far as its abstract tells them.
    """

    generator: DigitalMix
    compensator: DigitalMix

    def forward(self, input: Tensor) -> Tensor:
        y = super().forward(input)
        pooled = adaptive_avg_pool2d(input, y.shape[-2:])  # type: ignore[arg-type]
        maps = self.generator.images(torch.cat([pooled, y], dim=-3))
        return self.compensator.images(torch.cat([y, maps], dim=-3))


class CompensatedLinear(nn.Linear):
    """A linear layer with digital error compensation, as :class:`CompensatedConv2d` of images of one pixel."""

    generator: DigitalMix
    compensator: DigitalMix

    def forward(self, input: Tensor) -> Tensor:
        y = super().forward(input)
        maps = self.generator(torch.cat([input, y], dim=-1))
        compensated: Tensor = self.compensator(torch.cat([y, maps], dim=-1))
        return compensated


_KINDS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: CompensatedConv2d, nn.Linear: CompensatedLinear}
"""By exact class: a subclass may compute something else."""


def compensable(model: nn.Module) -> list[str]:
    """Names of the layers of ``model`` that can be compensated, as they were registered."""
    return [name for name, module in model.named_modules() if type(module) in _KINDS]


def maps_of(layer: nn.Module, ratio: float) -> int:
    """Maps m that the generator of ``layer`` makes: ``ratio`` times its outputs, at least one."""
    return max(1, round(ratio * _channels(layer)[1]))


def extra_weights(layer: nn.Module, ratio: float) -> int:
    """Weights that compensating ``layer`` adds, biases not counted."""
    inputs, outputs = _channels(layer)
    m = maps_of(layer, ratio)
    return m * (inputs + outputs) + outputs * (outputs + m)


def with_compensation(model: nn.Module, layers: Iterable[str], *, ratio: float = 0.25, seed: int = 0) -> nn.Module:
    """A copy of ``model`` with untrained compensation after some layers; it computes what ``model`` computes.

    At first Q passes y on and ignores g; G starts from a uniform distribution of standard deviation
    ``1 / sqrt(3 n)``, n the channels that it takes. :func:`mho.training.compensate` trains both. Weights saved from a
    compensated network are read into what this makes: ``mho.zoo.load_into(with_compensation(model, layers), path)``.

    Args:
        model: the network, which does not change.
        layers: names of convolutions (``nn.Conv2d``) and linear layers.
        ratio: maps that G makes, as a fraction of the channels of y.
        seed: decides the start of G.

    Raises:
        UnknownNameError: no layer of that name.
        ModelError: a layer cannot be compensated, or is already.
        SpecError: an argument is out of range.
    """
    names = check_layers(model, layers, ratio)
    made = copy.deepcopy(model)
    for name in names:
        layer = made.get_submodule(name)
        inputs, outputs = _channels(layer)
        weight, m = layer.get_parameter("weight").detach(), maps_of(layer, ratio)
        generator, compensator = DigitalMix(inputs + outputs, m, weight), DigitalMix(outputs + m, outputs, weight)
        draws = torch.Generator().manual_seed(derived(seed, f"compensation of {name}") >> 1)  # it takes 63 bits
        uniform = torch.rand(m, inputs + outputs, generator=draws) * 2 - 1
        with torch.no_grad():
            generator.weight.copy_(uniform / math.sqrt(inputs + outputs))
            compensator.weight[:, :outputs].fill_diagonal_(1.0)
        # In place, so that a layer registered under several names stays one.
        layer.__class__ = _KINDS[type(layer)]
        layer.generator, layer.compensator = generator, compensator
    if names and registry.built_as(made) is not None:
        delattr(made, registry._MARK)  # what mho.zoo.load would build has no compensation
    return made


def compensation_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of all generators and compensators in ``model``."""
    return [p for module in model.modules() if isinstance(module, DigitalMix) for p in module.parameters()]


def check_layers(model: nn.Module, layers: Iterable[str], ratio: float) -> list[str]:
    """``layers`` as a list without repetitions, if all can be compensated."""
    if not 0 < ratio <= 1:
        raise SpecError(f"ratio={ratio!r} must be more than zero and at most 1: a fraction of a layer's outputs")
    if isinstance(layers, str):
        raise SpecError(f"layers='{layers}' is text; give a list: layers=['{layers}']")
    names, known = list(dict.fromkeys(layers)), dict(model.named_modules())
    for name in names:
        if not isinstance(name, str):
            raise SpecError(f"layers holds a {type(name).__name__}; it takes names, such as those of result.names")
    able = compensable(model)
    for name in names:
        if name not in known:
            raise UnknownNameError(f"no layer '{name}' to compensate: {nearest(name, able)}")
        if isinstance(known[name], CompensatedConv2d | CompensatedLinear):
            raise ModelError(f"layer '{name}' is compensated already; give the network as it was before")
        if name not in able:
            kind = type(known[name]).__name__
            raise ModelError(
                f"layer '{name}' is a {kind}; compensation is for nn.Conv2d and nn.Linear themselves: {_others(able)}"
            )
    return names


def _others(able: list[str]) -> str:
    """What to do about a layer that cannot be compensated."""
    if not able:
        return "this network has none, so train it instead, as mho.train(method=mho.training.NoiseInjection(...)) does"
    return f"name one of {', '.join(map(repr, able[:6]))}{', ...' * (len(able) > 6)}, or leave layers out"


def _channels(layer: nn.Module) -> tuple[int, int]:
    """Channels into and out of a layer that can be compensated."""
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels, layer.out_channels
    assert isinstance(layer, nn.Linear)
    return layer.in_features, layer.out_features
