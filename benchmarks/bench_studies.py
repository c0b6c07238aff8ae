"""What the machinery of studies costs: overhead on cells of one second, and the status of a store of 100,000 shards.

    python benchmarks/bench_studies.py [--shards 100000]

1. A study of cells that take about a second each runs in a fresh store; its wall time from the first job to the last
   answer is compared with the seconds that its workers spent inside the cells.
2. A store of many shards is made (file contents are tiny and not forced to disk) and ``mho status`` is timed as a
   whole process, with its index and after the index was deleted. ``mho --help`` is timed beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from timing import machine

from mho import devices, mapping
from mho.memory import Memory
from mho.studies import Checkpoint, Data, Observer, Study, run
from mho.studies.executors import Inline, Processes
from mho.studies.index import Index
from mho.studies.store import Store, _checksum
from mho.text import table

CELLS = 12
REPEATS = 5


class Clock(Observer):
    """Seconds inside cells, and of the run around them."""

    def __init__(self) -> None:
        self.inside = self.wall = 0.0
        self.first: float | None = None

    def advanced(self, cell, chips, seconds) -> None:
        now = time.perf_counter()
        # Workers load torch, models and data before their first answer: that is no overhead of the cells.
        self.first = now if self.first is None else self.first
        self.inside += seconds
        self.wall = now - self.first


def study(chips: int, path: str) -> Study:
    return Study(
        name="overhead",
        model=Checkpoint(path=path),
        memory=Memory(device=devices.RRAM1(sigma=0.1), mapping=mapping.SlicedMagnitude()),
        data=Data(name="digits"),
        chips=chips,
        sigma=[round(0.01 * (i + 1), 2) for i in range(CELLS)],
    )


def overhead(make, chips: int, path: str) -> tuple[float, float]:
    """Seconds inside cells and around them, of all cells but the first."""
    with tempfile.TemporaryDirectory() as folder:
        run(study(64, path), store=folder, executor=make())  # so that shard sizes are known
        clock = Clock()
        started = time.perf_counter()
        run(study(chips, path), store=folder, executor=make(), observers=[clock])
        return clock.inside, time.perf_counter() - started


def one_second(path: str) -> int:
    """Chips of this network on the digits that take about a second, in one thread."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        run(study(64, path), store=folder, executor=Inline(), observers=[clock])
        return max(8, int(64 * CELLS / clock.inside))


def inline_overhead(chips: int, path: str) -> tuple[float, float, float]:
    """Seconds inside cells, from the first job to the last answer, and their ratio less one."""
    from mho.studies.coordinator import Run
    from mho.studies.observers import Audience
    from mho.studies.plan import make_plan
    from mho.studies.results import collect

    with tempfile.TemporaryDirectory() as folder:
        plan, store = make_plan(study(chips, path)), Store(folder)
        store.create()
        index = Index(store, write=True)
        clock = Clock()
        started = time.perf_counter()
        Run(plan, store, index, Inline(), Audience([clock])).go()
        collect(plan, store, index, {})
        wall = time.perf_counter() - started
        index.close()
    return clock.inside, wall, wall / clock.inside - 1


def many(folder: Path, shards: int) -> Path:
    """A store of ``shards`` shards in cells of ten, and the YAML of their study."""
    store, per_cell = Store(folder / ".mho"), 10
    store.create()
    cells = []
    content = json.dumps({"seconds": 1.0, "work": "w", "values": [0.5] * 10}).encode()
    checksum = _checksum(content)
    for number in range(shards // per_cell):
        key = f"{number * 2654435761 % 2**64:016x}{number:08x}"
        cells.append([key, f"result {number // 10}", f"cell {number}", False])
        place = store.root / "cells" / key[:2] / key
        place.mkdir(parents=True)
        for part in range(per_cell):
            (place / f"{10 * part}+10.{checksum}.json").write_bytes(content)
    record = {
        "name": "many", "started": "", "study": {}, "digests": [], "chips": 100, "cells": cells, "networks": [],
    }  # fmt: skip
    (store.root / "studies" / "many.json").write_text(json.dumps(record))
    path = folder / "many.yaml"
    path.write_text("name: many\n")
    index = Index(store, write=True)
    index.close()
    return path


def seconds(*command: str) -> list[float]:
    """Wall time of a whole process, several times."""
    out = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mho", *command], check=True, capture_output=True)
        out.append(time.perf_counter() - started)
    return sorted(out)


def spread(values: list[float], digits: int = 2) -> str:
    values = sorted(values)
    return f"{values[len(values) // 2]:.{digits}f} [{values[0]:.{digits}f}, {values[-1]:.{digits}f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=100_000)
    asked = parser.parse_args()
    print(machine())
    torch.set_num_threads(1)
    from mho import zoo

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "lenet.safetensors")
        zoo.save(zoo.build("lenet", seed=0), path)
        chips = one_second(path)
        found = [inline_overhead(chips, path) for _ in range(REPEATS)]
        rows.append([f"{CELLS} cells, {chips} chips each: seconds in cells", spread([f[0] for f in found])])
        rows.append(["... from the first job to the last answer", spread([f[1] for f in found])])
        rows.append(["... overhead, %", spread([100 * f[2] for f in found])])
        inside, wall = overhead(lambda: Processes(workers=2), chips, path)
        rows.append(["2 processes: seconds in cells, wall with start-up (n=1)", f"{inside:.2f}, {wall:.2f}"])
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        yaml = many(Path(folder), asked.shards)
        rows.append(
            [f"making {asked.shards:,} shards and their index (n=1), s", f"{time.perf_counter() - started:.1f}"]
        )
        rows.append(["mho status, s", spread(seconds("status", str(yaml)))])
        (Path(folder) / ".mho" / "index.sqlite").unlink()
        rows.append(["mho status, index deleted, s", spread(seconds("status", str(yaml)))])
    rows.append(["mho --help, s", spread(seconds("--help"))])
    print(table(["what", "median [min, max]"], rows, left=1))


if __name__ == "__main__":
    main()
