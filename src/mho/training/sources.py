"""Where weights with fresh errors come from: a standard deviation, or a memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mho.errors import SpecError
from mho.memory.deployment import Chips, chip_numbers
from mho.rng import Draws
from mho.training.noises.base import GaussianNoise, Noise
from mho.training.rewriting import Changing

if TYPE_CHECKING:
    from mho.training.run import Batch

Source = Callable[["Batch", int], dict[str, Tensor]]


class Errors:
    """Where weights with fresh errors come from, at a strength that a search may change between two epochs.

    Args:
        make: ``make(sigma)`` is the source at that strength.
        sigma: the strength at first.
    """

    def __init__(self, make: Callable[[float | None], Source], sigma: float | None) -> None:
        self._make, self._source = make, make(sigma)

    def __call__(self, batch: Batch, draw: int = 0) -> dict[str, Tensor]:
        """The weights of chip ``draw`` of this mini-batch, name to ``(*shape)``; constants."""
        return self._source(batch, draw)

    def retune(self, sigma: float) -> None:
        """From now on, errors of strength ``sigma``."""
        self._source = self._make(sigma)


def direct_errors(chips: Chips, sigma: float | None, noise: Noise | None, seed: int, more: float) -> Source:
    """``W + (sigma + more) * max|W| * noise`` of every stored weight."""
    if sigma is None:
        raise SpecError(
            "sigma is missing: give it as a fraction of max|W|, such as sigma=0.1, or give train a memory= "
            "whose errors to take"
        )
    stored = {name: chips.model.get_parameter(name) for name in chips.placements}
    distribution = noise or GaussianNoise()
    strength = max(sigma + more, 0.0)

    @torch.no_grad()
    def errors(batch: Batch, draw: int = 0) -> dict[str, Tensor]:
        number, out = torch.tensor([batch.chip(draw)]), {}
        for name, weight in stored.items():
            scale = weight.abs().amax()
            draws = Draws(seed, name, number, tuple(weight.shape), weight.device)
            out[name] = weight + strength * scale * distribution.draw(draws, weight, scale)[0]
        return out

    return errors


def memory_errors(chips: Chips, sigma: float | None, noise: Noise | None, seed: int, more: float) -> Source:
    """The weights of a chip to which the current weights have just been programmed."""
    if noise is not None:
        raise SpecError(f"noise={type(noise).__name__}(...) and memory= both say what errors are; leave out one")
    if more:
        placements = {}
        for name, place in chips.placements.items():
            severity = getattr(place.memory.device, "sigma", None) if sigma is None else sigma
            if severity is None:
                raise SpecError(
                    f"train: memory= has device={place.memory.device.label}, which has no sigma that step= of the "
                    "method could be added to; take a device with a sigma, or leave out memory= and give the method "
                    "sigma=0.1"
                )
            memory = place.memory.with_sigma(max(severity + more, 0.0))
            placements[name] = replace(place, memory=memory)
        chips, sigma = replace(chips, placements=placements), None
    chips.check_weights("train")
    changing = Changing(chips, sigma)

    @torch.no_grad()
    def errors(batch: Batch, draw: int = 0) -> dict[str, Tensor]:
        number = chip_numbers([batch.chip(draw)])
        return {name: sampler.sample(seed, number)[0] for name, sampler in changing.samplers().items()}

    return errors
