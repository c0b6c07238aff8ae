"""Addressed randomness: every number is a pure function of (seed, purpose, layer, chip, element).

A chip is a number. Chip 4711 of seed 0 has the same weights whatever the batch it is evaluated in, the order, the
number of threads, the machine or the device, so results can be resumed, cached, distributed and compared pairwise.
Nothing is ever drawn from a global generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def stream_key(seed: int, purpose: str, layer: str = "") -> tuple[int, int]:
    """The two 32-bit Philox key words of one stream: a 64-bit BLAKE2b of its address.

    Args:
        seed: any integer.
        purpose: what the numbers are for, such as ``"programming"`` or ``"read noise"``.
        layer: name of the parameter they belong to.
    """
    address = "\x1f".join((str(int(seed)), purpose, layer)).encode()
    digest = blake2b(address, digest_size=8, person=b"mho/rng/1").digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


@dataclass(frozen=True)
class Draws:
    """The random numbers of one layer on some chips, by purpose.

    Attributes:
        seed: seed of the deployment.
        layer: name of the parameter.
        chips: ``(chips,)`` int64 chip numbers.
        shape: shape of the cells of one chip; results have shape ``(chips, *shape)``.
        device: where the numbers are made.
    """

    seed: int
    layer: str
    chips: Tensor
    shape: tuple[int, ...]
    device: torch.device

    def normal(self, purpose: str) -> Tensor:
        """Independent standard normals, ``(chips, *shape)`` float32."""
        import torch

        from mho import kernels

        out = torch.empty(len(self.chips), prod(self.shape), dtype=torch.float32, device=self.device)
        kernels.fill_normal(out, stream_key(self.seed, purpose, self.layer), self.chips)
        return out.view(len(self.chips), *self.shape)

    def bits(self, purpose: str) -> Tensor:
        """Independent uniform integers in [0, 2^32), ``(chips, *shape)`` int64; compare with ``rate * 2**32``."""
        import torch

        from mho import kernels

        out = torch.empty(len(self.chips), prod(self.shape), dtype=torch.int64, device=self.device)
        kernels.fill_bits(out, stream_key(self.seed, purpose, self.layer), self.chips)
        return out.view(len(self.chips), *self.shape)
