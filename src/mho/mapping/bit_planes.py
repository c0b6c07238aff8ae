"""Sign and magnitude as planes of bits on binary cells, one array for each sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mho.mapping.base import Encoded, Mapping
from mho.mapping.plane_code import Geometry, PlaneCode, densities
from mho.mapping.slices import root_sum_square

Flip = Literal["none", "msb", "all", "auto"]


@dataclass(frozen=True, kw_only=True)
class BitPlanes(Mapping):
    """``W = q (sum_b 2^b B+_b - sum_b 2^b B-_b)``, ``q = max|W| / (2^n - 1)``, n planes of bits in two arrays.

    A flipped plane holds ones where its bits are zero. Both arrays do, so that what is added cancels, and the sign of
    what the plane contributes changes: ``x (B+ - B-) = -(x S+ - x S-)`` with ``S = 1 - B``.

    A column (output) or row (input) whose weights are all exactly zero is pruned: it is not read, and whatever happens
    to its cells it contributes exactly nothing.

    Sources: [li2024zerospace] eq. 11 and section 3.2; of its two step sizes the one that eq. 11 implies
    (docs/decisions/0020).

    Attributes:
        bits: n, of the magnitude, 2 to 15; plane 0 is the least significant, n - 1 the most (MSB).
        flip: "none", "msb" as in the paper, "all", or "auto": planes with fewer ones than zeros, which of cells that
            are rather stuck at 1 is the better half.
        clip: weights beyond so many standard deviations (of those that are not zero) saturate, which makes q smaller;
            ``None``: none does.
        faulty: planes whose cells are those of the device, "all", "msb" (Algorithm 1 of the paper, taken literally), or
            their numbers; cells of others are ideal. For experiments: in a memory all cells fail.
    """

    bits: int = 8
    flip: Flip = "msb"
    clip: float | None = None
    faulty: Literal["all", "msb"] | tuple[int, ...] = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(2 <= self.bits <= 15, "bits", "must be 2 to 15: planes of the magnitude, the sign is kept apart")
        self.check(self.clip is None or self.clip > 0, "clip", "must be more than zero standard deviations")
        for plane in self.faulty if isinstance(self.faulty, tuple) else ():
            within = f"must hold planes from 0 (least significant) to {self.bits - 1}"
            self.check(0 <= plane < self.bits, "faulty", within)
        if isinstance(self.faulty, tuple):
            self.check(len(set(self.faulty)) == len(self.faulty), "faulty", "lists a plane twice")

    def labelled(self, device: str) -> str:
        flips = {"none": "", "msb": ", MSB flipped", "all": ", planes flipped", "auto": ", planes flipped where sparse"}
        scales = ", scale a column" if self.granularity == "channel" else ""
        return f"{device}, {self.bits} planes{flips[self.flip]}{scales}"

    @property
    def cell_bits(self) -> int:
        return 1

    @property
    def weight_bits(self) -> int:
        return self.bits

    @property
    def top(self) -> int:
        """Largest integer."""
        return (1 << self.bits) - 1

    @property
    def cells_per_weight(self) -> int:
        return 2 * self.bits

    @property
    def kappa(self) -> float:
        return 2**0.5 * root_sum_square([float(1 << b) for b in range(self.bits)]) / self.top

    @property
    def faulty_planes(self) -> tuple[int, ...]:
        """The planes whose cells are those of the device."""
        if isinstance(self.faulty, tuple):
            return self.faulty
        return (self.bits - 1,) if self.faulty == "msb" else tuple(range(self.bits))

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        integers, step, read = self._integers(weight, channel_dim)
        flipped = self._flipped(integers, read)
        stored, values, constant = [], [], torch.zeros((), device=weight.device)
        for sign in (1, -1):
            size = (sign * integers).clamp(min=0).to(torch.int32)
            for b in range(self.bits):
                bit = (size >> b & 1).to(torch.float32)
                stored.append(1 - bit if flipped[b] else bit)
                faulty = b in self.faulty_planes
                values.append(float(sign << b) * (-1 if flipped[b] else 1) if faulty else 0.0)
                constant = constant if faulty else constant + float(sign << b) * bit
        gain = step if bool(read.all()) else step * read
        coefficients = torch.tensor(values, device=weight.device)
        return Encoded(torch.stack(stored), coefficients, gain, constant if constant.dim() else 0.0)

    def quantise(self, weight: Tensor, channel_dim: int = 0) -> Tensor:
        # As encode and decode, without a number for every cell.
        integers, step, read = self._integers(weight, channel_dim)
        return integers.mul_(step).mul_(read)

    def code(self, weight: Tensor, channel_dim: int = 0) -> PlaneCode:
        """The same without a number for every cell: two bytes a weight."""
        integers, step, read = self._integers(weight, channel_dim)
        geometry = Geometry(tuple(weight.shape), channel_dim % weight.dim())
        by_column = geometry.matrix(read.cpu().numpy())
        columns = by_column.any(axis=1)
        steps = np.broadcast_to(step.reshape(-1).cpu().numpy(), columns.shape)
        return PlaneCode(
            bits=self.bits,
            integers=geometry.matrix(integers.cpu().numpy().astype(np.int16)),
            flipped=self._flipped(integers, read),
            gain=np.where(columns, steps, np.float32(0)),
            read_rows=np.asarray(by_column.any(axis=0)),
            geometry=geometry,
            faulty=self.faulty_planes,
        )

    def full_scale(self, weight: Tensor, channel_dim: int) -> Tensor:
        """As of any mapping; with ``clip``, no more than so many standard deviations."""
        scale = super().full_scale(weight, channel_dim)
        if self.clip is None:
            return scale
        others = [d for d in range(weight.dim()) if d != channel_dim % weight.dim()]
        over = others if self.granularity == "channel" and others else list(range(weight.dim()))
        square, number = weight.detach().square().sum(over, keepdim=True), (weight != 0).sum(over, keepdim=True)
        spread = (square / number.clamp(min=1)).sqrt()
        spread = spread if self.granularity == "channel" else spread.reshape(())
        return torch.where(spread > 0, torch.minimum(scale, self.clip * spread), scale)

    def _integers(self, weight: Tensor, channel_dim: int) -> tuple[Tensor, Tensor, Tensor]:
        """Signed integers ``(*shape)``, the value of a step, broadcastable, and which weights are read ``(*shape)``."""
        weight = weight.detach()
        scale = self.full_scale(weight, channel_dim)
        integers = (weight / scale * self.top).round().clamp(-self.top, self.top)
        used, dim = weight != 0, channel_dim % weight.dim()
        others = [d for d in range(weight.dim()) if d != dim]
        columns = used.any(dim=others, keepdim=True) if others else used
        return integers, scale / self.top, (columns & used.any(dim=dim, keepdim=True)).expand_as(weight)

    def _flipped(self, integers: Tensor, read: Tensor) -> tuple[bool, ...]:
        if self.flip != "auto":
            return tuple(self.flip == "all" or (self.flip == "msb" and b == self.bits - 1) for b in range(self.bits))
        share = densities(integers[read].cpu().numpy().astype(np.int16), self.bits)
        return tuple(bool(s < 0.5) for s in share)
