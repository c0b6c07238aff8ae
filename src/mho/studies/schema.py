"""The JSON Schema of study YAML, for editors, generated from the specs: what checks a study also describes it."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from mho.data.catalog import DATASETS
from mho.evaluation.metrics import METRICS
from mho.frozen import FrozenDict
from mho.spec import Spec, kinds, kinds_of, parameters, plain
from mho.studies.docstrings import attributes, summary
from mho.studies.schema_axes import axes
from mho.studies.study import SEVERAL, Study
from mho.zoo.catalog import ARCHITECTURES

_DURATION = {"type": "string", "pattern": "^[^a-zA-Z]*([eE][^a-zA-Z]*)?(ns|us|ms|s|min|h|d|y)?[^a-zA-Z]*$"}
_EXAMPLES = {("Study", "metric"): METRICS, ("Data", "name"): DATASETS, ("Trained", "architecture"): ARCHITECTURES}
"""Names that editors may propose; registering adds more."""
_SCALARS: dict[Any, str] = {float: "number", int: "integer", bool: "boolean", str: "string", type(None): "null"}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a study's YAML: every kind there is, also those that you registered.

    It knows the names, types, choices and defaults; ranges and what contradicts what only the specs know, so a file
    that an editor accepts may still be refused by :func:`mho.studies.read`, never the other way round.
    """
    schema = _kind(Study.__name__, Study)
    properties = schema["properties"]
    for name in SEVERAL:
        one = properties[name]["items"]
        one = {"anyOf": [one, _DURATION]} if name == "age" else one
        described = {key: properties[name][key] for key in ("description", "default") if key in properties[name]}
        properties[name] = {"anyOf": [one, {"type": "array", "items": one}, {"type": "null"}], **described}
    properties["axes"] |= axes(field_type)
    makers = {name: make for name, make in kinds().items() if not inspect.isabstract(make) and make is not Study}
    definitions = {name: _kind(name, make) for name, make in makers.items()}
    definitions["anything"] = _anything(list(definitions))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a study of mho",
        **schema,
        "$defs": definitions,
    }


def _kind(name: str, make: Callable[..., Any]) -> dict[str, Any]:
    """What may be written for one kind; where it needs its ``kind`` is for the field that takes it to say."""
    try:
        hints = typing.get_type_hints(make)
    except NameError:  # a user's annotations that only a type checker can resolve
        hints = {}
    made = make if isinstance(make, type) else hints.get("return")
    known = attributes(made) if isinstance(made, type) else {}
    properties: dict[str, Any] = {"kind": {"const": name}}
    for parameter in parameters(make):
        properties[parameter.name] = {
            **field_type(hints.get(parameter.name, Any)),
            **({"description": known[parameter.name]} if parameter.name in known else {}),
            **_default(make, parameter),
            **({"examples": list(_EXAMPLES[name, parameter.name])} if (name, parameter.name) in _EXAMPLES else {}),
        }
    if name == "NameRules":
        stored = {**_spec("Memory"), "required": ["kind"]}
        properties["rules"] |= {"minProperties": 1, "additionalProperties": {"anyOf": [stored, {"type": "null"}]}}
    return {
        "type": "object",
        "description": summary(make),
        "properties": properties,
        "required": [p.name for p in parameters(make) if p.default is p.empty],
        "additionalProperties": False,
    }


def field_type(hint: Any) -> dict[str, Any]:
    """The schema of a field's type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (typing.Union, types.UnionType):
        options = [field_type(a) for a in args]
        return {"anyOf": [part for option in options for part in option.get("anyOf", [option])]}
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": field_type(args[0])}
    if origin is tuple:
        each = [field_type(a) for a in args]
        return {"type": "array", "prefixItems": each, "minItems": len(args), "maxItems": len(args)}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if isinstance(hint, type) and issubclass(hint, FrozenDict):
        return {"type": "object"}
    if isinstance(hint, type) and issubclass(hint, Spec):
        return _specs(hint)
    return _spec("anything")


def _specs(base: type[Spec]) -> dict[str, Any]:
    """Every kind of ``base``; ``base`` itself, where it is one, needs no ``kind``."""
    options = [_spec(n) if kinds()[n] is base else {**_spec(n), "required": ["kind"]} for n in kinds_of(base)]
    return options[0] if len(options) == 1 else {"anyOf": options}


def _spec(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _default(make: Callable[..., Any], parameter: inspect.Parameter) -> dict[str, Any]:
    if parameter.default is parameter.empty:
        return {}
    value = parameter.default
    if isinstance(make, type) and dataclasses.is_dataclass(make):
        field = next((f for f in dataclasses.fields(make) if f.name == parameter.name), None)
        if field is not None and field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
    return {"default": plain(value)}


def _anything(names: list[str]) -> dict[str, Any]:
    """A value whose type no field tells: if it says what kind it is, it must be a good one of that kind."""
    own = _spec("anything")
    return {
        "if": {"type": "object", "required": ["kind"]},
        "then": {"anyOf": [{**_spec(name), "required": ["kind"]} for name in names]},
        "else": {"items": own, "additionalProperties": own},
    }
