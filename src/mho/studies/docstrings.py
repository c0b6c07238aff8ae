"""What docstrings say about fields, for the descriptions of a schema."""

from __future__ import annotations

import inspect
import re
from typing import Any

_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)
_ROLE = re.compile(r":\w+:`~?([^`]+)`|``?([^`]+)``?")


def summary(thing: Any) -> str:
    """The first sentence or paragraph of a docstring, as plain text."""
    return _plain((inspect.getdoc(thing) or "").split("\n\n")[0])


def attributes(kind: type) -> dict[str, str]:
    """What the ``Attributes:`` of a class and of its bases say, by field."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        section = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")[2]
        section = re.split(r"\n\n(?=\S)", section)[0]
        found |= {name: _plain(text) for name, text in _ENTRY.findall(section)}
    return found


def _plain(text: str) -> str:
    return " ".join(_ROLE.sub(lambda found: found[1] or found[2], text).split())
