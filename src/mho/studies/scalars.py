"""What YAML words stand for, after the core schema of YAML 1.2: 1e-3 is a number; yes, 1:30, 2024-01-01 are text."""

from __future__ import annotations

import re
from typing import Any

from mho.errors import SpecError

_WORDS: dict[str, Any] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(nan|NaN|NAN)")
_LARGEST = 2**64


class NotYamlError(SpecError):
    """A file that is no YAML of the kind read here; ``line`` counts from 1 (0: the file as a whole)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def scalar(said: str, line: int) -> Any:
    """What plain (unquoted) text stands for."""
    if said in _WORDS:
        return _WORDS[said]
    if _INTEGER.fullmatch(said):
        digits = said.lstrip("+-0")
        number = int(said, {"0o": 8, "0x": 16}.get(said[:2], 10)) if len(digits) < 40 else _LARGEST
        if abs(number) >= _LARGEST:
            raise NotYamlError(f"{_start(said)} is too large for an integer of 64 bits", line)
        return number
    if _FLOAT.fullmatch(said):
        return float(said)
    special = _SPECIAL.fullmatch(said)
    return float("nan" if special[2] else special[1] + "inf") if special else text(said, line)


def text(said: str, line: int) -> str:
    """``said``, if it can be printed and passed to the system."""
    if "\0" in said or any("\ud800" <= c <= "\udfff" for c in said):
        raise NotYamlError("holds a character that no text has (NUL, or half of a surrogate pair)", line)
    return said


def _start(said: str) -> str:
    return said if len(said) <= 24 else f"{said[:20]}..."
