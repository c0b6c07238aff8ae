"""``mho list``: what there is."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from mho.text import table


def listing(
    what: Annotated[
        Literal["devices", "models", "data", "methods", "cells", "algorithms", "schemes", "combinations"],
        Parameter(help="Which table."),
    ],
    /,
) -> None:
    """List devices, models, data sets, training methods, pulsed cells, algorithms, schemes against stuck cells, or
    what combines with what, which takes a quarter of a minute to try.
    """
    tables = {"devices": _devices, "models": _models, "data": _data, "methods": _methods}
    tables |= {"cells": _cells, "algorithms": _algorithms, "schemes": _schemes, "combinations": _combinations}
    print(tables[what]())


listing.__name__ = "list"


def _devices() -> str:
    from mho.devices import ALIASES, PRESETS, Racetrack, Skyrmion

    aliases = {name: alias for alias, name in ALIASES.items()}
    rows = [
        [p.name + (f" ({aliases[p.name]})" if p.name in aliases else ""), p.summary, f"{p.reference}, {p.place}"]
        for p in PRESETS.values()
    ]
    kinds = [
        [kind.__name__, what, ", ".join(kind.references)]
        for kind, what in (
            (Racetrack, "position errors of shifts: mho racetrack evaluate --rate 1e-4 --bits 64"),
            (Skyrmion, "skyrmions that slip, stray, vanish or appear; rates are yours: --memory FILE"),
        )
    ]
    own = "your own: --device measurements.csv with the columns state,mean,std or target,read (and age)"
    fields = table(["takes fields", "what it is", "source"], kinds, left=3)
    return f"{table(['device', 'what it is', 'source'], rows, left=3)}\n\n{fields}\n\n{own}"


def _models() -> str:
    from mho.zoo import ARCHITECTURES

    rows = [[a.name, a.description, a.paper] for a in ARCHITECTURES.values()]
    return table(["model", "what it is", "paper"], rows, left=3)


def _methods() -> str:
    import sys

    from mho.training import METHODS

    rows = []
    for name, method in METHODS.items():
        # The file is about the method: its first line says what it does.
        summary = (sys.modules[method.__module__].__doc__ or "").splitlines()[0].rstrip(".")
        rows.append([name, summary, ", ".join(method.references)])
    cited = "BibTeX: in Python mho.cite('qin2025neft'); of all that a study uses, mho cite study.yaml"
    return f"{table(['method', 'what it is', 'paper'], rows, left=3)}\n\n{cited}"


def _cells() -> str:
    from mho.devices import PULSED

    rows = [
        [p.name, type(cell := p()).__name__, f"{cell.n_states:,.0f}", p.summary, p.reference] for p in PULSED.values()
    ]
    own = "your own: --cell pulses.csv with the columns up,down, or --cell cell.yaml (kind: SoftBounds, fields)"
    return f"{table(['pulsed cell', 'kind', 'states', 'what it is', 'source'], rows, left=5)}\n\n{own}"


def _algorithms() -> str:
    import sys

    from mho import analog
    from mho.analog.naming import NAMES, TITLES

    rows = []
    for name, kind in NAMES.items():
        found = getattr(analog, kind)
        summary = (sys.modules[found.__module__].__doc__ or "").splitlines()[0].rstrip(".")
        rows.append([name, TITLES[kind], summary, ", ".join(found.references)])
    header = ["algorithm", "in tables", "what it does", "paper"]
    return f"{table(header, rows, left=4)}\n\nfields: mho analog train --help; in Python analog.AGAD and the like"


def _schemes() -> str:
    from mho.evaluation.faults.wording import needed
    from mho.memory.redundancy import SCHEMES, TITLES

    rows = []
    for name, title in TITLES.items():
        measure = SCHEMES[name].redundancy
        needs = needed(measure.known_map, measure.digital) if measure is not None else []
        rows.append([name, title, ", ".join(needs) or "–"])
    use = "mho faults CHECKPOINT --data DATA --schemes none,paper,channel-flip-all-vote; your own: --memory memory.yaml"
    return f"{table(['scheme', 'what it is', 'needs'], rows, left=3)}\n\n{use}"


def _combinations() -> str:
    from mho.codesign.compatibility import combinations

    return combinations().markdown().rstrip("\n")


def _data() -> str:
    from mho.data import DATASETS

    rows = [
        [e.name, e.source, "x".join(map(str, e.shape)), e.classes, f"{e.train:,}", f"{e.test:,}"]
        for e in DATASETS.values()
    ]
    header = ["data", "source", "shape", "classes", "train", "test"]
    note = "looked for in --root, $MHO_DATA, ./data and ~/.cache/mho/data, then downloaded and checked"
    return f"{table(header, rows, left=2)}\n\n{note}"
