"""What happened in each epoch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

_MARK = "_mho_history"


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the training data.

    Attributes:
        number: counted from 1.
        lr: learning rate of the epoch.
        loss: mean training loss over the batches, while the weights changed.
        accuracy: fraction of training samples classified correctly, likewise; ``None`` for regression.
        validation_loss: mean loss on the validation data after the epoch; ``None`` without such data.
        validation_accuracy: fraction correct there; ``None`` without such data or for regression.
        seconds: wall time.
    """

    number: int
    lr: float
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


def remember(model: nn.Module, epochs: tuple[Epoch, ...]) -> None:
    """Attach ``epochs`` to ``model``; copies keep them, saved weights do not."""
    object.__setattr__(model, _MARK, epochs)


def history(model: nn.Module) -> tuple[Epoch, ...]:
    """The epochs of the training run that made ``model``; empty if :func:`mho.training.train` did not."""
    epochs = getattr(model, _MARK, ())
    return epochs if isinstance(epochs, tuple) else ()
