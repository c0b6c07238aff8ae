"""A transformer encoder for sentences, laid out as BERT: of linear layers that an array can hold one by one."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.zoo.initialise import check_size

Pooling = Literal["mean", "cls"]


class Block(nn.Module):
    """Attention and a two-layer network, each added to its input ``(N, tokens, width)`` and then normalised."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.scale = heads, math.sqrt(heads / width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.norm2 = nn.LayerNorm(width)
        self.gelu = nn.GELU()
        self.softmax = nn.Softmax(-1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, unseen: Tensor) -> Tensor:
        """The tokens after this block; ``unseen`` ``(N, 1, 1, tokens)`` is added to the scores of every token."""
        query, key, value = (self._apart(layer(x)) for layer in (self.query, self.key, self.value))
        scores = query @ key.transpose(-2, -1) * self.scale
        seen = self.dropout(self.softmax(scores + unseen)) @ value
        x = self.norm1(x + self.dropout(self.output(seen.transpose(1, 2).flatten(2))))
        out: Tensor = self.norm2(x + self.dropout(self.fc2(self.gelu(self.fc1(x)))))
        return out

    def _apart(self, x: Tensor) -> Tensor:
        """``(N, tokens, width)`` as ``(N, heads, tokens, width / heads)``."""
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)


class Encoder(nn.Module):
    """Embedded tokens, places and texts, blocks of attention, and a linear layer on the mean token or on the first.

    393,472 weights of matrices as it is, besides tables of 30,522 tokens, places and texts. Takes ``input_ids``,
    ``attention_mask`` and ``token_type_ids``, ``(N, tokens)`` int64 each, and returns ``(N, classes)`` logits, or
    ``(N,)`` values with ``classes=1``. Tokens that the mask leaves out change no output; places that it leaves out at
    the end of every sample are not computed.

    Args:
        vocabulary: different tokens.
        width: values a token, a multiple of ``heads``.
        depth: number of blocks.
        heads: of every attention.
        hidden: width of the two-layer network in a block.
        classes: number of outputs; 1 for a value.
        length: tokens a sample at most.
        dropout: share of the values that is dropped in training, where BERT does.
        pooling: the classifier sees the "mean" of the tokens, or the first, "cls".

    Source: [devlin2019bert]; without its layer between the pooled token and the classifier.
    """

    def __init__(
        self,
        *,
        vocabulary: int = 30522,
        width: int = 128,
        depth: int = 2,
        heads: int = 4,
        hidden: int = 512,
        classes: int = 2,
        length: int = 64,
        dropout: float = 0.1,
        pooling: Pooling = "mean",
    ) -> None:
        sizes = {"vocabulary": vocabulary, "width": width, "depth": depth, "heads": heads, "hidden": hidden}
        for key, value in (sizes | {"classes": classes, "length": length}).items():
            check_size(f"encoder: {key}", value)
        if width % heads:
            raise SpecError(f"encoder: width={width} must be a multiple of heads={heads}")
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise SpecError(f"encoder: dropout={dropout!r} must be in [0, 1)")
        if pooling not in ("mean", "cls"):
            raise SpecError(f"encoder: pooling={pooling!r} must be 'mean' or 'cls'")
        super().__init__()
        self.classes, self.length, self.pooling = classes, length, pooling
        self.tokens = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(torch.empty(1, length, width))
        self.types = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, hidden, dropout) for _ in range(depth))
        self.classifier = nn.Linear(width, classes)
        for table in (self.tokens.weight, self.position, self.types.weight):
            nn.init.normal_(table, std=0.02)

    @staticmethod
    def fitting(data: Dataset) -> dict[str, Any]:
        """The options that ``data`` asks for: its length, and one output where its targets are values."""
        if isinstance(data.inputs, Tensor) or "input_ids" not in data.inputs:
            return {}
        length = {"length": int(data.inputs["input_ids"].shape[1])}
        return length | ({"classes": 1} if data.targets.is_floating_point() else {})

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        kinds = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        used = _used(mask, self.length)
        input_ids, mask, kinds = input_ids[:, :used], mask[:, :used], kinds[:, :used]
        x = self.tokens(input_ids) + self.position[:, : input_ids.shape[1]] + self.types(kinds)
        x = self.dropout(self.norm(x))
        counted = mask.to(x.dtype)
        # Finite, so that a sample of padding alone gives numbers; far below any score, also in half precision.
        unseen = (1 - counted)[:, None, None, :] * -1e4
        for block in self.blocks:
            x = block(x, unseen)
        logits: Tensor = self.classifier(self.dropout(self._pooled(x, counted)))
        return logits.squeeze(-1) if self.classes == 1 else logits

    def _pooled(self, x: Tensor, counted: Tensor) -> Tensor:
        if self.pooling == "cls":
            return x[:, 0]
        return (x * counted[..., None]).sum(1) / counted.sum(1, keepdim=True).clamp(min=1)


def _used(mask: Tensor, most: int) -> int:
    """Places up to the last that any sample uses; all of them where values are not to be looked at.

    Raises:
        ModelError: more than ``most``, or the inputs are no rows of tokens.
    """
    if torch.compiler.is_compiling():
        return mask.shape[1]
    try:
        places = mask.detach().any(0).nonzero()
        count = len(places)
        if mask.dim() != 2:
            raise ModelError(f"encoder: inputs are numbers of tokens, (N, tokens); these have {mask.dim()} dimensions")
        used = int(places[-1]) + 1 if count else 1
    except RuntimeError:  # under vmap over samples, or in a trace, shapes must not depend on values
        return mask.shape[1]
    if used > most:
        raise ModelError(f"encoder: a sample has {used} tokens; this one was built with length={most}")
    return used
