"""Signed integers of b bits as planes of bits, one plane a significance: four encodings and what a flipped bit costs.

All of them hold the same symmetric integers -(2^(b-1) - 1) ... 2^(b-1) - 1, so that two encodings of a layer differ in
nothing but what an error does. Words that no such integer has (a fault may make one) still decode.

==================  ========================================================  =====================================
encoding            word of the integer v                                     a flip of bit j moves v by
==================  ========================================================  =====================================
"twos-complement"   v modulo 2^b                                              2^j
"offset"            u = v + 2^(b-1) (offset binary)                           2^j
"sign-magnitude"    abs(v), and 1 as the top bit where v < 0                  2^j; the top bit 2 abs(v)
"gray"              u XOR (u >> 1): reflected Gray code of offset binary's u  odd number up to 2^(j+1) - 1
==================  ========================================================  =====================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from mho.errors import SpecError, unknown

Encoding = Literal["twos-complement", "offset", "sign-magnitude", "gray"]

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

PLANE_ORDER = "most significant first"
"""Plane i is bit j = b - 1 - i of the word, as :class:`mho.devices.nanowires.Nanowires` counts them: ``planes[:n]`` are
the top n. Plane 0 tells the sign."""

LEAST_BITS, MOST_BITS = 2, 16


def largest(bits: int) -> int:
    """The largest integer that ``bits`` hold, 2^(bits-1) - 1; the smallest is minus that."""
    return (1 << (bits - 1)) - 1


def encode(integers: Tensor, bits: int, encoding: Encoding) -> Tensor:
    """The planes of ``integers``, in :data:`PLANE_ORDER`.

    Args:
        integers: ``(*shape)`` whole numbers within ± :func:`largest`, of any float or integer type.
        bits: b, 2 to 16.
        encoding: one of :data:`ENCODINGS`.

    Returns:
        ``(bits, *shape)`` float32, 0 or 1.

    Raises:
        SpecError: too few or too many bits, or integers that they do not hold.
    """
    _check(bits, encoding)
    whole = integers.to(torch.int64)
    if whole.numel() and int(whole.abs().max()) > largest(bits):
        raise SpecError(
            f"integers of {int(whole.min())} to {int(whole.max())} do not fit in bits={bits}: "
            f"they must be within -{largest(bits)} and {largest(bits)}"
        )
    word = whole + (1 << (bits - 1))
    if encoding == "twos-complement":
        word = whole & ((1 << bits) - 1)
    elif encoding == "gray":
        word = word ^ (word >> 1)
    elif encoding == "sign-magnitude":
        word = whole.abs() | ((whole < 0).to(torch.int64) << (bits - 1))
    return torch.stack([(word >> j) & 1 for j in _bits_by_plane(bits)]).to(torch.float32)


def decode(planes: Tensor, encoding: Encoding, dim: int = 0) -> Tensor:
    """The integers that words stand for; the inverse of :func:`encode`, whatever the other dimensions are.

    Args:
        planes: ``(..., bits, ...)``, in :data:`PLANE_ORDER`; anything above 1/2 counts as 1.
        encoding: one of :data:`ENCODINGS`.
        dim: dimension of the planes.

    Returns:
        ``planes.shape`` without ``dim``, float32 whole numbers. A faulty word may be ``-largest - 1`` too, or in
        sign-magnitude a second zero.
    """
    planes = planes.movedim(dim, 0)
    _check(len(planes), encoding)
    combine = combiner(len(planes), encoding)
    if combine is not None:
        return combine(planes)
    values, offset = coefficients(len(planes), encoding)
    total = torch.full(planes.shape[1:], offset, dtype=torch.float32, device=planes.device)
    for plane, value in zip(planes, values, strict=True):
        total += (plane > 0.5) * value
    return total


def linear(encoding: Encoding) -> bool:
    """Whether an integer is a weighted sum of its planes."""
    return encoding in ("twos-complement", "offset")


def coefficients(bits: int, encoding: Encoding) -> tuple[tuple[float, ...], float]:
    """What each plane adds to the integer, and the constant: ``v = offset + sum_i coefficients[i] plane[i]``.

    Of the encodings that are no such sum they are the powers of two of the planes and 0, that is, of words as plain
    binary numbers: what they mean, :func:`combiner` knows.
    """
    _check(bits, encoding)
    values = [float(1 << j) for j in _bits_by_plane(bits)]
    if encoding == "twos-complement":
        values[0] = -values[0]
    return tuple(values), -float(1 << (bits - 1)) if encoding == "offset" else 0.0


def combiner(bits: int, encoding: Encoding) -> Callable[[Tensor], Tensor] | None:
    """From planes ``(bits, ...)`` to integers ``(...)`` float32 where that is no weighted sum, else ``None``.

    Planes are read as bits: anything above 1/2 is 1.
    """
    _check(bits, encoding)
    if linear(encoding):
        return None
    return partial(_from_gray if encoding == "gray" else _from_sign_magnitude, bits)


def flip_errors(integers: Tensor, bits: int, encoding: Encoding) -> Tensor:
    """What a flip of each plane adds to each of ``integers`` ``(*shape)``: ``(bits, *shape)`` float32, signed."""
    planes = encode(integers, bits, encoding)
    before = decode(planes, encoding)
    flipped = []
    for i in range(bits):
        word = planes.clone()
        word[i] = 1 - word[i]
        flipped.append(decode(word, encoding) - before)
    return torch.stack(flipped)


def error_weights(bits: int, encoding: Encoding, integers: Tensor | None = None) -> tuple[float, ...]:
    """Root mean square of the error of the integer when a plane is flipped, one number a plane.

    It says which planes to protect. Averaged over ``integers`` (those of a layer, say), or over every integer that the
    encoding holds: then it is 2^j for bit j of two's complement, of offset binary and of a magnitude,
    ``2 sqrt(m (m + 1) / 3)`` with m = :func:`largest` for the sign of sign-magnitude, and close to
    ``sqrt((4^(j+1) - 1) / 3)`` for bit j of Gray. Bell-shaped weights make the sign of sign-magnitude far cheaper than
    the top plane of the others.

    A slip does not flip a bit, it puts a neighbour's in its place: of independent bits that are 1 with probability q
    it changes 2 q (1 - q).
    """
    if integers is None:
        integers = torch.arange(-largest(bits), largest(bits) + 1)
    squares = flip_errors(integers, bits, encoding).double().flatten(1).square()
    return tuple(squares.mean(1).sqrt().tolist())


def _from_gray(bits: int, planes: Tensor) -> Tensor:
    binary = torch.zeros(planes.shape[1:], dtype=torch.bool, device=planes.device)
    total = torch.full(planes.shape[1:], -float(1 << (bits - 1)), dtype=torch.float32, device=planes.device)
    for plane, j in zip(planes, _bits_by_plane(bits), strict=True):
        binary = binary ^ (plane > 0.5)  # a binary digit is the parity of the Gray digits from the top down to it
        total += binary * float(1 << j)
    return total


def _from_sign_magnitude(bits: int, planes: Tensor) -> Tensor:
    total = torch.zeros(planes.shape[1:], dtype=torch.float32, device=planes.device)
    for plane, j in zip(planes[1:], _bits_by_plane(bits - 1), strict=True):
        total += (plane > 0.5) * float(1 << j)
    # Not a product with -1: a second zero must not become the float -0.
    return torch.where((planes[0] > 0.5) & (total != 0), -total, total)


def _bits_by_plane(bits: int) -> range:
    return range(bits - 1, -1, -1)


def _check(bits: int, encoding: str) -> None:
    if encoding not in ENCODINGS:
        raise unknown("encoding", encoding, ENCODINGS)
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise SpecError(f"bits={bits} must be {LEAST_BITS} to {MOST_BITS} for a signed integer")
