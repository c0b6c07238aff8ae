"""What can be bought, axis by axis: options by name, the first of which buys nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mho.errors import MhoError, SpecError
from mho.frozen import FrozenDict
from mho.memory.spec import Memory, NameRules
from mho.spec import Spec
from mho.studies.points import SWEPT, replaced
from mho.studies.sources import Trained, described
from mho.studies.study import Study
from mho.training.method import Method

AXES = ("model", "memory")
"""What measures may change."""


@dataclass(frozen=True, kw_only=True)
class Range(Spec):
    """Any real number from ``low``, which buys nothing, to ``high``: an axis without options.

    Attributes:
        low: the least.
        high: the most.
        log: whether numbers are tried evenly in their logarithm.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.low < self.high, "high", f"must be more than low={self.low:g}")
        self.check(not self.log or self.low > 0, "low", "must be more than zero with log: true")


Options = FrozenDict | Range


def axes_of(said: Mapping[str, Any]) -> FrozenDict:
    """Measures as they are kept: every axis a :class:`Range`, or a mapping of names to values.

    Raises:
        SpecError: an axis has fewer than two options, or two of one name.
    """
    out: dict[str, Options] = {}
    for path, values in said.items():
        if isinstance(values, Range):
            out[path] = values
            continue
        named: Any = values.items() if isinstance(values, Mapping) else None
        if named is None and isinstance(values, list | tuple | range):
            named = [(described(v), v) for v in values]
        if named is None:
            raise SpecError(f"measures of '{path}' take a mapping of names to values, a list, or a Range").at(path)
        kept = FrozenDict({str(k): FrozenDict(v) if isinstance(v, dict) else v for k, v in named})
        if len(kept) < 2 or len(kept) < len(list(named)):
            raise SpecError(f"measures of '{path}' take two or more options of different names, nothing first").at(path)
        out[path] = kept
    return FrozenDict(out)


def labels(options: Options) -> tuple[str, ...]:
    """Names of the options; of a range its two ends."""
    return (repr(options.low), repr(options.high)) if isinstance(options, Range) else tuple(options)


def value_of(options: Options, label: str) -> Any:
    """What the option called ``label`` is; of a range the number."""
    return float(label) if isinstance(options, Range) else options[label]


def baseline(measures: FrozenDict) -> FrozenDict:
    """The first option of every axis."""
    return FrozenDict({path: labels(options)[0] for path, options in measures.items()})


def size(measures: FrozenDict) -> float:
    """How many combinations there are; infinite with a range."""
    return math.prod(math.inf if isinstance(o, Range) else len(o) for o in measures.values())


def check_axes(study: Study, measures: FrozenDict) -> None:
    """Raise where an axis is none, or its first option is impossible.

    Other options may need one of another axis beside them, as a vote needs planes of bits.

    Raises:
        SpecError, UnknownNameError: naming the axis.
    """
    for path, options in measures.items():
        if path.split(".")[0] not in AXES:
            raise SpecError(
                f"measures cannot change '{path}'; they change {' or '.join(AXES)}, such as model.method or "
                "memory.programming"
            ).at(path)
        first = labels(options)[0]
        try:
            applied(study, FrozenDict({path: options}), FrozenDict({path: first}))
        except MhoError as error:
            error.place = ()  # places in the changed study are not places in the axis
            raise error.at(path, first) from None


def applied(study: Study, measures: FrozenDict, chosen: FrozenDict) -> Study:
    """``study`` with one option of every axis: first what is written where, then how the network is trained for it.

    Raises:
        SpecError, UnknownNameError: the options do not go together.
    """
    ordered = sorted(chosen.items(), key=lambda item: (item[0].split(".")[0] == "model", item[0].count(".")))
    for path, label in ordered:
        value = value_of(measures[path], label)
        if path.startswith("memory.") and isinstance(study.memory, NameRules) and not path.startswith("memory.rules"):
            study = _everywhere(study, path, value)
        elif path == "model.method":
            study = study.replace(model=_taught(study, value))
        else:
            study = replaced(study, path, value)
    if isinstance(study.model, Trained) and study.model.memory is not None:
        study = study.replace(model=study.model.replace(memory=for_training(with_sigma(study))))
    return study


def _everywhere(study: Study, path: str, value: Any) -> Study:
    """A field of a memory, in all memories of the rules."""
    assert isinstance(study.memory, NameRules)
    field = path.removeprefix("memory.")
    rules = {p: None if m is None else replaced(m, field, value) for p, m in study.memory.rules.items()}
    return study.replace(memory=study.memory.replace(rules=FrozenDict(rules)))


def _taught(study: Study, method: Any) -> Trained:
    model = study.model
    if not isinstance(model, Trained):
        raise SpecError(
            f"measures of 'model.method' train the network, and the model is a {type(model).__name__}; name the "
            "architecture and its training data"
        ).at("model.method")
    return model.replace(method=method, memory=for_training(with_sigma(study)) if uses_memory(method) else None)


def uses_memory(method: object) -> bool:
    """Whether a training method injects a memory's errors, or judges its chips."""
    return isinstance(method, Method) and (method.injects_memory or method.sigma_search is not None)


def with_sigma(study: Study) -> Memory | NameRules:
    """The memory of a study at its one severity, if that is not the devices' own."""
    memory, sigma = study.memory, study.sigma
    if not sigma:
        return memory
    if isinstance(memory, Memory):
        return memory.with_sigma(sigma[0])
    rules = {p: None if m is None else m.with_sigma(sigma[0]) for p, m in memory.rules.items()}
    return memory.replace(rules=FrozenDict(rules))


def for_training(memory: Memory | NameRules) -> Memory | NameRules:
    """The errors that a method injects for chips of ``memory``: those before anything is verified or voted on."""
    if isinstance(memory, NameRules):
        rules = {p: None if m is None else _bare(m) for p, m in memory.rules.items()}
        return memory.replace(rules=FrozenDict(rules))
    return _bare(memory)


def _bare(memory: Memory) -> Memory:
    from mho.programming import OpenLoop

    return memory.replace(programming=OpenLoop(), redundancy=None)


def taken(measures: FrozenDict, chosen: FrozenDict) -> tuple[str, ...]:
    """Axes on which ``chosen`` is not the baseline."""
    nothing = baseline(measures)
    return tuple(path for path in measures if chosen[path] != nothing[path])


def without(measures: FrozenDict, chosen: FrozenDict, kept: tuple[str, ...]) -> FrozenDict:
    """``chosen`` on the axes of ``kept``, the baseline on all others."""
    nothing = baseline(measures)
    return FrozenDict({path: chosen[path] if path in kept else nothing[path] for path in measures})


def every(measures: FrozenDict) -> Iterator[FrozenDict]:
    """Every combination, the last axis fastest; there must be no range."""
    import itertools

    for combination in itertools.product(*(labels(options) for options in measures.values())):
        yield FrozenDict(dict(zip(measures, combination, strict=True)))


assert set(AXES) <= set(SWEPT)
