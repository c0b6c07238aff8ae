"""A small vision transformer, of linear and attention layers alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from mho.errors import SpecError
from mho.zoo.initialise import check_size


class Block(nn.Module):
    """Attention and a two-layer network, each on normalised values and added to its input ``(N, tokens, width)``."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, mlp)
        self.fc2 = nn.Linear(mlp, width)
        self.gelu = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        out: Tensor = x + self.fc2(self.gelu(self.fc1(self.norm2(x))))
        return out


class ViT(nn.Module):
    """Patches, learnt positions, blocks of attention, and a linear layer on the mean token.

    4,209,152 weights of matrices as it is, for 32x32 images; ``width=64, mlp=128, depth=4`` has 134,784. Takes
    ``(N, channels, image_size, image_size)`` and returns ``(N, classes)`` logits. The patches go through a linear
    layer, which is the usual strided convolution.

    Args:
        classes: number of outputs.
        image_size: height and width of the images in pixels, a multiple of ``patch``.
        channels: colour channels of the images.
        patch: height and width of a patch in pixels.
        width: values a token, a multiple of ``heads``.
        depth: number of blocks.
        heads: of every attention.
        mlp: hidden width of the two-layer network in a block.

    Source: [dosovitskiy2021vit], with the mean of the tokens for its class token; near the 4.3 million parameters of
    the one in [rasch2024fast], whose layout the article does not give.
    """

    def __init__(
        self,
        *,
        classes: int = 10,
        image_size: int = 32,
        channels: int = 3,
        patch: int = 4,
        width: int = 256,
        depth: int = 8,
        heads: int = 8,
        mlp: int = 512,
    ) -> None:
        sizes = {"classes": classes, "image_size": image_size, "channels": channels, "patch": patch}
        for key, value in (sizes | {"width": width, "depth": depth, "heads": heads, "mlp": mlp}).items():
            check_size(f"vit: {key}", value)
        if image_size % patch:
            raise SpecError(f"vit: image_size={image_size} must be a multiple of patch={patch}")
        if width % heads:
            raise SpecError(f"vit: width={width} must be a multiple of heads={heads}")
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(channels * patch**2, width)
        self.position = nn.Parameter(torch.empty(1, (image_size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads, mlp) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        nn.init.trunc_normal_(self.position, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(unfold(x, self.patch, stride=self.patch).transpose(1, 2)) + self.position
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).mean(1))
        return logits
