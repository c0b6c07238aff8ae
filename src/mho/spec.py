"""Frozen specs: what to do, as data. A spec is checked when made, hashable, printable, and has a YAML transcript."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import re
import types
import typing
from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NoReturn, Self, TypeVar, get_args, get_origin

from mho.errors import MhoError, SpecError, nearest, unknown
from mho.fields import finite, fits, shown, spell
from mho.frozen import FrozenDict

_KINDS: dict[str, Callable[..., Spec]] = {}
_F = TypeVar("_F", bound=Callable[..., "Spec"])


@dataclass(frozen=True, kw_only=True)
class Spec(ABC):
    """Abstract base of devices, mappings, memories and recipes: a frozen, keyword-only, typed description.

    Subclasses are frozen dataclasses; ``version`` rises whenever the same fields start to mean other numbers, so that
    cached results are never mistaken for each other. Field types are enforced (``"False"`` is no ``bool``). ``lacks``
    are fields that others of its kind have and it does not, with why not and what to do instead.
    """

    version: ClassVar[int] = 1
    lacks: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__name__.startswith("_"):
            register_kind(cls)

    def __post_init__(self) -> None:
        for name, hint in _hints(type(self)).items():
            value = getattr(self, name)
            if isinstance(value, dict) and FrozenDict in (hint, *get_args(hint)):
                value = _revive(value)
                object.__setattr__(self, name, value)
            if not fits(value, hint):
                self._refuse(name, value, hint)
            if not finite(value):
                said = " holds one that" if isinstance(value, tuple) else f"={shown(value)}"
                raise SpecError(f"{type(self).__name__}: {name}{said} is not a finite number").at(name)

    def _refuse(self, name: str, value: Any, hint: Any) -> NoReturn:
        one = get_args(hint)[0] if get_origin(hint) is tuple and isinstance(value, tuple) else None
        for i, item in enumerate(value if one else ()):
            if not fits(item, one):
                said = f"{name} holds {shown(item)}, a {type(item).__name__}; it takes {spell(one)} each"
                raise SpecError(f"{type(self).__name__}: {said}").at(name, i)
        hinted = f", such as {{kind: {value}, ...}}" if isinstance(value, str) and value in _KINDS else ""
        if isinstance(value, Mapping) and "kind" not in value and _parts(hint):
            hinted = f"; say which by its kind, such as {{kind: {_likely(_parts(hint), value)}, ...}}"
        said = "mapping" if isinstance(value, Mapping) else type(value).__name__.replace("tuple", "list")
        said = f"{name} is null" if value is None else f"{name}={shown(value)} is a {said}"
        raise SpecError(f"{type(self).__name__}: {said}; it takes {spell(hint)}{hinted}").at(name)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; an unknown field names the nearest valid one."""
        names = [f.name for f in dataclasses.fields(self)]
        for key in changes:
            if key not in names:
                raise SpecError(_no_field(type(self), key, names))
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (``kind`` first), from which :func:`from_dict` makes an equal spec."""
        out: dict[str, Any] = {"kind": type(self).__name__}
        for field in dataclasses.fields(self):
            out[field.name] = plain(getattr(self, field.name))
        return out

    def to_yaml(self) -> str:
        """The YAML transcript of this spec."""
        return yaml_of(self.to_dict())

    def digest(self) -> str:
        """A hash of everything that decides the numbers: kind, version and fields, of nested specs too."""
        text = json.dumps(_versioned(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check(self, condition: bool, field: str, must: str) -> None:
        """Raise :class:`SpecError` naming ``field`` and its value unless ``condition`` holds."""
        if not condition:
            raise SpecError(f"{type(self).__name__}: {field}={shown(getattr(self, field))} {must}").at(field)


def label(default: str) -> Any:
    """A field that only names a spec: it decides no number, so it is left out of the digest."""
    return dataclasses.field(default=default, metadata={"label": True})


def added(default_factory: Callable[[], Any]) -> Any:
    """A field that came after results were cached: as long as it has its default it is left out of the digest."""
    return dataclasses.field(default_factory=default_factory, metadata={"added": default_factory})


def register_kind(make: _F, name: str = "") -> _F:
    """Let YAML name ``make`` (a spec class, or a function such as a device preset that returns one).

    Raises:
        SpecError: mho has a kind of that name.
    """
    name = name or make.__name__
    known = _KINDS.get(name)
    if known is not None and _own(known) != _own(make):
        module = make.__module__ if _own(known) else known.__module__
        raise SpecError(f"'{name}' of {module} has the name of one of mho's own kinds; give it another")
    _KINDS[name] = make
    return make


def from_dict(data: Mapping[str, Any], default: Any = None) -> Spec:
    """The spec that ``data`` transcribes (see :meth:`Spec.to_dict`).

    Args:
        data: fields by name, and ``kind``.
        default: the type it must have: where that is one kind, or a union of kinds of which the keys fit one best,
            ``data`` needs no ``kind``.

    Raises:
        SpecError, UnknownNameError: with the ``place`` of what is wrong.
    """
    fields = dict(data)
    kind = fields.pop("kind") if "kind" in fields else _only_kind(fields, default)
    if not isinstance(kind, str):
        such = f" such as {_likely(_parts(default), fields)}" if _parts(default) else ""
        raise SpecError(f"a spec needs a 'kind'{such}; got the keys {', '.join(map(str, data)) or 'none'}")
    if kind not in _KINDS:
        wanted = [name for part in _parts(default) for name in kinds_of(part)]
        raise unknown("kind", kind, wanted or _KINDS).at("kind")
    make = _KINDS[kind]
    if inspect.isabstract(make):
        raise SpecError(f"{kind} is abstract; kinds of it: {', '.join(kinds_of(make))}").at("kind")
    accepted = [p.name for p in parameters(make)]
    for key in fields:
        if key not in accepted:
            raise SpecError(_no_field(make, str(key), accepted)).at(key)
    missing = [p.name for p in parameters(make) if p.default is p.empty and p.name not in fields]
    if missing:
        raise SpecError(f"{kind} lacks '{missing[0]}'; write {missing[0]}: and its value")
    hints = _hints(make) if isinstance(make, type) else {}
    revived = {key: _at(key, _revive, value, hints.get(key)) for key, value in fields.items()}
    try:
        return make(**revived)
    except TypeError as error:
        raise SpecError(f"{kind}: {error}") from None


def yaml_of(data: Any, width: int = 120) -> str:
    """Plain data as YAML that YAML 1.1 and 1.2 read alike: text such as ``1e3`` is quoted."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    numbers = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.?[0-9]*)[eE][-+]?[0-9]+$|0o[0-7]+$")
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", numbers, list("-+.0123456789"))
    text: str = yaml.dump(
        data, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=width
    )
    return text


