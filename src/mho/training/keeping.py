"""Which epoch's network is returned."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

from mho.training.record import Epoch

Criterion = Literal["last", "accuracy", "mean", "percentile"]


class Keeper:
    """Holds the weights of the best epoch so far, where not simply the last one is wanted.

    Args:
        criterion: what is best; see :class:`mho.training.Monitor`. Of values, the smallest error.

    Attributes:
        number: of the epoch that is held; ``None`` for the last.
    """

    def __init__(self, criterion: Criterion) -> None:
        self._criterion = criterion
        self.number: int | None = None
        self._score = float("-inf")
        self._weights: dict[str, Tensor] = {}

    def look(self, epoch: Epoch, model: nn.Module) -> None:
        """Keep ``model`` as it is after ``epoch``, if that is the best."""
        score = self._scored(epoch)
        if score is None or not score > self._score:  # nan is never best
            return
        self._score, self.number = score, epoch.number
        self._weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    def restore(self, model: nn.Module) -> None:
        """Give ``model`` the weights of the best epoch."""
        if self.number is not None:
            model.load_state_dict(self._weights)

    def state(self) -> dict[str, Any] | None:
        """What a checkpoint keeps."""
        if self.number is None:
            return None
        return {"number": self.number, "score": self._score, "model": self._weights}

    def load(self, state: dict[str, Any] | None) -> None:
        """Go on from where :meth:`state` was taken."""
        if state is not None:
            self.number, self._score, self._weights = state["number"], state["score"], state["model"]

    def _scored(self, epoch: Epoch) -> float | None:
        if self._criterion == "last":
            return None
        if self._criterion == "accuracy" and epoch.validation_accuracy is not None:
            return epoch.validation_accuracy
        told = {"accuracy": epoch.validation_loss, "mean": epoch.chips_mean, "percentile": epoch.chips_percentile}
        value = told[self._criterion]
        if value is None or epoch.validation_accuracy is not None:
            return value
        return -value  # of regression all three are errors
