"""Philox4x32-10 in Python integers and Box-Muller in doubles: the definition, and nothing clever.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

from __future__ import annotations

import math
import struct

M0, M1 = 0xD2511F53, 0xCD9E8D57
W0, W1 = 0x9E3779B9, 0xBB67AE85
MASK = 0xFFFFFFFF


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int], rounds: int = 10) -> tuple[int, int, int, int]:
    """Four 32-bit words of one counter."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        high0, low0 = divmod(M0 * c0, 2**32)
        high1, low1 = divmod(M1 * c2, 2**32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + W0) & MASK, (k1 + W1) & MASK
    return c0, c1, c2, c3


def word(key: tuple[int, int], chip: int, element: int) -> int:
    """The 32-bit word of one element of one chip."""
    block = element // 4
    counter = (block & MASK, block >> 32, chip & MASK, chip >> 32)
    return philox4x32(counter, key)[element % 4]


def normal(key: tuple[int, int], chip: int, element: int) -> float:
    """The standard normal of one element of one chip: even elements take the cosine, odd ones the sine."""
    x, y = word(key, chip, element - element % 2), word(key, chip, element - element % 2 + 1)
    # The radius is defined on the single-precision uniform, whose grid near 1 is 2^-24.
    u = single(single(x) * 2.0**-32 + 2.0**-33)
    radius, angle = math.sqrt(-2 * math.log(u)), 2 * math.pi * y / 2**32
    return radius * (math.sin(angle) if element % 2 else math.cos(angle))


def single(value: float) -> float:
    """``value`` rounded to single precision."""
    return float(struct.unpack("f", struct.pack("f", value))[0])
