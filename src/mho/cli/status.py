"""``mho status``: how far studies are, from the index of their store alone; loads neither torch nor data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mho.cli.study_options import StoreOption, record_of, store_of
from mho.text import table
from mho.units import format_duration

SHOWN = 40
"""Rows of a table; of more results those that are not complete are shown first."""


def status(
    study: Annotated[Path | None, Parameter(help="YAML of the study; every study of the store unless given.")] = None,
    /,
    *,
    store: StoreOption = None,
) -> None:
    """Print how far a study is, what failed and why, or what studies a store holds."""
    from mho.errors import SpecError
    from mho.studies.index import Index
    from mho.studies.lock import held
    from mho.studies.records import records
    from mho.studies.store import Store

    place = store_of(study, store)
    if not place.is_dir():
        raise SpecError(f"there is no store {place}; mho run makes it")
    found = Store(place)
    index = Index(found)
    tallies = index.tallies()
    index.close()
    running = " (a run is writing to it)" if held(place) else ""
    if study is None:
        rows = [[name, *_counts(record, tallies), record["started"]] for name, record in records(place).items()]
        print(table(["study", "cells", "chips", "compute", "last run"], rows, left=1, title=f"{place}{running}"))
        return
    record = record_of(study, place)
    cells, chips, seconds = _counts(record, tallies)
    counted = "" if chips == "–" else f"{chips} chips, "
    print(f"{record['name']}: {cells} cells, {counted}{seconds} of compute{running}\n")
    print(_by_result(record, tallies))
    for what, text in _failures(record, found, tallies):
        print(f"\nfailed: {what}\n{text.rstrip()}")


def _counts(record: dict[str, Any], tallies: dict[str, Any]) -> tuple[str, str, str]:
    keys = {key: adaptive for key, _, _, adaptive in record["cells"]}
    there = {key: tallies[key] for key in keys if key in tallies}
    done = len(_complete(record, tallies))
    chips = sum(min(tally.chips, record["chips"]) for tally in there.values())
    wanted = sum(record["chips"] for adaptive in keys.values() if not adaptive)
    seconds = sum(tally.seconds for tally in there.values())
    said = f"{chips:,} of {wanted:,}" if wanted else "–"
    return f"{done:,} of {len(keys):,}", said, format_duration(seconds)


def _by_result(record: dict[str, Any], tallies: dict[str, Any]) -> str:
    """One row a combination of axis values."""
    done: dict[str, list[int]] = {}
    for key, label, _, adaptive in record["cells"]:
        wanted = 0 if adaptive else record["chips"]
        tally = tallies.get(key)
        have = 0 if tally is None else min(tally.chips, wanted)
        complete = tally is not None and have >= wanted
        row = done.setdefault(label, [0, 0, 0, 0])
        for i, amount in enumerate((complete, 1, have, wanted)):
            row[i] += amount
    order = sorted(done, key=lambda label: done[label][0] == done[label][1]) if len(done) > SHOWN else list(done)
    rows = [
        [label, f"{c} of {n}", f"{h:,} of {w:,}" if w else "–"]
        for label in order[:SHOWN]
        for c, n, h, w in [done[label]]
    ]
    more = f"\n... and {len(order) - SHOWN:,} more results" if len(order) > SHOWN else ""
    return str(table(["result", "cells", "chips"], rows, left=1)) + more


def _complete(record: dict[str, Any], tallies: dict[str, Any]) -> set[str]:
    """Keys of the cells of which nothing is missing."""
    wanted = {key: 0 if adaptive else record["chips"] for key, _, _, adaptive in record["cells"]}
    return {key for key, chips in wanted.items() if key in tallies and tallies[key].chips >= chips}


def _failures(record: dict[str, Any], store: Any, tallies: dict[str, Any]) -> list[tuple[str, str]]:
    """What did not work the last time and is not there: what, and its traceback."""
    failed, complete = {key for key, _ in store.every_failure()}, _complete(record, tallies)
    named = [(key, what) for key, _, what, _ in record["cells"] if key not in complete]
    named += [(key, f"training {label}") for key, label in record["networks"] if not store.has_model(key)]
    return [(what, store.failure(key) or "") for key, what in named if key in failed]
