"""Studies and memories from YAML files. What is wrong is said in one line: file, line, place, message."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from mho.errors import MhoError, SpecError
from mho.memory.spec import Memory, NameRules
from mho.spec import from_dict
from mho.studies.document import MOST_BYTES, parse
from mho.studies.scalars import NotYamlError
from mho.studies.study import Study
from mho.training.method import Method

_LONGEST = 360


def read(path: str | os.PathLike[str]) -> Study:
    """The study in a YAML file; ``Study.to_yaml`` writes one, ``mho new`` a commented one.

    Opening a file runs nothing in it, loads no data and no network. Paths of checkpoints stay as they are written.

    Raises:
        SpecError, UnknownNameError: one line such as ``study.yaml:7: memory.device.sgma: RRAM1 has no field 'sgma': did
            you mean 'sigma'?``
    """
    return Source.of(path).study()


def read_memory(path: str | os.PathLike[str]) -> Memory | NameRules:
    """The memory, or the name rules (``rules:``), in a YAML file.

    Raises:
        SpecError, UnknownNameError: in one line, as :func:`read`.
    """
    return Source.of(path).memory()


def read_method(path: str | os.PathLike[str]) -> Method:
    """The training method in a YAML file.

    Raises:
        SpecError, UnknownNameError: in one line, as :func:`read`.
    """
    return Source.of(path).method()


class Source:
    """A YAML file, for errors that say in which line they are.

    Args:
        name: what errors call it.
        content: what is in it.

    Raises:
        SpecError: it is no YAML.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        try:
            self._document = parse(content)
        except NotYamlError as error:
            raise SpecError(self._said(error, error.line)) from None

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """The file at ``path``."""
        try:
            with open(path, "rb") as file:
                content = file.read(MOST_BYTES + 1)  # never more: it may be /dev/zero
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SpecError(_line(f"{os.fspath(path)}: cannot be read ({reason}){_neighbour(Path(path))}")) from None
        return cls(os.fspath(path), content)

    def study(self) -> Study:
        """The study in it."""
        value = self._document.value
        if isinstance(value, dict) and value.get("kind") == "Design":
            raise SpecError(_line(f"{self._name}: holds a design, not a study; mho design {self._name} answers it"))
        spec = self.spec(Study, "the keys name, model, memory and data (mho new writes such a file)")
        if not isinstance(spec, Study):
            raise SpecError(f"{self._name}: holds a {type(spec).__name__}, not a study (name, model, memory, data)")
        return spec

    def memory(self) -> Memory | NameRules:
        """The memory or the name rules in it."""
        spec = self.spec(Memory | NameRules, "'kind: Memory' or 'rules:' with patterns")
        if not isinstance(spec, Memory | NameRules):
            raise SpecError(f"{self._name}: holds a {type(spec).__name__}; it must be a Memory (kind: Memory, ...)")
        return spec

    def method(self) -> Method:
        """The training method in it."""
        spec = self.spec(Method, "'kind: NoiseInjection' or another method, and its fields")
        if not isinstance(spec, Method):
            raise SpecError(f"{self._name}: holds a {type(spec).__name__}; it must be a training method")
        return spec

    @contextmanager
    def lines(self) -> Iterator[None]:
        """Errors raised inside get file, line and place, as far as the file goes."""
        try:
            yield
        except MhoError as error:
            place = error.place
            while place and isinstance(place[-1], int) and not self._document.holds(place):
                place = place[:-1]  # one value instead of a list of one
            line = self._document.line_of(place)
            raise type(error)(self._said(error, line, ".".join(map(str, place)))).at(*place) from None

    def spec(self, takes: object, expected: str) -> Any:
        """The spec in it, of the kind that it says, or that ``takes`` can only be; ``expected`` is for errors."""
        value = self._document.value
        if not isinstance(value, dict):
            said = "is empty" if value is None else f"is a {type(value).__name__}"
            raise SpecError(_line(f"{self._name}: {said}; expected {expected}"))
        with self.lines():
            return from_dict(value, takes)

    def _said(self, error: MhoError, line: int, place: str = "") -> str:
        where = f"{self._name}:{line}" if line else self._name
        return _line(": ".join(part for part in (where, place, str(error)) if part))


def _neighbour(path: Path) -> str:
    """The file that was probably meant."""
    try:
        there = {p.stem: p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml")}
        close = [] if path.exists() else get_close_matches(path.stem, there, n=1)
    except (OSError, ValueError):
        return ""
    return f": did you mean '{there[close[0]]}'?" if close else ""


def _line(said: str) -> str:
    """One line that a terminal shows as it is, beginning and end where it is long."""
    words = " ".join(said.split())
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in words)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 120]} ... {plain[-110:]}"
