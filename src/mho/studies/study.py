"""A study: one question asked of many models, memories and seeds, as data."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from mho.errors import MhoError, SpecError, unknown
from mho.frozen import FrozenDict
from mho.memory.spec import Memory, NameRules
from mho.spec import Spec, added, yaml_of
from mho.studies.questions import Question
from mho.studies.sources import Checkpoint, Data, Trained
from mho.units import Clock, check_age, parse_age

if TYPE_CHECKING:
    from mho.studies.points import Point

_NAME = re.compile(r"[\w][\w.-]*")
SEVERAL = ("sigma", "age", "percentiles")
"""Fields that take one value or a list of values."""


@dataclass(frozen=True, kw_only=True)
class Study(Spec):
    """How good are the chips, for every combination of the axes?

    Lists become tuples, ages may be text (``"30d"``), mappings become :class:`~mho.frozen.FrozenDict`.

    Attributes:
        name: names the report and the record of the last run; renaming recomputes nothing.
        model: the network, from a file or trained here.
        memory: what it is programmed onto, or name rules.
        data: the test set.
        chips: chips per sigma and age, 100 if ``None``; with ``precision`` the most there may be, 100,000 if ``None``.
        sigma: severities, fractions of the cell's full range; none keeps the device's own.
        age: seconds since programming, or inferences where the memory counts these.
        metric: a name of :data:`mho.evaluation.METRICS`.
        percentiles: k of the k-th percentile performances shown.
        threshold: metric that a chip must reach to count towards the yield.
        precision: half-width wanted of the intervals: sampling is then adaptive (:func:`mho.evaluate`).
        confidence: two-sided coverage of every interval.
        seed: decides every chip.
        dtype: of the forward passes.
        axes: dotted name of a field to its values: a list, or a mapping that names them:
            ``{"memory.device": {"ours": ..., "theirs": ...}, "seed": [0, 1]}``. Every combination is one result.
        calibration: training data, or some held out, never the test data: what rankings of selective write-verify are
            computed on, verification until a target is judged on, and worst cases are searched on.
        question: what is asked of every combination in place of a population of chips: ``WorstCase`` or ``Verify``.

    Raises:
        SpecError, UnknownNameError: with the place of what is wrong.
    """

    name: str
    model: Trained | Checkpoint
    memory: Memory | NameRules
    data: Data
    chips: int | None = None
    sigma: tuple[float, ...] = ()
    age: tuple[float, ...] = (0.0,)
    metric: str = "accuracy"
    percentiles: tuple[float, ...] = (1, 5)
    threshold: float | None = None
    precision: float | FrozenDict | None = None
    confidence: float = 0.95
    seed: int = 0
    dtype: Literal["float32", "bfloat16"] = "float32"
    axes: FrozenDict = field(default_factory=FrozenDict)
    calibration: Data | None = added(lambda: None)
    question: Question | None = added(lambda: None)

    def __post_init__(self) -> None:
        for name in SEVERAL:
            object.__setattr__(self, name, _several(getattr(self, name)))
        object.__setattr__(self, "age", tuple(map(_parsed, self.age)))
        for name in ("axes", "precision"):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, FrozenDict({k: _frozen(v) for k, v in value.items()}))
        super().__post_init__()
        self.check(bool(_NAME.fullmatch(self.name)), "name", "names a file: letters, digits, '-', '_' and '.'")
        self.check(self.chips is None or self.chips >= 1, "chips", "must be one or more")
        self.check(0 < self.confidence < 1, "confidence", "must lie between 0 and 1, such as 0.95")
        self._check_each("sigma", lambda s: s >= 0, "must be zero or more (a fraction: 0.1, not 10 %)")
        self._check_each("percentiles", lambda k: 0 < k < 100, "must lie between 0 and 100")
        for name in SEVERAL:
            values = getattr(self, name)
            self.check(len(set(values)) == len(values), name, "lists a value twice")
        self.check(bool(self.age), "age", "is an empty list; give one or more values")
        self._check_ages(self.memory.clock or "s")
        self._check_metric()
        self._check_calibration()
        self._check_question()
        from mho.studies.points import check_axes

        check_axes(self)

    def _check_each(self, name: str, fits: Callable[[float], bool], must: str) -> None:
        for i, value in enumerate(getattr(self, name)):
            if not fits(value):
                raise SpecError(f"Study: {name}={value!r} {must}").at(name, i)

    def _check_ages(self, clock: Clock) -> None:
        for i, age in enumerate(self.age):
            try:
                check_age(age, clock)
            except SpecError as error:
                raise error.at("age", i) from None

    def _check_metric(self) -> None:
        from mho.evaluation.metrics import METRICS

        if self.metric not in METRICS:
            raise unknown("metric", self.metric, METRICS).at("metric")
        bounded = METRICS[self.metric].bounded
        if self.threshold is not None and bounded:
            self.check(0 <= self.threshold <= 1, "threshold", "must lie between 0 and 1; 95 % is written 0.95")
        if self.precision is not None:
            from mho.evaluation.arguments import check_precision

            try:
                check_precision(self.precision, self.percentiles, self.threshold, bounded)
            except MhoError as error:
                raise error.at("precision") from None

    def _check_calibration(self) -> None:
        said, test = self.calibration, self.data
        # Two limits of one split overlap: both are its first samples.
        parts = {"fit", "held-out"}  # of which no sample is in both, whatever the limits
        if said is None or {said.part, test.part} == parts:
            return
        if (said.name, said.split, said.options) == (test.name, test.split, test.options):
            other = "train" if test.split == "test" else "test"
            raise SpecError(
                f"calibration is the test data ({test.name}, {test.split}), on which nothing may be chosen; take "
                f"others, such as {{name: {test.name}, split: {other}}}"
            ).at("calibration")

    def _check_question(self) -> None:
        usual = {f.name: f.default for f in fields(self)}
        for name in () if self.question is None else self.question.idle:
            kind = type(self.question).__name__
            self.check(getattr(self, name) == usual[name], name, f"means nothing to question: {kind}; leave it out")

    @property
    def n_chips(self) -> int:
        """Chips per sigma and age; with ``precision`` at most."""
        if self.chips is None and self.precision is not None:
            from mho.evaluation.sequential import MOST_CHIPS

            return MOST_CHIPS
        return self.chips or 100

    @property
    def points(self) -> tuple[Point, ...]:
        """Every combination of the axes' values, the last axis fastest."""
        from mho.studies.points import points

        return points(self)

    def to_yaml(self) -> str:
        """The YAML that :func:`mho.studies.read` reads back as an equal study."""
        usual = {f.name: f.default for f in fields(self)}
        empty: tuple[Any, ...] = (None, [], {})
        said = {k: v for k, v in self.to_dict().items() if v not in empty or usual[k] not in (*empty, (), MISSING)}
        return yaml_of(said, width=110)


def _several(value: Any) -> Any:
    """Scalars and lists as tuples."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return () if value is None else (value,)
    return tuple(value)


def _parsed(age: Any) -> Any:
    if not isinstance(age, str | int | float) or isinstance(age, bool):
        return age  # the field's type says so, in its own words
    try:
        number = parse_age(age)
    except SpecError as error:
        raise error.at("age") from None
    return number if math.isfinite(number) else age


def _frozen(value: Any) -> Any:
    if isinstance(value, Spec | FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict({str(k): _frozen(v) for k, v in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple | range) else value
