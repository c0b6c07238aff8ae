"""Philox4x32-10 and the normal formula in plain torch: slow, readable, runs on every device torch runs on.

Every other kernel must give the same numbers as this file: integers bit for bit, and normals bit for bit too, because
the formula below is a fixed sequence of float32 additions and multiplications (no library ``log`` or ``sin``, whose
last bits differ between machines). It is also the path taken on devices that have no kernel of their own.

The numbers of one chip are addressed, never drawn from a state (Salmon et al., SC'11 [salmon2011random]):

* key (64 bit): a hash of (seed, purpose, layer), see :mod:`mho.rng`;
* counter (128 bit): words 0-1 hold ``element // 4``, words 2-3 the chip;
* lane ``element % 4`` of the block's four words belongs to ``element``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
_MASK = 0xFFFFFFFF

# Cephes single-precision minimax polynomials, highest power first.
LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
LN2_LOW, LN2_HIGH = -2.12194440e-4, 0.693359375
SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SQRT_HALF_BITS = 0x3F3504F3
TURN = 2 * math.pi / 2**32


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Four uint32 words (held in int64) of Philox4x32-10 for every counter.

    Args:
        counter: four int64 tensors of one broadcastable shape, values in [0, 2^32).
        key: two words in [0, 2^32).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        # int64 products wrap modulo 2^64; the mask undoes the sign that the shift drags in.
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            ((p1 >> 32) & _MASK) ^ c1 ^ k0,
            p1 & _MASK,
            ((p0 >> 32) & _MASK) ^ c3 ^ k1,
            p0 & _MASK,
        )
        k0, k1 = (k0 + WEYL[0]) & _MASK, (k1 + WEYL[1]) & _MASK
    return c0, c1, c2, c3


def fill_bits(out: Tensor, key: tuple[int, int], chips: Tensor) -> None:
    """Write the uint32 words of elements 0..n-1 of every chip into ``out``.

    Args:
        out: ``(chips, n)`` int64.
        key: two 32-bit words.
        chips: ``(chips,)`` int64 chip numbers.
    """
    n = out.shape[1]
    block = torch.arange((n + 3) // 4, device=out.device)[None]
    chip = chips.to(out.device)[:, None]
    words = philox((block & _MASK, block >> 32, chip & _MASK, (chip >> 32) & _MASK), key)
    lanes = torch.stack([word.expand(len(chips), -1) for word in words], dim=-1)
    out.copy_(lanes.reshape(len(chips), -1)[:, :n])


def fill_normal(out: Tensor, key: tuple[int, int], chips: Tensor, mean: Tensor | None, std: Tensor | None) -> None:
    """Write ``mean + std * z`` into ``out``, z standard normal and addressed by (key, chip, element).

    Args:
        out: ``(chips, n)`` float32.
        key: two 32-bit words.
        chips: ``(chips,)`` int64 chip numbers.
        mean: ``(n,)`` float32, or ``None`` together with ``std`` for plain standard normals.
        std: ``(n,)`` float32.
    """
    n = out.shape[1]
    bits = torch.empty(len(chips), (n + 3) // 4 * 4, dtype=torch.int64, device=out.device)
    fill_bits(bits, key, chips)
    first, second = box_muller(bits[:, 0::2], bits[:, 1::2])
    z = torch.stack((first, second), dim=-1).reshape(len(chips), -1)[:, :n]
    out.copy_(z if mean is None or std is None else mean + std * z)


def bits_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    """``(n,)`` int64: the words of some (chip, element), both ``(n,)`` int64, as :func:`fill_bits` gives them."""
    words = torch.stack(_words_at(key, chips, elements))
    return words.gather(0, elements.remainder(4)[None])[0]


def normals_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> Tensor:
    """``(n,)`` float32: the normals of some (chip, element), both ``(n,)`` int64, as :func:`fill_normal` has them."""
    words, lane = _words_at(key, chips, elements), elements.remainder(4)
    low = lane < 2
    first, second = box_muller(torch.where(low, words[0], words[2]), torch.where(low, words[1], words[3]))
    return torch.where(lane.remainder(2) == 0, first, second)


def _words_at(key: tuple[int, int], chips: Tensor, elements: Tensor) -> tuple[Tensor, ...]:
    block = elements >> 2
    return philox((block & _MASK, block >> 32, chips & _MASK, (chips >> 32) & _MASK), key)


def box_muller(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Two standard normals (float32) from two uint32 words [boxmuller1958].

    The radius uses ``u = x / 2^32 + 2^-33`` in (0, 1], so |z| <= 6.77; the angle is ``2 pi y / 2^32``, reduced to
    a quarter turn in integers, hence exactly.
    """
    u = x.to(torch.float32) * 2.0**-32 + 2.0**-33
    # Through float64, because torch's vectorised float32 root is not correctly rounded; this is.
    radius = torch.sqrt((-2.0 * log(u)).to(torch.float64)).to(torch.float32)
    quarter = ((y + 0x20000000) & _MASK) >> 30
    rest = (y - (quarter << 30)) & _MASK
    signed = torch.where(rest >= 0x80000000, rest - 0x100000000, rest)
    a = signed.to(torch.float32) * torch.tensor(TURN, dtype=torch.float32)
    z = a * a
    sin = ((SIN[0] * z + SIN[1]) * z + SIN[2]) * z * a + a
    cos = ((COS[0] * z + COS[1]) * z + COS[2]) * z * z - 0.5 * z + 1.0
    odd, negative = (quarter & 1) != 0, (quarter & 2) != 0
    radius = torch.where(negative, -radius, radius)
    return radius * torch.where(odd, -sin, cos), radius * torch.where(odd, cos, sin)


def log(u: Tensor) -> Tensor:
    """Natural logarithm of positive normal float32, one fixed sequence of operations."""
    bits = u.view(torch.int32) - SQRT_HALF_BITS
    exponent = (bits >> 23).to(torch.float32)
    m = ((bits & 0x007FFFFF) + SQRT_HALF_BITS).view(torch.float32) - 1.0
    z = m * m
    p = torch.full_like(m, LOG[0])
    for coefficient in LOG[1:]:
        p = p * m + coefficient
    y = p * m * z
    y = y + LN2_LOW * exponent
    y = y - 0.5 * z
    return (m + y) + LN2_HIGH * exponent
