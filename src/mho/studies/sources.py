"""Where a study's models and data come from, as specs: named data sets, checkpoints, networks trained in the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mho.errors import SpecError, unknown
from mho.frozen import FrozenDict
from mho.memory.spec import Memory, NameRules
from mho.spec import Spec, added
from mho.training.method import Method, check_method
from mho.training.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from mho.data import Dataset
    from mho.memory.rules import Rules

HELD_OUT = 6
"""One sample in so many is held out where a part of the data is asked for."""


@dataclass(frozen=True, kw_only=True)
class Data(Spec):
    """A data set by name, as :func:`mho.data.load` takes it. Where it lies is the machine's business, not the study's.

    Attributes:
        name: one of ``mho list data``, or one that you registered.
        split: "train" or "test".
        limit: only the first so many samples.
        options: what its loader takes besides, such as ``{normalize: imagenet}``.
        part: of these samples ``"all"``; or ``"held-out"``, every sixth, to choose on, and ``"fit"``, the others, to
            learn from.
    """

    name: str
    split: Literal["train", "test"] = "test"
    limit: int | None = None
    options: FrozenDict = field(default_factory=FrozenDict)
    part: Literal["all", "fit", "held-out"] = added(lambda: "all")

    def __post_init__(self) -> None:
        from mho.data.catalog import entry

        super().__post_init__()
        try:
            entry(self.name)
        except LookupError as error:
            raise error.at("name") from None  # type: ignore[attr-defined]
        self.check(self.limit is None or self.limit >= 1, "limit", "must be one or more")

    def load(self, root: str | Path | None = None) -> Dataset:
        """The samples; ``root`` is searched first."""
        from mho.data import load

        whole = load(self.name, split=self.split, root=root, limit=self.limit, **self.options)
        return whole if self.part == "all" else whole.held_out(HELD_OUT, kept=self.part == "held-out")


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Spec):
    """A network in a file: ``.safetensors`` of :func:`mho.zoo.save`, or a published CIFAR ResNet's ``.th``.

    Attributes:
        path: the file; from the folder of the study's YAML if relative.
    """

    path: str

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.path.rpartition("/")[2].rpartition(".")[0] or self.path


@dataclass(frozen=True, kw_only=True)
class Trained(Spec):
    """A network that the study trains; cells that need the same one share it.

    Attributes:
        architecture: one of ``mho list models``, or one that you registered.
        data: what it is trained on.
        recipe: how.
        seed: of the starting weights; the recipe's seed is that of everything later, and of both if this is ``None``.
        options: keyword arguments of the architecture.
        method: what makes it tolerant, such as ``NoiseInjection``; plain training if ``None``.
        memory: memory, or name rules, whose errors the method injects, or on whose chips its ``SigmaSearch`` judges;
            plain training makes no use of it.
    """

    architecture: str
    data: Data
    recipe: Recipe = field(default_factory=Recipe)
    seed: int | None = 0
    options: FrozenDict = field(default_factory=FrozenDict)
    method: Method | None = added(lambda: None)
    memory: Memory | NameRules | None = added(lambda: None)

    def __post_init__(self) -> None:
        from mho.zoo.catalog import ARCHITECTURES

        super().__post_init__()
        if self.architecture not in ARCHITECTURES:
            raise unknown("model", self.architecture, ARCHITECTURES).at("architecture")
        self.check(self.seed is None or self.seed >= 0, "seed", "must be zero or more")
        try:
            if self.method is not None:  # beside an axis that goes through methods, a memory may have no use
                check_method(self.method, self.rules)
        except SpecError as error:
            raise error.at("method") from None

    @property
    def starting_seed(self) -> int:
        """Seed of the starting weights."""
        return self.recipe.seed if self.seed is None else self.seed

    @property
    def rules(self) -> Rules | None:
        """The memory as :func:`mho.train` takes it; none for plain training."""
        if self.method is None:
            return None
        return dict(self.memory.rules) if isinstance(self.memory, NameRules) else self.memory

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.architecture if self.method is None else f"{self.architecture} with {described(self.method)}"


Model = Trained | Checkpoint


def described(value: object) -> str:
    """What an axis value is called where the study gives it no name."""
    if isinstance(value, Spec):
        return str(getattr(value, "label", type(value).__name__))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(value)
    return "none" if value is None else str(value)
