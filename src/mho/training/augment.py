"""Random crop and flip of a whole batch at once, on the device where it lies."""

from __future__ import annotations

import torch
from torch import Tensor

_PAD = 4


def crop_flip(images: Tensor, fill: Tensor, generator: torch.Generator) -> Tensor:
    """Pad by 4 pixels, crop at a random place, flip half of the images left to right.

    The draws are made on the CPU, so that every device sees the same augmentation.

    Args:
        images: ``(N, C, H, W)``.
        fill: ``(C, 1, 1)`` value of the padding: what black became after normalisation (see :func:`darkest`).
        generator: CPU generator of the offsets and flips.

    Returns:
        ``(N, C, H, W)``, each image moved by at most 4 pixels.

    Source: He et al., CVPR 2016, section 4.2; every CIFAR recipe of the papers uses it.
    """
    n, channels, height, width = images.shape
    offsets = torch.randint(0, 2 * _PAD + 1, (2, n, 1), generator=generator)
    flips = torch.randint(0, 2, (n, 1), generator=generator, dtype=torch.bool)
    columns = torch.arange(width)
    rows = (offsets[0] + torch.arange(height)).to(images.device)
    columns = (offsets[1] + torch.where(flips, columns.flip(0), columns)).to(images.device)

    padded = fill.expand(n, channels, height + 2 * _PAD, width + 2 * _PAD).clone()
    padded[:, :, _PAD : _PAD + height, _PAD : _PAD + width] = images
    sample = torch.arange(n, device=images.device).view(n, 1, 1)
    # advanced indices on both sides of a slice put the channels last
    return padded[sample, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2).contiguous()


def darkest(images: Tensor) -> Tensor:
    """The ``(C, 1, 1)`` lowest value a channel of ``(N, C, H, W)``: black; papers pad before normalising."""
    return images.amin(dim=(0, 2, 3)).view(-1, 1, 1)
