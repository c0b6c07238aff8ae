"""The encodings: sign-magnitude slices, differential pairs, offset, and one analog cell per weight."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mho.mapping.base import Encoded, Mapping
from mho.mapping.slices import check_bits, root_sum_square, slice_levels, slice_weights


@dataclass(frozen=True, kw_only=True)
class _Sliced(Mapping):
    """Abstract: M-bit integers on M/K cells of K bits."""

    weight_bits: int = 8
    cell_bits: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bits(self, self.weight_bits, self.cell_bits)

    @property
    def slices(self) -> int:
        """Cells that hold one integer."""
        return self.weight_bits // self.cell_bits

    @property
    def top(self) -> int:
        """Largest integer."""
        return (1 << self.weight_bits) - 1

    @property
    def _spread(self) -> float:
        """Standard deviation of an integer whose cells have a standard deviation of their full range each."""
        return root_sum_square(slice_weights(self.weight_bits, self.cell_bits))

    def _coefficients(self, weight: Tensor) -> Tensor:
        return torch.tensor(slice_weights(self.weight_bits, self.cell_bits), dtype=torch.float32, device=weight.device)

    def _levels(self, integers: Tensor) -> Tensor:
        return slice_levels(integers, self.weight_bits, self.cell_bits)


@dataclass(frozen=True, kw_only=True)
class SlicedMagnitude(_Sliced):
    """``W = S/(2^M - 1) sign(W) sum_j digit_j 2^(jK)``, sign in a second array [qin2025neft] eq. 12-15.

    A weight occupies M/K cells of the array of its sign; its place in the other array is not read.

    Attributes:
        weight_bits: M, bits of the magnitude.
        cell_bits: K, bits per cell.
    """

    @property
    def cells_per_weight(self) -> int:
        return self.slices

    @property
    def kappa(self) -> float:
        return self._spread / self.top

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        scale = self.full_scale(weight, channel_dim)
        integers = (weight.abs() / scale * self.top).round()
        sign = torch.where(weight < 0, -1.0, 1.0).to(weight.dtype)
        return Encoded(self._levels(integers), self._coefficients(weight), scale * sign / self.top)


@dataclass(frozen=True, kw_only=True)
class Differential(_Sliced):
    """``W = S (G+ - G-)``: both cells of a pair are read, the one of the other sign is written to level 0.

    Attributes:
        weight_bits: M, bits of the magnitude.
        cell_bits: K, bits per cell.
    """

    @property
    def cells_per_weight(self) -> int:
        return 2 * self.slices

    @property
    def kappa(self) -> float:
        return 2**0.5 * self._spread / self.top

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        scale = self.full_scale(weight, channel_dim)
        integers = (weight / scale * self.top).round()
        levels = torch.cat([self._levels(integers.clamp(min=0)), self._levels((-integers).clamp(min=0))])
        plus = self._coefficients(weight)
        return Encoded(levels, torch.cat([plus, -plus]), scale / self.top)


@dataclass(frozen=True, kw_only=True)
class Offset(_Sliced):
    """``W = S (u - z)/z`` with ``u = round(W/S z) + z`` and ``z = 2^(M-1) - 1``: one array, offset taken off digitally.

    Zero is represented exactly; the integer 2^M - 1 is not used.

    Attributes:
        weight_bits: M, bits of the whole signed weight.
        cell_bits: K, bits per cell.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.weight_bits >= 2, "weight_bits", "must be 2 or more: one bit is taken by the sign")

    @property
    def zero(self) -> int:
        """The integer that stands for zero."""
        return (1 << (self.weight_bits - 1)) - 1

    @property
    def cells_per_weight(self) -> int:
        return self.slices

    @property
    def kappa(self) -> float:
        return self._spread / self.zero

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        scale = self.full_scale(weight, channel_dim)
        integers = (weight / scale * self.zero).round() + self.zero
        return Encoded(self._levels(integers), self._coefficients(weight), scale / self.zero, offset=-float(self.zero))


@dataclass(frozen=True, kw_only=True)
class Analog(Mapping):
    """``W = S sign(W) g`` with one unquantised cell per weight, sign in a second array."""

    @property
    def cells_per_weight(self) -> int:
        return 1

    @property
    def kappa(self) -> float:
        return 1.0

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        scale = self.full_scale(weight, channel_dim)
        sign = torch.where(weight < 0, -1.0, 1.0).to(weight.dtype)
        levels = (weight.abs() / scale)[None].to(torch.float32)
        return Encoded(levels, torch.ones(1, device=weight.device), scale * sign)
