"""Mean and standard deviation of a programmed weight by its integer: programming again in every step, made cheap."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mho.mapping import Mapping, Programmed, program
from mho.memory.deployment import Chips


@dataclass(frozen=True)
class Table:
    """What a weight of each integer reads back as, where that is a Gaussian.

    Attributes:
        mean: ``(2 * steps + 1,)`` by integer from ``-steps`` on, in units of the full scale.
        std: the same.
        steps: the integer of a weight at full scale.
        mapping: gives the full scale.
        channel_dim: output-channel dimension of the weights.
    """

    mean: Tensor
    std: Tensor
    steps: int
    mapping: Mapping
    channel_dim: int

    def moments(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every weight, both of its shape and contiguous."""
        scale = self.mapping.full_scale(weight, self.channel_dim)
        index = (weight / scale * self.steps).round_().int().add_(self.steps)
        # A weight that is NaN has no integer; the loss says that training diverged, not an index out of range.
        index = index.clamp_(0, 2 * self.steps).reshape(-1)
        mean = self.mean.index_select(0, index).view(weight.shape).mul_(scale)
        return mean, self.std.index_select(0, index).view(weight.shape).mul_(scale)


def table(chips: Chips, name: str, programmed: Programmed, sigma: float | None) -> Table | None:
    """The table of a stored weight, if there is one: it must give what ``programmed``, asked itself, gives.

    Args:
        chips: where the weight is stored.
        name: the weight.
        programmed: the weight as ``chips`` program it now.
        sigma: severity that it is programmed at.
    """
    if programmed.mean is None or programmed.std is None:
        return None
    place = chips.placements[name]
    memory = place.memory if sigma is None else place.memory.with_sigma(sigma)
    weight = chips.stored(name)
    for steps in _steps(memory.mapping):
        grid = torch.arange(-steps, steps + 1, device=weight.device, dtype=weight.dtype) / steps
        of_all = memory.mapping.replace(granularity="tensor")
        made = program(of_all, memory.device, grid, layer=name, age=programmed.age)
        if made.mean is None or made.std is None:
            return None
        found = Table(made.mean, made.std, steps, memory.mapping, place.layer.channel_dim)
        if all(_same(a, b) for a, b in zip(found.moments(weight), (programmed.mean, programmed.std), strict=True)):
            return found
    return None


def _steps(mapping: Mapping) -> list[int]:
    """What the integer of a weight at full scale may be."""
    known = (getattr(mapping, name, None) for name in ("zero", "top"))
    return [steps for steps in known if isinstance(steps, int) and steps > 0]


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors agree but for rounding."""
    return bool((a - b).abs().amax() <= 1e-5 * b.abs().amax())
