"""NUMBERS <-> CELLS: how a weight tensor is written into cells and read back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from mho import kernels
from mho.devices.base import Device
from mho.devices.nanowires import Nanowires
from mho.errors import SpecError
from mho.mapping.sampler import Sampler
from mho.programming import Cost, OpenLoop, Scheme, Written, cost, written_once
from mho.programming.expected import Expected
from mho.rng import Draws, stream_key
from mho.spec import Spec

Granularity = Literal["tensor", "channel"]


@dataclass(frozen=True)
class Encoded:
    """A weight tensor on cells: ``W = gain * (offset + sum_j coefficients[j] * level[j])``.

    Attributes:
        levels: ``(cells, *weight.shape)`` target levels, fractions of the cell's full range.
        coefficients: ``(cells,)`` contribution of each cell at full range, in integer steps where there are steps.
        gain: broadcastable to the weight; the value of one step times the sign.
        offset: constant added digitally, in the same steps; a number, or ``(*weight.shape)``.
        combine: from levels ``(cells, ...)`` to steps ``(...)`` where that is no weighted sum, instead of it.
    """

    levels: Tensor
    coefficients: Tensor
    gain: Tensor
    offset: float | Tensor = 0.0
    combine: Callable[[Tensor], Tensor] | None = None

    def decode(self, levels: Tensor) -> Tensor:
        """Weights that cells at ``levels`` ``(..., cells, *shape)`` represent, ``(..., *shape)``."""
        lead = levels.dim() - self.levels.dim()
        if self.combine is not None:
            return self.combine(levels.movedim(lead, 0)).mul_(self.gain)
        total = torch.zeros_like(levels.select(lead, 0)).add_(self.offset)
        for j, coefficient in enumerate(self.coefficients.tolist()):
            # Not add_(alpha=): fused, the product would keep the rounding error of a level such as 1/3.
            total += levels.select(lead, j) * coefficient
        return total.mul_(self.gain)


@dataclass(frozen=True, kw_only=True)
class Mapping(Spec):
    """Abstract encoding of weights in cells.

    Attributes:
        granularity: one full scale ``S = max|W|`` per ``"tensor"`` (the papers) or per output ``"channel"``.
        clip_negative: conductances that variation pushes below zero read as zero. Off by default, as in the papers'
            ``W + N(0, s^2)``; with it, a cell at level 0 has a half-normal error and shifts weights.
    """

    granularity: Granularity = field(default="tensor")
    clip_negative: bool = field(default=False)

    @property
    def cell_bits(self) -> int:
        """Bits per cell; 0 for analog."""
        return 0

    @property
    def weight_bits(self) -> int:
        """Bits per weight (magnitude where the sign is kept apart); 0 for analog."""
        return 0

    def labelled(self, device: str) -> str:
        """What tables call a memory of this mapping and a device."""
        return device

    @property
    def binary(self) -> bool:
        """Whether it holds one bit a weight, so that only binary weights fit."""
        return False

    @property
    @abstractmethod
    def cells_per_weight(self) -> int:
        """Cells that hold one weight, all arrays counted."""

    @property
    @abstractmethod
    def kappa(self) -> float:
        """Standard deviation of a weight over (sigma x full scale), sigma a fraction of the cell's full range."""

    @abstractmethod
    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        """Quantise ``weight`` and write it into cells; ``channel_dim`` is its output-channel dimension."""

    def nanowires(self, weight: Tensor, channel_dim: int = 0) -> Nanowires | None:
        """Where the cells of ``weight`` lie on nanowires; ``None`` where cells do not share any."""
        return None

    def quantise(self, weight: Tensor, channel_dim: int = 0) -> Tensor:
        """The weights that noiseless cells represent."""
        encoded = self.encode(weight, channel_dim)
        return encoded.decode(encoded.levels)

    def full_scale(self, weight: Tensor, channel_dim: int) -> Tensor:
        """``S = max|W|`` per tensor or channel, broadcastable to the weight; 1 where all weights are zero."""
        magnitude = weight.detach().abs()
        if self.granularity == "channel":
            others = [d for d in range(weight.dim()) if d != channel_dim % weight.dim()]
            scale = magnitude.amax(others, keepdim=True) if others else magnitude
        else:
            scale = magnitude.amax()
        return torch.where(scale > 0, scale, torch.ones_like(scale))


