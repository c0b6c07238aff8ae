"""Records: what the last run of each study was to compute, and of which file. Reading one needs no torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mho.errors import SpecError
from mho.studies.document import MOST_BYTES, parse

_HOLDS = {"name": str, "started": str, "study": dict, "digests": list, "chips": int, "cells": list, "networks": list}


def records(store: Path) -> dict[str, dict[str, Any]]:
    """Name to record of every study that ran in a store; one that cannot be read is left out."""
    found = (_read(path) for path in _files(store))
    return {record["name"]: record for record in found if record is not None}


def unreadable(store: Path) -> list[Path]:
    """Records that cannot be read: torn by a crash of the system, or of another version."""
    return [path for path in _files(store) if _read(path) is None]


def spelled(file: str | os.PathLike[str] | None, store: Path) -> str | None:
    """A study's file as a record names it: as seen from the store, so that both may be moved together."""
    if file is None:
        return None
    path = Path(file).resolve()
    try:
        return os.path.relpath(path, store.resolve())
    except ValueError:  # on another drive
        return str(path)


def check_file(name: str, file: str | os.PathLike[str] | None, store: Path) -> None:
    """Refuse a file whose study has the name of another file's in the same store.

    Raises:
        SpecError: the record is of another file, which is still there and still a study of this name.
    """
    record = records(store).get(name)
    said = None if record is None else record.get("file")
    if file is None or not isinstance(said, str):
        return
    other = (store.resolve() / said).resolve()
    if other != Path(file).resolve() and name_in(other) == name:
        raise SpecError(
            f"{os.fspath(file)}: the study '{name}' of this store is that of {other}; rename one of the two, or use "
            "another --store"
        )


def name_in(file: Path) -> str | None:
    """The name of the study in a YAML file, without the specs of the rest: those import torch."""
    try:
        with open(file, "rb") as opened:
            value = parse(opened.read(MOST_BYTES + 1)).value
    except (OSError, SpecError):
        return None
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _files(store: Path) -> list[Path]:
    return sorted((store / "studies").glob("*.json"))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or not all(isinstance(record.get(k), t) for k, t in _HOLDS.items()):
        return None
    return record
