"""The axes of a study multiplied out: what varies, by dotted field names."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from mho.errors import MhoError, SpecError, nearest
from mho.frozen import FrozenDict
from mho.programming import OpenLoop, Scheme
from mho.spec import Spec
from mho.studies.sources import described
from mho.units import Clock, age_unit

if TYPE_CHECKING:
    from mho.studies.question import Question
    from mho.studies.study import Study

SWEPT = ("model", "memory", "data", "seed", "dtype", "calibration", "question")
"""Fields that axes may change, in themselves or inside; severity and age are axes of every result already."""


@dataclass(frozen=True)
class Point:
    """One combination of axis values.

    Attributes:
        study: the study with that combination filled in, and no axes.
        axes: dotted name of the field to what tables call its value here.
        clock: what ages count in all points of the study; seconds where nothing ages.
    """

    study: Study
    axes: FrozenDict
    clock: Clock = "s"

    @property
    def label(self) -> str:
        """What tables call this combination: its values on the axes."""
        if not self.axes:
            return described(self.study.memory)
        return ", ".join(v if _speaks(v) else f"{k.rpartition('.')[2]} {v}" for k, v in self.axes.items())


def points(study: Study) -> tuple[Point, ...]:
    """Every combination of the axes' values, the last axis fastest.

    Raises:
        SpecError: two of them would be called the same, or count their ages differently.
    """
    named = [[(path, label, value) for label, value in _values(vs)] for path, vs in study.axes.items()]
    bare = study.replace(axes=FrozenDict())
    out = []
    for chosen in itertools.product(*named):
        point = bare
        try:
            for path, _, value in chosen:
                point = _with(point, path.split("."), value, combining=True)
        except MhoError as error:  # each value is right by itself, not all of them together
            said = ", ".join(f"{path} {label}" for path, label, _ in chosen)
            raise type(error)(f"{error} (at {said})").at("axes", path) from None
        out.append(Point(point, FrozenDict({path: label for path, label, _ in chosen})))
    _check_labels(out)
    clock = _clock(out)
    return tuple(dataclasses.replace(point, clock=clock) for point in out)


def _clock(made: list[Point]) -> Clock:
    """The clock of all points that have one: points that do not age stand beside any."""
    known: dict[Clock, Point] = {}
    for point in made:
        if (clock := point.study.memory.clock) is not None:
            known.setdefault(clock, point)
    if len(known) > 1:
        said = " and ".join(f"'{point.label}' in {age_unit(clock)}" for clock, point in known.items())
        raise SpecError(f"ages count {said}, and a study has one list of ages; make it two studies").at("axes")
    return next(iter(known), "s")


def _check_labels(made: list[Point]) -> None:
    known: dict[str, Point] = {}
    for point in made:
        other = known.setdefault(point.label, point)
        if other is not point:
            both = " and ".join(", ".join(f"{k} '{v}'" for k, v in p.axes.items()) for p in (other, point))
            raise SpecError(f"two results would be called '{point.label}': {both}; give values other names").at("axes")


def check_axes(study: Study) -> None:
    """Refuse axes that change nothing, or something impossible; every value is tried.

    Raises:
        SpecError, UnknownNameError: with the place of what is wrong.
    """
    bare = study.replace(axes=FrozenDict()) if study.axes else study
    for path, values in study.axes.items():
        try:
            _check_axis(bare, path, values)
        except MhoError as error:
            raise error.at("axes", path) from None
    for one, other in itertools.permutations(study.axes, 2):
        if other.startswith(f"{one}.") and list(study.axes).index(other) < list(study.axes).index(one):
            raise SpecError(f"axis '{one}' replaces what axis '{other}' changes; list '{one}' first").at("axes", one)


def _check_axis(study: Study, path: str, values: Any) -> None:
    first = path.split(".")[0]
    if study.sigma and first == "memory" and path.endswith(".sigma"):
        raise SpecError(f"'sigma:' sets every device's severity, so axis '{path}' would change nothing; leave one out")
    if first in ("sigma", "age"):
        raise SpecError(f"{first} is an axis of every result already; list its values under '{first}:'")
    if path == "question":
        raise SpecError("a table answers one question; make it a study of its own for each, which share networks")
    if first in ("question", "calibration") and path != first and getattr(study, first) is None:
        raise SpecError(f"axis '{path}' changes the study's {first}, and it has none; add '{first}:'")
    if study.question is not None:
        _check_question_axis(study.question, path)
    if first == "metric":
        raise SpecError("metrics have units of their own, and a table has one; make it a study of its own for each")
    if first not in SWEPT:
        raise SpecError(f"an axis cannot change '{path}': {nearest(first, SWEPT)}")
    if not isinstance(values, tuple | FrozenDict) or not values:
        raise SpecError(f"axis '{path}' takes a list of values, or a mapping of names to values")
    labels = [label for label, _ in _values(values)]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise SpecError(f"axis '{path}' has two values called '{twice}'; give each a name: {{name: value, ...}}")
    keys: list[Any] = list(values) if isinstance(values, FrozenDict) else list(range(len(values)))
    for key, (_, value) in zip(keys, _values(values), strict=True):
        try:
            _with(study, path.split("."), value)
        except MhoError as error:
            error.place = ()  # places in the changed study are not places in the axis
            raise error.at(key) from None


def _check_question_axis(question: Question, path: str) -> None:
    """Refuse an axis over what every answer has several of already, or does not depend on."""
    first, field, *_ = (*path.split("."), "")
    if first == "question" and field.rstrip("s") in question.axes:
        raise SpecError(f"every answer has all {field} already; list them under 'question:'")
    held = re.match(r"memory\.(?:rules\..+\.)?(device|programming)(?:\.|$)", path)
    if held and (blind := held[1]) in question.blind:
        said = f"question: {type(question).__name__} does not depend on the {blind} of a memory"
        raise SpecError(f"{said}, so axis '{path}' would change nothing; leave it out")


def _values(values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(values, FrozenDict):
        yield from values.items()
    else:
        yield from ((described(v), v) for v in values)


def replaced(spec: Any, path: str, value: Any) -> Any:
    """``spec`` with the field at the dotted ``path`` changed, as when axes are combined.

    Raises:
        SpecError, UnknownNameError: there is no such field, or it takes no such value.
    """
    return _with(spec, path.split("."), value, combining=True)


def _with(spec: Any, path: list[str], value: Any, *, combining: bool = False) -> Any:
    """``spec`` with the field at ``path`` changed.

    ``OpenLoop`` as the value of a field of another programming scheme replaces the scheme: none of the weights is
    verified. When axes are combined, one over such a field leaves an ``OpenLoop`` of another axis as it is.
    """
    name, rest = path[0], path[1:]
    if isinstance(spec, Scheme):
        if combining and isinstance(spec, OpenLoop) and not hasattr(spec, name):
            return spec
        if isinstance(value, OpenLoop) and not isinstance(spec, OpenLoop):
            reduce(_field, path, spec)
            return value
    if isinstance(spec, FrozenDict):
        if rest and name not in spec:
            raise SpecError(f"there is no '{name}': {nearest(name, spec)}")
        return FrozenDict({**spec, name: _with(spec[name], rest, value, combining=combining) if rest else value})
    if isinstance(spec, tuple) and name.isdecimal() and int(name) < len(spec):
        at = int(name)
        return (*spec[:at], _with(spec[at], rest, value, combining=combining) if rest else value, *spec[at + 1 :])
    now = _field(spec, name)
    return spec.replace(**{name: _with(now, rest, value, combining=combining) if rest else value})


def _field(spec: Any, name: str) -> Any:
    """The field called ``name``.

    Raises:
        SpecError: there is none.
    """
    if not isinstance(spec, Spec):
        raise SpecError(f"there is nothing called '{name}' in {spec!r}")
    names = [f.name for f in dataclasses.fields(spec)]
    if name not in names:
        raise SpecError(f"{type(spec).__name__} has no field '{name}': {nearest(name, names)}")
    return getattr(spec, name)


def _speaks(value: str) -> bool:
    """Whether a value says by itself what it is a value of: a name does, a number or a yes does not."""
    return not (
        value.replace(".", "").replace("-", "").replace("e", "").isdecimal() or value in ("True", "False", "none")
    )
