"""Bit slicing: an unsigned integer of M bits on M/K cells of K bits each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mho.errors import SpecError
from mho.spec import Spec


def check_bits(spec: Spec, weight_bits: int, cell_bits: int) -> None:
    """Refuse bit widths that do not slice."""
    spec.check(1 <= weight_bits <= 16, "weight_bits", "must be 1 to 16")
    spec.check(1 <= cell_bits <= weight_bits, "cell_bits", f"must be 1 to weight_bits={weight_bits}")
    if weight_bits % cell_bits:
        fits = [k for k in range(1, weight_bits + 1) if weight_bits % k == 0]
        raise SpecError(
            f"{type(spec).__name__}: weight_bits={weight_bits} is not divisible by cell_bits={cell_bits}; "
            f"cell_bits may be {', '.join(map(str, fits))}"
        )


def slice_levels(integers: Tensor, weight_bits: int, cell_bits: int) -> Tensor:
    """Digits of ``integers`` in base ``2^cell_bits``, least significant first, as fractions of the top level.

    Args:
        integers: ``(*shape)`` whole numbers in [0, 2^weight_bits - 1], any float or integer type.
        weight_bits: M.
        cell_bits: K.

    Returns:
        ``(M/K, *shape)`` float32 multiples of ``1 / (2^K - 1)``.
    """
    whole = integers.to(torch.int64)
    base = 1 << cell_bits
    digits = [(whole >> (j * cell_bits)) & (base - 1) for j in range(weight_bits // cell_bits)]
    levels: Tensor = torch.stack(digits).to(torch.float32) / (base - 1)
    return levels


def slice_weights(weight_bits: int, cell_bits: int) -> list[float]:
    """Contribution of each slice at its top level: whole numbers, so that noiseless cells add up without rounding."""
    return [float(((1 << cell_bits) - 1) << (j * cell_bits)) for j in range(weight_bits // cell_bits)]


def root_sum_square(values: list[float]) -> float:
    """Square root of the sum of squares."""
    return math.sqrt(sum(v * v for v in values))
