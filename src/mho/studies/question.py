"""What a study may ask of every point in place of a population of chips."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from mho.spec import Spec

if TYPE_CHECKING:
    from torch import nn

    from mho.data import Dataset
    from mho.memory.spec import Memory
    from mho.studies.study import Study


class Asked(NamedTuple):
    """What a worker answers a question with.

    Attributes:
        model: the network.
        rules: name patterns to memories, severity filled in, as :meth:`Question.held` has them.
        data: the test set.
        calibration: what may be searched, ranked or judged on; ``None`` where nothing is.
        settings: seed, age, metric, dtype and n_chips of the study, those that mean something to the question.
        device: where to compute.
    """

    model: nn.Module
    rules: Mapping[str, Memory | None]
    data: Dataset
    calibration: Dataset | None
    settings: Mapping[str, Any]
    device: str | None


@dataclass(frozen=True, kw_only=True)
class Question(Spec):
    """Abstract question; ``idle`` names the fields of a study that mean nothing to it."""

    references: ClassVar[tuple[str, ...]] = ()
    idle: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """What every answer has several of: name to values."""

    @property
    def blind(self) -> tuple[str, ...]:
        """Fields of a memory that the answer does not depend on, over which there is no axis."""
        return ()

    def held(self, memory: Memory) -> Memory:
        """``memory`` with all that the answer does not depend on put to one value."""
        return memory

    @abstractmethod
    def check_study(self, study: Study) -> None:
        """Refuse a study that this cannot be asked of.

        Raises:
            SpecError: with the place in this question, if it is there.
        """

    @abstractmethod
    def needs(self, study: Study) -> tuple[str, str] | None:
        """Why it needs calibration data, and what would do without; ``None`` if it needs none."""

    @abstractmethod
    def ask(self, asked: Asked) -> Any:
        """The answer: a frozen dataclass with ``label``, ``provenance``, ``rows()`` and ``to_dict()``.

        And with ``confidence`` and ``sigma`` where these are not idle.
        """

    @abstractmethod
    def read(self, data: dict[str, Any]) -> Any:
        """The answer that ``to_dict()`` wrote."""

    @abstractmethod
    def summary(self, found: Any) -> dict[str, float]:
        """The answer in few numbers; those with an interval have ``_low`` and ``_high`` beside them."""

    @abstractmethod
    def every_chip(self, found: Any) -> list[dict[str, Any]]:
        """One flat record for every chip of the answer."""
