"""Plus and minus ones as bits: an activation that waits in memory takes a thirty-second of its room."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor


def packed(tensor: Tensor) -> Tensor:
    """``(n, ...)`` plus and minus ones as ``(n, bytes)`` uint8, the first bit lowest; the last byte may be padded."""
    bits = (tensor.flatten(1) > 0).to(torch.uint8)
    short = -bits.shape[1] % 8
    if short:
        bits = torch.nn.functional.pad(bits, (0, short))
    eight = bits.view(len(bits), -1, 8)
    out = torch.zeros(eight.shape[:2], dtype=torch.uint8, device=tensor.device)
    for i in range(8):
        out |= eight[..., i] << i
    return out


def unpacked(packed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """What :func:`packed` was given, ``(n, *shape)`` float32."""
    # Shift by shift, without asking for the device: also symbols, as of a graph, can go through here.
    bits = torch.stack([packed >> i & 1 for i in range(8)], dim=-1).flatten(1)[:, : prod(shape)]
    return bits.to(torch.float32).mul(2).sub(1).view(-1, *shape)