@dataclass(frozen=True)
class Programmed(Sampler):
    """A weight tensor ready to be sampled on any chips at one severity and age.

    Either ``mean`` and ``std`` are given (the cells of a weight add up to one Gaussian, exactly), or chips are
    sampled cell by cell.

    Attributes:
        layer: name of the parameter.
        encoded: its target levels.
        device: the cell, with everything that depends on the mapping resolved.
        age: since programming, as the device counts it; see :attr:`mho.devices.Device.clock`.
        mean, std: ``(*weight.shape)``, or ``None``.
        scheme: how cells are written.
        chosen: broadcastable to the cells: those that are verified, ``None`` for all; see
            :class:`mho.programming.Selective`.
        steps: levels are multiples of ``1 / steps``; 0 where they may be any.
    """

    layer: str
    encoded: Encoded
    device: Device
    age: float
    mean: Tensor | None
    std: Tensor | None
    scheme: Scheme = field(default_factory=OpenLoop)
    chosen: Tensor | None = None
    steps: int = 0

    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        if self.mean is not None and self.std is not None:
            if out is None:
                out = torch.empty(len(chips), *self.mean.shape, device=self.mean.device)
            key = stream_key(seed, "programming", self.layer)
            kernels.fill_normal(out.view(len(chips), -1), key, chips, self.mean.reshape(-1), self.std.reshape(-1))
            return out
        return self.encoded.decode(self.written(seed, chips).read)

    def written(self, seed: int, chips: Tensor) -> Written:
        """What programming does to every cell of ``chips`` ``(chips,)``."""
        levels = self.encoded.levels
        draws = Draws(seed, self.layer, chips, tuple(levels.shape), levels.device)
        return self.scheme.write(self.device, levels, draws, self.age, self.chosen)

    @property
    def cost(self) -> Cost:
        if not self.scheme.verifies:
            return written_once(self.scheme, self.encoded.levels.numel())
        return cost(self.scheme, self.expected(self.scheme), self.chosen)

    def expected(self, scheme: Scheme) -> Expected:
        """What ``scheme`` would do on average to each of these cells."""
        return Expected.of(scheme, self.device, self.encoded.levels, self.steps)

    @property
    def bytes_per_chip(self) -> int:
        # Its weights, or its cells with a few temporaries.
        if self.mean is not None:
            return 4 * self.mean.numel()
        return (48 if self.scheme.verifies else 24) * self.encoded.levels.numel()

    @property
    def by_cell(self) -> bool:
        return self.mean is None

    @property
    def numbers(self) -> int:
        return self.encoded.levels.numel() if self.mean is None else self.mean.numel()

    def scaled(self, gain: Tensor) -> Programmed:
        return replace(
            self,
            encoded=replace(self.encoded, gain=self.encoded.gain * gain),
            mean=None if self.mean is None else self.mean * gain,
            std=None if self.std is None else self.std * gain,
        )


def program(
    mapping: Mapping,
    device: Device,
    weight: Tensor,
    *,
    layer: str,
    age: float,
    by_cell: bool = False,
    channel_dim: int = 0,
    scheme: Scheme | None = None,
) -> Programmed:
    """Encode ``weight`` and resolve what programming it with ``scheme`` does, at ``age``.

    Where the cells of a weight add up to one Gaussian it is sampled as that, unless ``by_cell`` is asked for. Cells
    that are verified never do.

    A device that describes whole weights (``per_weight``) sees one virtual cell at ``|W|/S``; any other sees the
    mapping's own cells.
    """
    if device.per_weight and mapping.clip_negative:
        raise SpecError(
            f"{device.label}: level_scope='weight' describes whole weights, so there are no cells for "
            "clip_negative=True to clip; use level_scope='device'"
        )
    device = device.written_to(cell_bits=mapping.cell_bits, weight_bits=mapping.weight_bits, kappa=mapping.kappa)
    encoded = _whole(mapping, weight, channel_dim) if device.per_weight else mapping.encode(weight, channel_dim)
    wires = mapping.nanowires(weight, channel_dim)
    device = device if wires is None else device.on_tracks(wires)
    scheme = scheme or OpenLoop()
    if device.per_weight and scheme.verifies:
        raise SpecError(
            f"{layer}: programming={type(scheme).__name__} verifies cells, and device={device.label} with "
            "level_scope='weight' describes whole weights; use level_scope='device', or programming=OpenLoop()"
        )
    device = _Clipped(device=device) if mapping.clip_negative else device
    one_by_one = by_cell or scheme.verifies
    moments = None if one_by_one else device.gaussian(encoded.levels, age)
    mean = std = None
    if moments is not None:
        cell_mean, cell_std = moments
        mean = encoded.decode(cell_mean).contiguous()
        squares = (encoded.coefficients.double() ** 2).to(cell_mean.dtype)
        variance = cell_std.expand_as(encoded.levels).square().movedim(0, -1) @ squares
        std = (encoded.gain.abs() * variance.sqrt()).expand_as(mean).contiguous()
    steps = 0 if device.per_weight or not mapping.cell_bits else (1 << mapping.cell_bits) - 1
    return Programmed(layer, encoded, device, age, mean, std, scheme, steps=steps)


@dataclass(frozen=True, kw_only=True)
class _Clipped(Device):
    """A cell that reads zero where its conductance would be negative, also to the circuit that verifies it."""

    device: Device

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return self.device.write(level, draws)

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        return self.device.read(level, held, draws, age).clamp(min=0)


def _whole(mapping: Mapping, weight: Tensor, channel_dim: int) -> Encoded:
    quantised, scale = mapping.quantise(weight, channel_dim), mapping.full_scale(weight, channel_dim)
    sign = torch.where(weight < 0, -1.0, 1.0).to(weight.dtype)
    return Encoded((quantised.abs() / scale)[None], torch.ones(1, device=weight.device), scale * sign)
