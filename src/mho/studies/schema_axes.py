"""Axes in the JSON Schema: every dotted name of a field, with lists or mappings of the values that it takes."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from mho.frozen import FrozenDict
from mho.programming import OpenLoop, Scheme
from mho.spec import Spec, kinds, kinds_of
from mho.studies.points import SWEPT
from mho.studies.study import Study

ITEM, REST = "#", "##"
"""In a dotted name: the number of an item, and whatever follows."""
_PATTERNS = {ITEM: "[0-9]+", REST: ".+"}


def axes(field_type: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """What ``axes:`` of a study may hold; ``field_type`` is the schema of a field's type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for field, hint in typing.get_type_hints(Study).items():
        for place, inner in places(field, hint) if field in SWEPT else ():
            said = field_type(inner)
            options = found.setdefault(place, [])
            options += [o for o in map(_named, said.get("anyOf", [said])) if o not in options]
    del found["question"]  # a table answers one question
    exact = {place: _values(options) for place, options in found.items() if "#" not in place}
    patterns = {_pattern(place): _values(options) for place, options in found.items() if "#" in place}
    return {"properties": exact, "patternProperties": patterns, "additionalProperties": False}


def places(name: str, hint: Any, inside: tuple[type, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Dotted names of a field and of all that is in it, each with its type."""
    yield name, hint
    origin, args = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for option in args:
            yield from (found for found in places(name, option, inside) if found[0] != name)
    elif origin is tuple and isinstance(args[0], type) and issubclass(args[0], Spec):
        yield from places(f"{name}.{ITEM}", args[0], inside)
    elif origin is tuple or (isinstance(hint, type) and issubclass(hint, FrozenDict)):
        yield f"{name}.{REST}", Any
    elif isinstance(hint, type) and issubclass(hint, Spec):
        for made in (kinds()[kind] for kind in kinds_of(hint)):
            if not isinstance(made, type):
                continue  # a preset: what it makes is among the others
            hints = typing.get_type_hints(made)
            for field in dataclasses.fields(made):
                if made in inside:  # a stack may hold stacks
                    yield f"{name}.{field.name}.{REST}", Any
                    continue
                for place, inner in places(f"{name}.{field.name}", hints[field.name], (*inside, made)):
                    # In place of a value of it, a scheme may be replaced: nothing is verified.
                    yield place, inner | OpenLoop if issubclass(made, Scheme) and inner is not Any else inner


def _named(option: dict[str, Any]) -> dict[str, Any]:
    """Values of axes have no field that tells their kind, so they say it."""
    return {**option, "required": ["kind"]} if "$ref" in option and "anything" not in option["$ref"] else option


def _values(options: list[dict[str, Any]]) -> dict[str, Any]:
    one = options[0] if len(options) == 1 else {"anyOf": options}
    listed = {"type": "array", "minItems": 1, "items": one}
    return {"anyOf": [listed, {"type": "object", "minProperties": 1, "additionalProperties": one}]}


def _pattern(place: str) -> str:
    return "^" + r"\.".join(_PATTERNS.get(part, re.escape(part)) for part in place.split(".")) + "$"
