"""Modules of the user's own, imported by name before a study is read: they register devices, networks and data sets."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

from mho.errors import SpecError


def import_all(names: Iterable[str]) -> None:
    """Import ``package.module`` or ``path/to/module.py``. Only these names are imported; a study file names none.

    Raises:
        SpecError: a module does not exist, or raises while it is imported.
    """
    for name in names:
        module = name
        if name.endswith(".py"):
            path = Path(name).resolve()
            module = path.stem
            if str(path.parent) not in sys.path:
                sys.path.insert(0, str(path.parent))
        try:
            importlib.import_module(module)
        except Exception as error:  # the user's own code runs here
            reason = str(error).splitlines()[0] if str(error) else ""
            raise SpecError(f"--import {name}: {type(error).__name__}: {reason}") from error
