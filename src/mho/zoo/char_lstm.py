"""A character LSTM: after every character of a sequence, scores of the next one."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import one_hot

from mho.errors import SpecError
from mho.zoo.initialise import check_size


class CharLSTM(nn.Module):
    """LSTM layers and a linear layer; 76,992 weights (without biases) at 87 characters.

    Takes ``(N, length)`` character numbers (int64), any length, and returns ``(N, length, classes)`` logits of the
    character that comes next. Every sequence starts from a state of zeros. Characters enter as one-hot vectors, so that
    the first matrix is one that an array can hold, not a look-up table.

    Args:
        classes: different characters.
        hidden: width of each LSTM layer.
        depth: number of LSTM layers.
        dropout: share of the values between LSTM layers that is dropped in training.

    Source: the two layers of width 64 of [gokmen2018lstm]; 77 thousand parameters in [rasch2024fast].
    """

    def __init__(self, *, classes: int = 87, hidden: int = 64, depth: int = 2, dropout: float = 0.0) -> None:
        check_size("char-lstm: classes", classes)
        check_size("char-lstm: hidden", hidden)
        check_size("char-lstm: depth", depth)
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise SpecError(f"char-lstm: dropout={dropout!r} must be in [0, 1)")
        if dropout > 0 and depth == 1:
            raise SpecError(f"char-lstm: dropout={dropout} is between layers, and depth=1 has one; leave it out")
        super().__init__()
        self.classes = classes
        self.lstm = nn.LSTM(classes, hidden, num_layers=depth, batch_first=True, dropout=dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.lstm(one_hot(x, self.classes).to(self.head.weight.dtype))
        logits: Tensor = self.head(states)
        return logits