def kinds() -> dict[str, Callable[..., Spec]]:
    """Everything that YAML may name: spec classes, and functions that make specs."""
    return dict(_KINDS)


def kinds_of(base: Any) -> list[str]:
    """The names that YAML may give as the kind of a ``base``, classes first."""
    made = {name: make if isinstance(make, type) else _returns(make) for name, make in _KINDS.items()}
    fits = [n for n, made_by in made.items() if isinstance(made_by, type) and issubclass(made_by, base)]
    return sorted((n for n in fits if not inspect.isabstract(_KINDS[n])), key=lambda n: not isinstance(_KINDS[n], type))


def references(spec: Spec) -> tuple[str, ...]:
    """BibTeX keys of ``spec`` and of every spec inside it, in order."""
    keys = list(getattr(spec, "references", ()))
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        keys += _cited(value)
    return tuple(dict.fromkeys(keys))


def _cited(value: Any) -> list[str]:
    if isinstance(value, Spec):
        return list(references(value))
    parts = value.values() if isinstance(value, FrozenDict) else value if isinstance(value, tuple) else ()
    return [key for part in parts for key in _cited(part)]


def parameters(make: Callable[..., Any]) -> list[Any]:
    """The keyword parameters of a kind."""
    named = inspect.signature(make).parameters.values()
    return [p for p in named if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _no_field(make: Callable[..., Any], key: str, names: list[str]) -> str:
    return f"{make.__name__} has no field '{key}': {getattr(make, 'lacks', {}).get(key) or nearest(key, names)}"


def _returns(make: Callable[..., Any]) -> Any:
    try:
        return typing.get_type_hints(make).get("return")
    except NameError:  # a user's annotation that only a type checker can resolve
        return None


def _parts(hint: Any) -> list[type[Spec]]:
    """The classes of specs among the parts of a type."""
    parts = get_args(hint) if get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return [p for p in parts if isinstance(p, type) and issubclass(p, Spec)]


def _likely(bases: list[type[Spec]], fields: Mapping[str, Any]) -> str:
    """The kind that ``fields`` look most like."""
    known = [kind for base in bases for kind in kinds_of(base)]
    return max(known, key=lambda kind: len({p.name for p in parameters(_KINDS[kind])} & set(fields)), default="")


def _only_kind(fields: Mapping[str, Any], hint: Any) -> str | None:
    """The kind that a mapping without one can only be."""
    takes = {p.__name__: {q.name for q in parameters(p)} for p in _parts(hint) if not inspect.isabstract(p)}
    if len(takes) < 2:
        return next(iter(takes), None)
    fit = sorted((len(names & set(map(str, fields))), kind) for kind, names in takes.items())
    return fit[-1][1] if fit[-1][0] > fit[-2][0] else None


def _at(place: str | int, revive: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return revive(*arguments)
    except MhoError as error:
        raise error.at(place) from None


def _revive(value: Any, hint: Any = None) -> Any:
    if isinstance(value, Spec):
        return value
    if isinstance(value, Mapping):
        # The user's mapping for a field that takes specs or mappings is a mapping unless it says otherwise.
        if "kind" in value or (_parts(hint) and FrozenDict not in get_args(hint)):
            return from_dict(value, hint)
        return FrozenDict({key: _at(key, _revive, item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        each = get_args(hint)[0] if get_origin(hint) is tuple else None
        return tuple(_at(i, _revive, item, each) for i, item in enumerate(value))
    return value


def plain(value: Any) -> Any:
    """A value of a spec's field as JSON and YAML have it."""
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, FrozenDict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return float(value) if isinstance(value, float) else value  # numpy's float64 is a float that YAML does not know


def _versioned(value: Any) -> Any:
    if isinstance(value, Spec):
        deciding = (f.name for f in dataclasses.fields(value) if _decides(value, f))
        fields = {name: _versioned(getattr(value, name)) for name in deciding}
        # Two laboratories may each have a class of one name.
        module = {} if _own(type(value)) else {"module": type(value).__module__}
        return {"kind": type(value).__name__, "version": value.version, **module, **fields}
    if isinstance(value, tuple):
        return [_versioned(v) for v in value]
    if isinstance(value, FrozenDict):
        return [[key, _versioned(item)] for key, item in value.items()]  # pairs: the order counts
    # Equal specs have equal digests: 1 and 1.0 are one number.
    return int(value) if isinstance(value, float) and value.is_integer() else plain(value)


def _decides(spec: Spec, field: dataclasses.Field[Any]) -> bool:
    default = field.metadata.get("added")
    return not field.metadata.get("label") and (default is None or getattr(spec, field.name) != default())


def _own(make: Callable[..., Any]) -> bool:
    """Whether a kind is mho's, not a user's."""
    return make.__module__.startswith("mho.")


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}
