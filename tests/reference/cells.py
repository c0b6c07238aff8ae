"""Weights on cells, one weight at a time in Python integers and floats; and a device that hides its moments."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mho.devices import Device
from mho.rng import Draws


def digits(integer: int, weight_bits: int, cell_bits: int) -> list[int]:
    """Base-``2^K`` digits of ``integer``, least significant first."""
    base, out = 2**cell_bits, []
    for _ in range(weight_bits // cell_bits):
        integer, digit = divmod(integer, base)
        out.append(digit)
    assert integer == 0
    return out


def undigits(levels: list[int], cell_bits: int) -> int:
    """The number whose digits are ``levels``."""
    return sum(level * 2 ** (j * cell_bits) for j, level in enumerate(levels))


def magnitude(weight: float, scale: float, weight_bits: int) -> int:
    """Sign-magnitude integer of ``weight``."""
    return round(abs(weight) / scale * (2**weight_bits - 1))


def offset(weight: float, scale: float, weight_bits: int) -> int:
    """Offset integer of ``weight``; zero is ``2^(M-1) - 1``."""
    zero = 2 ** (weight_bits - 1) - 1
    return round(weight / scale * zero) + zero


@dataclass(frozen=True, kw_only=True)
class CellByCell(Device):
    """The same cell without closed-form moments, so that a mapping has to sample every cell."""

    cell: Device

    @property
    def per_weight(self) -> bool:
        return self.cell.per_weight

    def written_to(self, *, cell_bits: int, weight_bits: int, kappa: float) -> Device:
        written = self.cell.written_to(cell_bits=cell_bits, weight_bits=weight_bits, kappa=kappa)
        return CellByCell(cell=written)

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return self.cell.write(level, draws)

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        return self.cell.read(level, held, draws, age)
