"""What happened in each epoch, and how a network was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from mho.frozen import FrozenDict
from mho.spec import Spec, plain, references
from mho.training.method import Method
from mho.training.recipe import Recipe

if TYPE_CHECKING:
    from mho.memory import Memory

_MARK = "_mho_origin"


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the training data.

    Attributes:
        number: counted from 1.
        lr: learning rate of the epoch.
        loss: mean training loss over the batches, while the weights changed; with a method, the loss it minimised.
        accuracy: fraction of training samples classified correctly, likewise; ``None`` for regression.
        validation_loss: mean loss on the validation data after the epoch; ``None`` without such data.
        validation_accuracy: fraction correct there; ``None`` without such data or for regression.
        seconds: wall time.
        chips_mean: mean over the chips of a :class:`Monitor` on the validation data; ``None`` where nothing looked.
        chips_percentile: of the same chips, the percentile that it was asked for.
        chips_ekl: mean surprise of their correct answers, nats.
        sigma: strength of the errors that a :class:`SigmaSearch` came to.
    """

    number: int
    lr: float
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    chips_mean: float | None = None
    chips_percentile: float | None = None
    chips_ekl: float | None = None
    sigma: float | None = None

    def __str__(self) -> str:
        told = [f"epoch {self.number}", f"loss {self.loss:.4g}"]
        shares = {
            "train": self.accuracy,
            "held out": self.validation_accuracy,
            "chips": self.chips_mean if self.accuracy is not None else None,
            "unlucky": self.chips_percentile if self.accuracy is not None else None,
        }
        told += [f"{name} {100 * share:.2f} %" for name, share in shares.items() if share is not None]
        return ", ".join(told + ([] if self.sigma is None else [f"sigma {self.sigma:.3g}"]))


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How a network was trained.

    Attributes:
        recipe: optimiser, schedule, seed.
        method: what made it tolerant; ``None`` for plain training.
        memory: name patterns to memories whose errors the method injected; ``None`` without.
        data: name of the training data.
        epochs: what happened.
        kept: number of the epoch whose network this is; the last if ``None``.
        judged_on: name patterns to memories on whose chips the network was only judged; ``None`` without.
        updates: how layers changed their own weights, where some did: algorithms of arrays, peripherals.
    """

    recipe: Recipe
    method: Method | None
    memory: FrozenDict | None
    data: str
    epochs: tuple[Epoch, ...]
    kept: int | None = None
    judged_on: FrozenDict | None = None
    updates: tuple[Spec, ...] = ()

    @property
    def sigma(self) -> float | None:
        """Strength of the errors that a search found for this network; ``None`` where there was no search."""
        return self.epochs[(self.kept or len(self.epochs)) - 1].sigma

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The distinct memories whose errors were injected, or on which the network was judged."""
        rules = {**(self.memory or {}), **(self.judged_on or {})}
        return tuple(dict.fromkeys(m for m in rules.values() if m is not None))

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of the method, the memories and the updates; see :func:`mho.cite`."""
        specs = (*([] if self.method is None else [self.method]), *self.memories, *self.updates)
        return tuple(dict.fromkeys(key for spec in specs for key in references(spec)))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the epochs, such as :func:`mho.zoo.save` keeps with the weights."""
        said: dict[str, Any] = {"recipe": self.recipe, "method": self.method, "memory": self.memory, "data": self.data}
        if self.judged_on is not None:
            said["judged_on"] = self.judged_on
        if self.updates:
            said["updates"] = self.updates
        return {key: plain(value) for key, value in said.items()}


def remember(model: nn.Module, origin: Origin | None) -> None:
    """Attach ``origin`` to ``model``, or take away what it has; copies keep it, saved weights do not."""
    object.__setattr__(model, _MARK, origin)


def origin(model: nn.Module) -> Origin | None:
    """How ``model`` was trained; ``None`` if :func:`mho.training.train` did not.

    ``mho.cite(origin(model))`` gives the BibTeX.
    """
    found = getattr(model, _MARK, None)
    return found if isinstance(found, Origin) else None


def history(model: nn.Module) -> tuple[Epoch, ...]:
    """The epochs of the training run that made ``model``; empty if :func:`mho.training.train` did not."""
    found = origin(model)
    return () if found is None else found.epochs
