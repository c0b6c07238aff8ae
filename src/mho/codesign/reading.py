"""Designs from YAML files. What is wrong is said in one line: file, line, place, message."""

from __future__ import annotations

import os

from mho.codesign.design import Design
from mho.errors import SpecError
from mho.studies.reading import Source


def read(path: str | os.PathLike[str]) -> Design:
    """The design in a YAML file; :meth:`mho.codesign.Design.to_yaml` writes one.

    Raises:
        SpecError, UnknownNameError: in one line, as :func:`mho.studies.read`.
    """
    spec = Source.of(path).spec(Design, "'kind: Design' with model, memory, data and targets")
    if not isinstance(spec, Design):
        raise SpecError(f"{os.fspath(path)}: holds a {type(spec).__name__}, not a design (kind: Design)")
    return spec
