"""Closest values: a weight with stuck cells is written as the nearest integer that those cells allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.faults import Resolved

if TYPE_CHECKING:
    from mho.mapping.plane_code import Ints, PlaneCode
    from mho.memory.redundancy.base import Bits
    from mho.memory.redundancy.faults import Faults
    from mho.memory.redundancy.layout import Layout

_FAR = 1 << 40
"""A remainder that is none: larger than any."""


@dataclass(frozen=True, kw_only=True)
class ClosestValue(Redundancy):
    """The healthy cells of a weight are written so that the weight is as close as can be to what it shall be.

    A weight is ``P - N`` of the two arrays. A cell of ``P`` stuck at 1 is undone by a 1 in ``N`` beside it, and most
    weights with one stuck cell come out exact. It takes no cell more, but a map of the faults of every chip
    [chen2014march], and a compilation of the weights for each.

    Source: closest-value mapping and fault-aware decomposition of [shin2023faultfree], here solved exactly for two
    arrays of bit planes: plane by plane from the top, the digit ``p - n`` in {-1, 0, 1} as far as stuck cells leave it
    free.
    """

    references: ClassVar[tuple[str, ...]] = ("shin2023faultfree", "chen2014march")
    known_map: ClassVar[bool] = True

    @property
    def label(self) -> str:
        return "closest value"

    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        column, row, digits, _ = self._allowed(faults, code)
        left = remainder(code.integers[column, row].astype(np.int64), digits)
        wrong = left != 0
        return Resolved(column[wrong], row[wrong], -left[wrong])

    def rewritten(self, faults: Faults, code: PlaneCode) -> Bits | None:
        # Weights whose stuck cells hold what they should are written as without any.
        rows, errors = code.integers.shape[1], faults.errors(code)
        wrong = np.isin(faults.column * rows + faults.row, errors.column * rows + errors.row)
        column, row, allowed, both_zero = self._allowed(faults.where(wrong), code)
        _, digits = decomposed(code.integers[column, row].astype(np.int64), allowed)
        both_one = (digits == 0) & ~both_zero
        bits = np.stack([(digits == 1) | both_one, (digits == -1) | both_one]) ^ np.array(code.flipped)
        negative, weight, plane = np.indices(bits.shape).reshape(3, -1)
        return (negative, plane, column[weight], row[weight]), bits.ravel().astype(np.int64)

    def _allowed(self, faults: Faults, code: PlaneCode) -> tuple[Ints, Ints, NDArray[np.bool_], NDArray[np.bool_]]:
        """Columns and rows of the weights with stuck cells, the digits that these allow, and where (0, 0) is one."""
        rows = code.integers.shape[1]
        weights, place = np.unique(faults.column * rows + faults.row, return_inverse=True)
        column, row = weights // rows, weights % rows
        logical = faults.stuck ^ np.asarray(code.flipped, np.int64)[faults.plane]
        # may[p or n, bit value]: whether a cell can read as that.
        may = np.ones((2, 2, len(weights), code.bits), bool)
        may[faults.negative.astype(int), 1 - logical, place, faults.plane] = False
        (p0, p1), (n0, n1) = may
        return column, row, np.stack([p0 & n1, (p0 & n0) | (p1 & n1), p1 & n0]), p0 & n0  # -1, 0, 1


def remainder(integers: Ints, digits: NDArray[np.bool_]) -> Ints:
    """``w`` minus the closest ``sum_b 2^b d_b`` whose digits are allowed.

    Args:
        integers: ``(weights,)`` what they shall be.
        digits: ``(3, weights, bits)`` whether -1, 0 and 1 are allowed in plane b; one of them is.

    Returns:
        ``(weights,)`` zero where the weight can be written.
    """
    found: Ints = _search(integers, digits)[-1][0]
    return found


def decomposed(integers: Ints, digits: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """:func:`remainder`, and ``(weights, bits)`` digits -1, 0 and 1 that leave it, zeros where there is a choice."""
    *tried, (left,) = _search(integers, digits)
    found, now = np.zeros(digits.shape[1:], np.int64), left
    # Back from what was left: before a plane was taken off, there was a digit of it more.
    for plane, before in enumerate(reversed(tried)):
        for digit in (1, -1, 0):
            reached = (before == now + (digit << plane)).any(axis=0) & digits[digit + 1, :, plane]
            found[reached, plane] = digit
        now = now + (found[:, plane] << plane)
    return left, found


def _search(integers: Ints, digits: NDArray[np.bool_]) -> list[Ints]:
    """Remainders worth going on with, ``(tries, weights)``, before each plane from the top; last the closest one."""
    bits = digits.shape[2]
    least = np.where(digits[0], -1, np.where(digits[1], 0, 1))
    most = np.where(digits[2], 1, np.where(digits[1], 0, -1))
    left: Ints = integers[None]
    kept: list[Ints] = []
    for plane in reversed(range(bits)):
        kept.append(left)
        below = 1 << np.arange(plane)
        low, high = least[:, :plane] @ below, most[:, :plane] @ below
        tried = [np.where(digits[d + 1, :, plane], left - d * (1 << plane), _FAR) for d in (-1, 0, 1)]
        now = np.concatenate(tried)
        inside = (low <= now) & (now <= high)
        # Remainders are equal modulo 2^plane, so at most two lie inside. Of those outside, which lower planes can only
        # come near to, the nearest on either side is as good as any.
        left = np.stack(
            [
                np.where(now > high, now, _FAR).min(axis=0),
                np.where(inside, now, _FAR).min(axis=0),
                np.where(inside, now, -_FAR).max(axis=0),
                np.where(now < low, now, -_FAR).max(axis=0),
            ]
        )
    nearest = np.abs(left).argmin(axis=0)
    return [*kept, np.take_along_axis(left, nearest[None], axis=0)]
