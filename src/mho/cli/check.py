"""``mho check``: is a study right, and how much is it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from mho.cli.options import ImportOption, imports

if TYPE_CHECKING:
    from mho.studies import Study
    from mho.units import Clock

SHOWN = 88
"""Characters of the values of an axis."""


def check(
    study: Annotated[
        str, Parameter(help="The study: a YAML file, or - for standard input.", allow_leading_hyphen=True)
    ],
    /,
    *,
    import_: ImportOption = None,
) -> None:
    """Say what a study will compute, or what is wrong with it: in one line, with file, line and remedy.

    Loads no data, trains nothing and writes nothing.
    """
    import sys

    from mho.studies.document import MOST_BYTES
    from mho.studies.reading import Source
    from mho.studies.rehearsal import rehearse
    from mho.text import table

    imports(import_)
    piped = study == "-"
    source = Source("standard input", sys.stdin.buffer.read(MOST_BYTES + 1)) if piped else Source.of(study)
    asked = source.study()
    with source.lines():
        found = rehearse(asked, Path(study).parent)
    print(f"{asked.name}: {_size(asked, found.combinations)}\n")
    print(table(["axis", "values"], _axes(asked, found.clock), left=2), end="\n\n")
    for names, verb in ((found.trained, "trains"), (found.files, "reads")):
        if names:
            networks = "one network" if len(names) == 1 else f"{len(names)} networks"
            print(f"{verb} {networks}: {_short(dict.fromkeys(model.label for model in names))}")
    if asked.calibration is not None and not found.calibrated:
        print("note: no result looks at the calibration data")
    if not found.tried:
        print(f"{found.combinations:,} combinations are too many to try each: every axis was checked by itself")
    print("no fault found" + ("" if piped else f"; mho run {study} computes it"))


def _size(study: Study, combinations: int) -> str:
    """``4 combinations x 5 sigma x 100 chips = 2,000 chips``."""
    least = "" if study.precision is None else "up to "
    chips, asked = study.n_chips, study.question
    counts = {"combination": combinations, "sigma": len(study.sigma), "age": len(study.age)}
    counts |= {} if asked is None else {name: len(values) for name, values in asked.axes.items()}
    parts = [f"{n:,} {name}{'s' if name != 'sigma' else ''}" for name, n in counts.items() if n > 1]
    if asked is not None and "chips" in asked.idle:
        return " x ".join(parts) or "one answer"
    parts.append(f"{least}{chips:,} chips")
    if asked is not None:
        return " x ".join(parts)
    total = chips * combinations * max(1, len(study.sigma)) * len(study.age)
    whole = f" = {least}{total:,} chips" if len(parts) > 1 else ""
    return " x ".join(parts) + whole


def _axes(study: Study, clock: Clock) -> Iterator[tuple[str, str]]:
    from mho.studies.sources import described
    from mho.units import age_heading, format_age

    for path, values in study.axes.items():
        yield path, _short(values if isinstance(values, Mapping) else map(described, values))
    idle = () if study.question is None else study.question.idle
    if "sigma" not in idle:
        yield "sigma", _short(f"{s:g}" for s in study.sigma) or "the device's own"
    if "age" not in idle:
        yield age_heading(clock), _short(format_age(age, clock) for age in study.age)
    for name, values in ({} if study.question is None else study.question.axes).items():
        yield name, _short(map(described, values))


def _short(values: Iterable[str]) -> str:
    from itertools import islice

    said = ", ".join(islice(values, SHOWN))
    return said if len(said) <= SHOWN else f"{said[:SHOWN]} ..."
