"""Addressed randomness: every number is a pure function of (seed, purpose, layer, chip, element).

A chip is a number. Chip 4711 of seed 0 has the same weights whatever the batch it is evaluated in, the order, the
number of threads, the machine or the device, so results can be resumed, cached, distributed and compared pairwise.
Nothing is ever drawn from a global generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        cycle: which write of the cells this is, from 1; every one has numbers of its own.
        at: ``(n,)`` positions within ``(chips, *shape)``, flattened, of the cells that are drawn for; ``None`` for
            all. The numbers are those that they have among all, and results have shape ``(n,)``.
    """

    seed: int
    layer: str
    chips: Tensor
    shape: tuple[int, ...]
    device: torch.device
    cycle: int = 1
    at: Tensor | None = None

    def write(self, cycle: int, at: Tensor) -> Draws:
        """The numbers of a later write of the cells at the positions ``at``."""
        return replace(self, cycle=cycle, at=at)

    def normal(self, purpose: str, *, lasting: bool = False) -> Tensor:
        """Independent standard normals, ``(chips, *shape)`` float32.

        Args:
            purpose: what they are for; no two devices of a stack may share one.
            lasting: whether a cell keeps its number when it is written again, as a defect does.
        """
        import torch

        from mho import kernels

        key = self._key(purpose, lasting)
        if self.at is not None:
            return kernels.normals_at(key, *self._places(self.at))
        out = torch.empty(len(self.chips), prod(self.shape), dtype=torch.float32, device=self.device)
        kernels.fill_normal(out, key, self.chips)
        return out.view(len(self.chips), *self.shape)

    def bits(self, purpose: str, *, lasting: bool = False) -> Tensor:
        """Independent uniform integers in [0, 2^32), ``(chips, *shape)`` int64; compare with ``rate * 2**32``.

        Args:
            purpose: as for :meth:`normal`.
            lasting: as for :meth:`normal`.
        """
        import torch

        from mho import kernels

        key = self._key(purpose, lasting)
        if self.at is not None:
            return kernels.bits_at(key, *self._places(self.at))
        out = torch.empty(len(self.chips), prod(self.shape), dtype=torch.int64, device=self.device)
        kernels.fill_bits(out, key, self.chips)
        return out.view(len(self.chips), *self.shape)

    def arrivals(self, purpose: str, rate: float) -> tuple[Tensor, Tensor]:
        """The cells whose lasting number is below ``rate``, without drawing a number for every cell.

        Cells below one rate are below every higher one; see :mod:`mho.kernels.arrivals`.

        Args:
            purpose: as for :meth:`normal`.
            rate: within 0 and 1.

        Returns:
            ``(n,)`` int64 positions, rising, within the flattened result of another draw (``(chips, *shape)``, or
            :attr:`at`), and 32 random bits of each cell, int64.
        """
        import numpy as np
        import torch

        from mho.kernels.arrivals import arrivals

        key, size = self._key(purpose, lasting=True), prod(self.shape)
        found = [arrivals(key, chip, size, rate) for chip in self.chips.tolist()]
        where = np.concatenate([np.empty(0, np.int64), *(i * size + f[0] for i, f in enumerate(found))])
        marks = np.concatenate([np.empty(0, np.int64), *(f[2].astype(np.int64) for f in found)])
        places, bits = torch.from_numpy(where), torch.from_numpy(marks)
        if self.at is not None and len(places):
            at = self.at.cpu()
            near = torch.searchsorted(places, at).clamp_(max=len(places) - 1)
            places, bits = (places[near] == at).nonzero()[:, 0], bits[near]
            bits = bits[places]
        return places.to(self.device), bits.to(self.device)

    def key(self, purpose: str, cycle: int) -> tuple[int, int]:
        """The stream of one write of the cells."""
        return stream_key(self.seed, purpose if cycle == 1 else f"{purpose}\x1e{cycle}", self.layer)

    def _key(self, purpose: str, lasting: bool) -> tuple[int, int]:
        return self.key(purpose, 1 if lasting else self.cycle)

    def _places(self, at: Tensor) -> tuple[Tensor, Tensor]:
        size = prod(self.shape)
        return self.chips.to(at.device)[at.div(size, rounding_mode="floor")], at.remainder(size)
