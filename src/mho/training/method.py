"""What a training method is: a spec that says what happens to every mini-batch before the optimiser's step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from mho.errors import SpecError, nearest
from mho.spec import Spec, kinds_of

if TYPE_CHECKING:
    from torch import Tensor

    from mho.training.run import Batch, Run


class Taught(NamedTuple):
    """What one mini-batch gave, for the record: the loss that was minimised, and outputs ``(n, ...)``."""

    loss: Tensor
    outputs: Tensor


Step = Callable[["Batch"], Taught]
"""Leaves gradients on the clean parameters of the model; the optimiser's step is the loop's business."""


@dataclass(frozen=True, kw_only=True)
class Method(Spec):
    """Abstract way to train a network that tolerates imperfect memory.

    A method is a description and holds no state: what it needs during a run it makes in :meth:`begin`, and keeps in
    the step that it returns.

    ``references`` are BibTeX keys (see :func:`mho.cite`); ``takes_memory`` says whether the errors may be those of a
    memory (``mho.train(..., memory=memory)``).
    """

    references: ClassVar[tuple[str, ...]] = ()
    takes_memory: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Short name for tables: the kind, with what is not as usual."""
        said = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                shown = type(value).__name__ if isinstance(value, Spec) else f"{value:g}" if _number(value) else value
                said.append(f"{field.name}={shown}")
        return type(self).__name__ + (f"({', '.join(said)})" if said else "")

    @abstractmethod
    def begin(self, run: Run) -> Step:
        """The step of a run that is about to start.

        Args:
            run: the model in training and what surrounds it: addressed noise, the loss, modules that help.

        Raises:
            SpecError: the method does not suit the model, the data or the memory.
        """


def check_method(method: object, memory: object) -> None:
    """Raise unless ``method`` is a :class:`Method` that takes ``memory``, or neither is given.

    Raises:
        SpecError: naming what was meant.
    """
    if method is None:
        if memory is not None:
            raise SpecError(
                "memory= says which errors chips have, but plain training injects none: "
                "give method=mho.training.NoiseInjection() too"
            )
        return
    if not isinstance(method, Method):
        raise SpecError(f"method={_spelt(method)}")
    if memory is not None:
        _check_programming(memory)
    if memory is not None and not method.takes_memory:
        raise SpecError(
            f"{type(method).__name__} takes no memory: its fields alone say what it does; leave out memory="
        )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_programming(memory: object) -> None:
    from mho.memory import Memory
    from mho.programming import Selective

    rules = memory.values() if isinstance(memory, Mapping) else (memory,)
    for one in rules:
        if isinstance(one, Memory) and isinstance(one.programming, Selective):
            raise SpecError(
                "training takes no Selective programming: which weights are verified is chosen for a finished "
                "network; give the memory OpenLoop or WriteVerify"
            )


def _spelt(method: object) -> str:
    known = kinds_of(Method)
    if isinstance(method, type) and issubclass(method, Method):
        return f"{method.__name__} is a class; give one of it: {method.__name__}(...)"
    if not isinstance(method, str):
        return f"{method!r} is no training method; such are {', '.join(known)}"
    if method in known:
        return f"'{method}' is a name; give mho.training.{method}(...)"
    return f"'{method}' is a name that no training method has: {nearest(method, known)}"
