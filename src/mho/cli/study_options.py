"""What the commands about studies share: the file, the store, and the record of its last run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.studies.results import Answers

StudyFile = Annotated[Path, Parameter(help="YAML of the study; mho new writes one.")]
StoreOption = Annotated[
    Path | None,
    Parameter(help="Folder of the results; $MHO_STORE, or .mho beside the YAML, unless given.", show_default=False),
]


def store_of(study: Path | None, store: Path | None) -> Path:
    """The store's folder: as asked for, else ``$MHO_STORE``, else ``.mho`` beside the YAML."""
    if store is not None:
        return store
    if os.environ.get("MHO_STORE"):
        return Path(os.environ["MHO_STORE"])
    return (study.parent if study is not None else Path()) / ".mho"


def record_of(study: Path, store: Path) -> dict[str, Any]:
    """The record of the last run of the study in a YAML file.

    Raises:
        SpecError: it never ran in this store.
    """
    from mho.studies.records import records

    name = _name(study)
    found = records(store).get(name)
    if found is None:
        raise SpecError(f"{study}: the study '{name}' has not run in {store} yet; mho run {study}")
    return found


def answers_of(study: Path, store: Path) -> Answers:
    """What the store has of the study in a YAML file.

    Raises:
        SpecError: it never ran in this store, or the file has changed since.
    """
    from mho.spec import from_dict
    from mho.studies import read
    from mho.studies.store import Store
    from mho.studies.verb import answers

    asked = read(study)
    record = record_of(study, store)
    if from_dict(record["study"]) != asked:
        raise SpecError(f"{study} has changed since its last run; mho run {study} computes what is missing")
    return answers(record, Store(store))


def _name(study: Path) -> str:
    """The name in a study's YAML, without the specs of the rest: those import torch."""
    from mho.studies.document import MOST_BYTES, parse
    from mho.studies.scalars import NotYamlError

    try:
        with open(study, "rb") as file:
            data = parse(file.read(MOST_BYTES + 1)).value
    except NotYamlError as error:
        raise SpecError(f"{study}{f':{error.line}' if error.line else ''}: {error}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise SpecError(f"{study}: cannot be read ({reason})") from None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise SpecError(f"{study}: has no name; mho check {study} says what is wrong")
    return str(data["name"])
