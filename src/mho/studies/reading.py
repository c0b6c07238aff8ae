"""Studies and memories from YAML files. What is wrong is said in one line: file, line, place, message."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from mho.errors import MhoError, SpecError
from mho.memory.spec import Memory, NameRules
from mho.spec import Spec, from_dict
from mho.studies.document import MOST_BYTES, parse
from mho.studies.scalars import NotYamlError
from mho.studies.study import Study

_LONGEST = 360


def read(path: str | os.PathLike[str]) -> Study:
    """The study in a YAML file; ``Study.to_yaml`` writes one, ``mho new`` a commented one.

    Opening a file runs nothing in it, loads no data and no network. Paths of checkpoints stay as they are written.

    Raises:
        SpecError, UnknownNameError: one line such as ``study.yaml:7: memory.device: RRAM1 has no field 'sgma': did you
            mean 'sigma'?``
    """
    return read_bytes(_content(path), os.fspath(path))


def read_bytes(content: bytes, name: str) -> Study:
    """The study in the content of a file called ``name``; see :func:`read`."""
    spec = _spec(content, name, Study, "the keys name, model, memory and data (mho new writes such a file)")
    if not isinstance(spec, Study):
        raise SpecError(f"{name}: holds a {type(spec).__name__}; a study has name, model, memory and data")
    return spec


def read_memory(path: str | os.PathLike[str]) -> Memory | NameRules:
    """The memory, or the name rules (``rules:``), in a YAML file.

    Raises:
        SpecError, UnknownNameError: in one line, as :func:`read`.
    """
    name = os.fspath(path)
    spec = _spec(_content(path), name, Memory | NameRules, "'kind: Memory' or 'rules:' with patterns")
    if not isinstance(spec, Memory | NameRules):
        raise SpecError(f"{name}: holds a {type(spec).__name__}; it must be a Memory (kind: Memory, device: ...)")
    return spec


def _content(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)  # never more: it may be /dev/zero
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"{_line(os.fspath(path))}: cannot be read ({reason}){_neighbour(Path(path))}") from None


def _neighbour(path: Path) -> str:
    """The file that was probably meant."""
    try:
        there = {p.stem: p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml")}
        close = [] if path.exists() else get_close_matches(path.stem, there, n=1)
    except (OSError, ValueError):
        return ""
    return f": did you mean '{there[close[0]]}'?" if close else ""


def _spec(content: bytes, name: str, takes: object, expected: str) -> Spec:
    try:
        document = parse(content)
    except NotYamlError as error:
        _refuse(error, name, error.line)
    if not isinstance(document.value, dict):
        said = "is empty" if document.value is None else f"is a {type(document.value).__name__}"
        raise SpecError(f"{_line(name)}: {said}; expected {expected}")
    try:
        return from_dict(document.value, takes)
    except MhoError as error:
        place = error.place
        while place and isinstance(place[-1], int) and not document.holds(place):
            place = place[:-1]  # one value instead of a list of one
        _refuse(error, name, document.line_of(place), place)


def _refuse(error: MhoError, name: str, line: int, place: tuple[str | int, ...] = ()) -> NoReturn:
    where = f"{name}:{line}" if line else name
    dotted = ".".join(map(str, place))
    message = _line(f"{where}: {dotted}: {error}" if dotted else f"{where}: {error}")
    kind = SpecError if isinstance(error, NotYamlError) else type(error)
    raise kind(message).at(*place) from None


def _line(said: str) -> str:
    """One line that a terminal shows as it is, beginning and end where it is long."""
    words = " ".join(said.split())
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in words)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 120]} ... {plain[-110:]}"
