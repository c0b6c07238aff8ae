"""Small networks, one for every kind of layer, each with a batch of inputs; weights from a fixed generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def seeded(model: nn.Module, seed: int = 0) -> nn.Module:
    """``model`` in evaluation mode with weights (and norms' statistics) that depend on ``seed`` alone."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator)
            if tensor.dim() > 1:
                drawn *= 2 / tensor[0].numel() ** 0.5
            elif name.endswith(("weight", "var")):  # of a norm: neither zero nor negative
                drawn = 0.5 + drawn.abs()
            else:  # biases and means: small, or one class would win everywhere
                drawn *= 0.1
            tensor.data.copy_(drawn)
    return model.eval()


def inputs(*shape: int, seed: int = 1) -> Tensor:
    """Standard normal inputs."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Last(nn.Module):
    """The last step of a sequence model's outputs ``(n, steps, features)``."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        out = self.body(x)
        return (out[0] if isinstance(out, tuple) else out)[:, -1]


class Attention(nn.Module):
    """Cross attention of x to its own first features."""

    def __init__(self, **options: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)
        self.key, self.value = options.get("kdim", 8), options.get("vdim", 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x[..., : self.key], x[..., : self.value], need_weights=False)[0][:, -1]


class Cell(nn.Module):
    """A recurrent cell stepped by hand."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return state[0] if isinstance(state, tuple) else state


class Words(nn.Module):
    """Embedding, mean, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.emb(x).mean(1))


class Residual(nn.Module):
    """Two branches, one shared layer, a norm that folds and one that must not."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.na, self.nb, self.first = nn.BatchNorm2d(4), nn.BatchNorm2d(4), nn.BatchNorm2d(2)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(self.first(x))
        a = torch.relu(self.na(a)) + a  # the norm's input is used twice
        b = torch.relu(self.nb(self.b(a)))
        return self.head(torch.flatten((b + self.b(b)).mean((2, 3)), 1))  # b is called twice


def convnet() -> nn.Module:
    """conv-BN-ReLU twice, then linear-BN and a linear head: every norm folds."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6, affine=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(24, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3),
    )  # fmt: skip


def _flat(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten())


EVERY_LAYER: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "linear": (lambda: nn.Linear(6, 4), inputs(20, 6)),
    "conv1d": (lambda: _flat(nn.Conv1d(4, 6, 3, groups=2)), inputs(20, 4, 8)),
    "conv2d": (lambda: _flat(nn.Conv2d(2, 3, 3, dilation=2, stride=2)), inputs(20, 2, 8, 8)),
    "conv2d depthwise": (lambda: _flat(nn.Conv2d(4, 4, 3, groups=4, bias=False)), inputs(20, 4, 5, 5)),
    "conv3d": (lambda: _flat(nn.Conv3d(1, 2, 2)), inputs(20, 1, 3, 3, 3)),
    "transposed 1d": (lambda: _flat(nn.ConvTranspose1d(4, 2, 3)), inputs(20, 4, 4)),
    "transposed 2d": (lambda: _flat(nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2)), inputs(20, 4, 3, 3)),
    "transposed 3d": (lambda: _flat(nn.ConvTranspose3d(2, 2, 2)), inputs(20, 2, 2, 2, 2)),
    "attention": (Attention, inputs(20, 5, 8)),
    "attention kdim vdim": (lambda: Attention(kdim=3, vdim=5), inputs(20, 5, 8)),
    "transformer": (lambda: Last(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), inputs(20, 5, 8)),
    "lstm": (lambda: Last(nn.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True)), inputs(20, 5, 6)),
    "lstm projected": (lambda: Last(nn.LSTM(6, 4, proj_size=3, batch_first=True)), inputs(20, 5, 6)),
    "gru": (lambda: Last(nn.GRU(6, 4, batch_first=True)), inputs(20, 5, 6)),
    "rnn": (lambda: Last(nn.RNN(6, 4, batch_first=True)), inputs(20, 5, 6)),
    "lstm cell": (lambda: Cell(nn.LSTMCell(6, 4)), inputs(20, 5, 6)),
    "gru cell": (lambda: Cell(nn.GRUCell(6, 4)), inputs(20, 5, 6)),
    "embedding": (Words, torch.arange(60).reshape(20, 3) % 11),
    "residual": (Residual, inputs(20, 2, 6, 6)),
    "batch norms": (convnet, inputs(20, 2, 8, 8)),
}
"""Name to (constructor, inputs)."""
