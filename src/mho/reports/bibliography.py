"""The BibTeX of every method in use: what a paper that used mho has to cite."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from mho.errors import SpecError, unknown

_ENTRY = re.compile(r"^@\w+\{(?P<key>[^,\s]+),\n.*?^\}$", re.MULTILINE | re.DOTALL)


@cache
def entries() -> dict[str, str]:
    """Key to BibTeX entry, in the order of the file."""
    text = files("mho.reports").joinpath("references.bib").read_text(encoding="utf-8")
    return {match["key"]: match[0] for match in _ENTRY.finditer(text)}


def entry(key: str) -> str:
    """The BibTeX entry of one key.

    Raises:
        UnknownNameError: there is no such key; the nearest one is named.
    """
    known = entries()
    if key not in known:
        raise unknown("reference", key, known)
    return known[key]


def cite(*things: Any) -> str:
    """The BibTeX of everything given, each entry once, in the order of first mention.

    Args:
        things: keys; or objects, specs, classes, functions or modules with a ``references`` tuple of keys.
            Specs inside specs (a memory's device, mapping and programming) count too, and so do those in
            lists and mappings.

    Raises:
        UnknownNameError: a key that the bibliography does not have.
        SpecError: a thing that is no key and has no references.
    """
    keys: dict[str, None] = {}
    for thing in things:
        if not _citable(thing):
            raise SpecError(
                f"cite takes keys such as 'qin2025neft' or things with references; a {type(thing).__name__} has none"
            )
        keys |= dict.fromkeys(_keys(thing, set()))
    return "\n\n".join(entry(key) for key in keys)


def _citable(thing: Any) -> bool:
    return isinstance(thing, str | Mapping | list | tuple) or hasattr(thing, "references") or _is_data(thing)


def _is_data(thing: Any) -> bool:
    return dataclasses.is_dataclass(thing) and not isinstance(thing, type)


def _keys(thing: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(thing, str):
        yield thing
        return
    if id(thing) in seen:
        return
    seen.add(id(thing))
    own = getattr(thing, "references", ())
    # ("key") without its comma is a string: one key, not many letters.
    yield from (own,) if isinstance(own, str) else own
    for part in _parts(thing):
        # A string inside a spec is a name of something else, never a key.
        if not isinstance(part, str) and _citable(part):
            yield from _keys(part, seen)


def _parts(thing: Any) -> list[Any]:
    if isinstance(thing, Mapping):
        return list(thing.values())
    if isinstance(thing, list | tuple):
        return list(thing)
    if _is_data(thing):
        return [getattr(thing, field.name) for field in dataclasses.fields(thing)]
    return []
