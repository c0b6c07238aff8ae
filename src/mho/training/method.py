"""What a training method is: a spec that says what happens to every mini-batch before the optimiser's step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from mho.errors import SpecError, nearest
from mho.spec import Spec, kinds_of
from mho.training.sigma_search import SigmaSearch

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
    memory (``mho.train(..., memory=memory)``); ``compiles`` whether the network may be compiled, which hides its
    modules.
    """

    references: ClassVar[tuple[str, ...]] = ()
    takes_memory: ClassVar[bool] = False
    compiles: ClassVar[bool] = True

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

    @property
    def sigma_search(self) -> SigmaSearch | None:
        """The search for the strength of this method's errors; ``None`` where it is a number."""
        sigma = getattr(self, "sigma", None)
        return sigma if isinstance(sigma, SigmaSearch) else None

    @property
    def injects_memory(self) -> bool:
        """Whether a memory given to ``mho.train`` says the errors; where not, it can only judge chips."""
        return self.takes_memory and getattr(self, "noise", None) is None

    @abstractmethod
    def begin(self, run: Run) -> Step:
        """The step of a run that is about to start.

        Args:
            run: the model in training and what surrounds it: addressed noise, the loss, modules that help.

        Raises:
            SpecError: the method does not suit the model, the data or the memory.
        """


def check_method(method: object, memory: object, *, monitored: bool = False) -> None:
    """Raise unless ``method`` is a :class:`Method`, or none, and there is a use for ``memory``.

    Args:
        method: what was given as the method.
        memory: what was given as the memory.
        monitored: whether chips of ``memory`` are judged while training.

    Raises:
        SpecError: naming what was meant.
    """
    if method is not None and not isinstance(method, Method):
        raise SpecError(f"method={_spelt(method)}")
    search = None if method is None else method.sigma_search
    if search is not None and memory is None:
        raise SpecError(
            f"{type(method).__name__}: a search for sigma judges chips; give memory= too, or a number such as sigma=0.1"
        ).at("sigma")
    if memory is None:
        return
    _check_programming(memory)
    if search is not None or monitored:
        return
    if method is None:
        raise SpecError(
            "memory= says which errors chips have, but plain training injects none: "
            "give method=mho.training.NoiseInjection() too"
        )
    if not method.takes_memory:
        raise SpecError(
            f"{type(method).__name__} takes no memory: its fields alone say what it does; leave out memory="
        )
    if not method.injects_memory:
        noise = type(getattr(method, "noise", None)).__name__
        raise SpecError(f"noise={noise}(...) and memory= both say what errors are; leave out one")


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
    from mho.training import METHODS

    known = kinds_of(Method)
    if isinstance(method, str) and method in METHODS:
        return f"'{method}' is a name of the command line; give mho.training.{METHODS[method].__name__}(...)"
    if isinstance(method, type) and issubclass(method, Method):
        return f"{method.__name__} is a class; give one of it: {method.__name__}(...)"
    if not isinstance(method, str):
        return f"{method!r} is no training method; such are {', '.join(known)}"
    if method in known:
        return f"'{method}' is a name; give mho.training.{method}(...)"
    return f"'{method}' is a name that no training method has: {nearest(method, known)}"
