"""Whether a value fits the type of a field, and how to say that it does not."""

from __future__ import annotations

import math
import sys
import types
import typing
from typing import Any, Literal, get_args, get_origin

from mho.frozen import FrozenDict


def finite(value: Any) -> bool:
    """Whether every number in ``value`` is finite."""
    if isinstance(value, tuple | FrozenDict):
        return all(map(finite, value.values() if isinstance(value, FrozenDict) else value))
    if isinstance(value, int):
        return abs(value) <= sys.float_info.max  # beyond, even printing it as a number fails
    return not isinstance(value, float) or math.isfinite(value)


def fits(value: Any, hint: Any) -> bool:
    """Whether ``value`` is of the type ``hint``; nothing is coerced, but an integer is a number."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return any(value == a and type(value) is type(a) for a in args)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, a) for a in args)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(args) == 2 and args[1] is Ellipsis:
            return all(fits(v, args[0]) for v in value)
        return len(value) == len(args) and all(map(fits, value, args))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is None or hint is type(None):
        return value is None
    return isinstance(value, origin or hint)


def shown(value: Any) -> str:
    """``value`` for a message: beginning and end, where it is long."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of more than 40 digits"  # Python refuses to print one of more than 4300
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:60]}...{said[-8:]}"


def spell(hint: Any) -> str:
    """A type for a message."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return f"a list [{spell(args[0])}, ...] (in Python a tuple)"
    if origin is Literal:
        return " or ".join(repr(a) for a in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(spell(a) for a in args)
    said = {FrozenDict: "a mapping", float: "a number", int: "an integer", bool: "true or false", str: "a string"}
    return (said | {types.NoneType: "null"}).get(hint, getattr(hint, "__name__", str(hint)))
