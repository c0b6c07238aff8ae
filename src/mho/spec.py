"""Frozen specs: what to do, as data. A spec is checked when made, hashable, printable, and has a YAML transcript."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import types
import typing
from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin

from mho.errors import MhoError, SpecError, nearest, unknown
from mho.frozen import FrozenDict

_KINDS: dict[str, Callable[..., Spec]] = {}
_F = TypeVar("_F", bound=Callable[..., "Spec"])


@dataclass(frozen=True, kw_only=True)
class Spec(ABC):
    """Abstract base of devices, mappings, memories and recipes: a frozen, keyword-only, typed description.

    Subclasses are frozen dataclasses; ``version`` rises whenever the same fields start to mean other numbers, so that
    cached results are never mistaken for each other. Field types are enforced (``"False"`` is no ``bool``).
    """

    version: ClassVar[int] = 1

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__name__.startswith("_"):
            register_kind(cls)

    def __post_init__(self) -> None:
        for name, hint in _hints(type(self)).items():
            value = getattr(self, name)
            if not _fits(value, hint):
                hinted = f", such as {{kind: {value}, ...}}" if isinstance(value, str) and value in _KINDS else ""
                said = "mapping" if isinstance(value, Mapping) else type(value).__name__
                raise SpecError(
                    f"{type(self).__name__}: {name}={value!r} is a {said}; it takes {_spell(hint)}{hinted}"
                ).at(name)
            if not _finite(value):
                said = " holds one that" if isinstance(value, tuple) else f"={value}"
                raise SpecError(f"{type(self).__name__}: {name}{said} is not a finite number").at(name)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; an unknown field names the nearest valid one."""
        names = [f.name for f in dataclasses.fields(self)]
        for key in changes:
            if key not in names:
                raise SpecError(f"{type(self).__name__} has no field '{key}': {nearest(key, names)}")
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (``kind`` first), from which :func:`from_dict` makes an equal spec."""
        out: dict[str, Any] = {"kind": type(self).__name__}
        for field in dataclasses.fields(self):
            out[field.name] = _plain(getattr(self, field.name))
        return out

    def to_yaml(self) -> str:
        """The YAML transcript of this spec."""
        import yaml

        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)

    def digest(self) -> str:
        """A hash of everything that decides the numbers: kind, version and fields, of nested specs too."""
        text = json.dumps(_versioned(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check(self, condition: bool, field: str, must: str) -> None:
        """Raise :class:`SpecError` naming ``field`` and its value unless ``condition`` holds."""
        if not condition:
            raise SpecError(f"{type(self).__name__}: {field}={getattr(self, field)!r} {must}").at(field)


def label(default: str) -> Any:
    """A field that only names a spec: it decides no number, so it is left out of the digest."""
    return dataclasses.field(default=default, metadata={"label": True})


def register_kind(make: _F, name: str = "") -> _F:
    """Let YAML name ``make`` (a spec class, or a function such as a device preset that returns one)."""
    _KINDS[name or make.__name__] = make
    return make


def from_dict(data: Mapping[str, Any], default: type[Spec] | None = None) -> Spec:
    """The spec that ``data`` transcribes (see :meth:`Spec.to_dict`).

    Args:
        data: fields by name, and ``kind``.
        default: what it is if ``data`` has no ``kind``; a field that takes one kind of spec needs none.

    Raises:
        SpecError, UnknownNameError: with the ``place`` of what is wrong.
    """
    fields = dict(data)
    kind = fields.pop("kind", default.__name__ if default else None)
    if not isinstance(kind, str):
        raise SpecError(f"a spec needs a 'kind'; got the keys {', '.join(map(str, data)) or 'none'}")
    if kind not in _KINDS:
        raise unknown("kind", kind, _KINDS).at("kind")
    make = _KINDS[kind]
    accepted = [p.name for p in parameters(make)]
    for key in fields:
        if key not in accepted:
            raise SpecError(f"{kind} has no field '{key}': {nearest(str(key), accepted)}").at(key)
    missing = [p.name for p in parameters(make) if p.default is p.empty and p.name not in fields]
    if missing:
        raise SpecError(f"{kind} lacks '{missing[0]}'; write {missing[0]}: and its value")
    hints = _hints(make) if isinstance(make, type) else {}
    revived = {key: _at(key, _revive, value, hints.get(key)) for key, value in fields.items()}
    try:
        return make(**revived)
    except TypeError as error:
        raise SpecError(f"{kind}: {error}") from None


def kinds() -> dict[str, Callable[..., Spec]]:
    """Everything that YAML may name: spec classes, and functions that make specs."""
    return dict(_KINDS)


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


def _at(place: str | int, revive: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return revive(*arguments)
    except MhoError as error:
        raise error.at(place) from None


def _revive(value: Any, hint: Any = None) -> Any:
    if isinstance(value, Spec):
        return value
    if isinstance(value, Mapping):
        concrete = isinstance(hint, type) and issubclass(hint, Spec) and hint.__name__ in _KINDS
        if "kind" in value or (concrete and not inspect.isabstract(hint)):
            return from_dict(value, hint if concrete else None)
        return FrozenDict({key: _at(key, _revive, item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(_at(i, _revive, item) for i, item in enumerate(value))
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, FrozenDict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return float(value) if isinstance(value, float) else value  # numpy's float64 is a float that YAML does not know


def _versioned(value: Any) -> Any:
    if isinstance(value, Spec):
        deciding = (f.name for f in dataclasses.fields(value) if not f.metadata.get("label"))
        fields = {name: _versioned(getattr(value, name)) for name in deciding}
        return {"kind": type(value).__name__, "version": value.version, **fields}
    if isinstance(value, tuple):
        return [_versioned(v) for v in value]
    if isinstance(value, FrozenDict):
        return [[key, _versioned(item)] for key, item in value.items()]  # pairs: the order counts
    # Equal specs have equal digests: 1 and 1.0 are one number.
    return int(value) if isinstance(value, float) and value.is_integer() else _plain(value)


def _finite(value: Any) -> bool:
    if isinstance(value, tuple | FrozenDict):
        return all(map(_finite, value.values() if isinstance(value, FrozenDict) else value))
    return not isinstance(value, float) or math.isfinite(value)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _fits(value: Any, hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return any(value == a and type(value) is type(a) for a in args)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, a) for a in args)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(args) == 2 and args[1] is Ellipsis:
            return all(_fits(v, args[0]) for v in value)
        return len(value) == len(args) and all(map(_fits, value, args))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is None or hint is type(None):
        return value is None
    return isinstance(value, origin or hint)


def _spell(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(repr(a) for a in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_spell(a) for a in args)
    return {FrozenDict: "a mapping", float: "a number", int: "an integer", bool: "true or false", str: "a string"}.get(
        hint, getattr(hint, "__name__", str(hint))
    )
