"""The box of errors around a network: its centre, what a bound of one means for every weight, what a tolerance does."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mho.data.dataset import Inputs
from mho.devices.level_gaussian import LevelGaussian
from mho.errors import ModelError, SpecError
from mho.evaluation.fold import fold_batchnorm
from mho.evaluation.prepare import moved
from mho.mapping.encodings import Analog
from mho.memory.deployment import Chips, Placement, deploy
from mho.memory.layers import matrices
from mho.memory.spec import Memory
from mho.memory.validation import require_valid

EXACT = Memory(device=LevelGaussian(sigma=0.0), mapping=Analog())
"""One noiseless analog cell a weight: what holds weights that are perturbed here and not by a device."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A network and the errors its weights may have.

    Attributes:
        chips: the chips that were asked about; those of a plain model keep its weights as they are.
        centre: a private copy of the model with the weights that errors are added to.
        scale: full scale S of every stored weight, broadcastable to it.
        share: the bound of every layer, over that of the layer with the widest; 1 unless a tolerance means different
            bounds in different layers.
    """

    chips: Chips
    centre: nn.Module
    scale: dict[str, Tensor]
    share: dict[str, float]

    def chip(self, delta: dict[str, Tensor]) -> nn.Module:
        """The network whose stored weights are off by ``delta`` (fractions of S, by name)."""
        model = copy.deepcopy(self.centre)
        with torch.no_grad():
            for name, change in delta.items():
                parameter = model.get_parameter(name)
                parameter.add_(change.to(parameter.device) * self.scale[name].to(parameter.device))
        return model

    def on(self, where: torch.device, sample: Inputs, seed: int) -> tuple[Chips, dict[str, Tensor]]:
        """Chips whose weights are the centre, BatchNorm folded, and the error of every weight at a bound of one.

        ``g (W + S d)``, with the gains g of the norms, is ``g W + (g S) d``: the same box for a cheaper network.
        """
        centre = moved(self.centre, where)
        model, gains = fold_batchnorm(centre, sample)
        reach = {name: scale.to(where) * self.share[name] for name, scale in self.scale.items()}
        with torch.no_grad():
            for name, gain in gains.items():
                model.get_parameter(name).mul_(gain)
                if name in reach:
                    reach[name] = reach[name] * gain
        held = {n: Placement(p.parameter, p.kind, EXACT, p.layer) for n, p in self.chips.placements.items()}
        chips = replace(self.chips, model=model, placements=held, rules={"*": EXACT}, seed=seed, sensitivity=None)
        return chips, reach


def box_of(model: Chips | nn.Module | Any) -> Box:
    """The box of ``model``: chips around their noiseless quantised weights, a plain model around its own.

    Raises:
        SpecError: neither chips nor a module.
        ModelError: the module cannot be deployed, or has nothing that a memory would store.
    """
    if isinstance(model, Chips):
        if model.slips:
            raise SpecError(
                "worst_case bounds how far a weight is off; bits of racetracks slip instead: mho.evaluate(age=...) and "
                "mho.racetrack.sensitivity"
            )
        scale = {name: _full_scale(model, place) for name, place in model.placements.items()}
        return Box(chips=model, centre=model.ideal(), scale=scale, share=dict.fromkeys(scale, 1.0))
    if not isinstance(model, nn.Module):
        raise SpecError(f"worst_case takes chips or a torch.nn.Module, not a {type(model).__name__}")
    require_valid(model)
    if not any(not rule.opt_in for module in model.modules() for _, rule in matrices(module)):
        raise ModelError(f"{type(model).__name__} has no weight matrix that a memory would store: nothing can be off")
    chips = deploy(model, EXACT)
    scale = {name: _full_scale(chips, place) for name, place in chips.placements.items()}
    return Box(chips=chips, centre=chips.model, scale=scale, share=dict.fromkeys(scale, 1.0))


def _full_scale(chips: Chips, place: Placement) -> Tensor:
    return place.memory.mapping.full_scale(chips.model.get_parameter(place.parameter), place.layer.channel_dim)


def tolerant(box: Box) -> tuple[Box, float]:
    """``box`` for tolerances of cells, and the bound that a tolerance of one stands for in its widest layer.

    Cells that are off by at most t of their range put a weight off by ``t |gain| sum_j |coefficient_j|``. The ratio
    to S is rounded to six digits.
    """
    factor = {name: _factor(box.chips, place, box.scale[name]) for name, place in box.chips.placements.items()}
    widest = max(factor.values())
    return replace(box, share={name: f / widest for name, f in factor.items()}), widest


def _factor(chips: Chips, place: Placement, scale: Tensor) -> float:
    if place.memory.device.per_weight:
        return 1.0  # one virtual cell spans the whole weight
    encoded = place.memory.mapping.encode(chips.model.get_parameter(place.parameter).detach(), place.layer.channel_dim)
    error = encoded.gain.abs().double() * encoded.coefficients.abs().double().sum()
    return round(float((error / scale.double()).amax()), 6)


def largest_float(bound: float) -> float:
    """The largest float32 that is at most ``bound``: rounded to nearest, 0.1 would be more than 0.1."""
    nearest = np.float32(bound)
    return float(nearest if float(nearest) <= bound else np.nextafter(nearest, np.float32(0)))
