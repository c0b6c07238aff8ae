"""Racetrack position errors in a binarised network: the published experiments, physical and as published.

Makes the numbers of README.md beside it: single-layer curves, selections of protected layers at six track lengths,
their course over 100 inferences, and one choice of the semantics after the other changed. Every part is a file under
--out and is left alone where it is there, so an interrupted run goes on.

    python studies/racetrack/run.py bnn-vgg3.safetensors --data fashion_mnist --out results
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mho
from mho import devices, mapping, racetrack
from mho.files import write_json
from mho.racetrack.curves import Curves

RATE, INFERENCES, TRACKS = 1e-4, 100, (64, 32, 16, 8, 4, 2)
SELECTIONS: tuple[Any, ...] = ("UNPROT", "EVEN", "EQUAL", "CUSTOM", "FULL")


def physical(bits: int, **changes: Any) -> mho.Memory:
    """The defaults: progressive reads, one a inference, slips within a track of consecutive weights."""
    order = changes.pop("order", "row")
    device = devices.Racetrack(fault_rate=RATE, **changes)
    return mho.Memory(device=device, mapping=mapping.Tracks(bits=bits, order=order))


def published(bits: int, passes: int = 10) -> mho.Memory:
    """The choices of the simulator behind the published figures."""
    return racetrack.compat2024(bits=bits, fault_rate=RATE, passes=passes)


SEMANTICS: dict[str, Callable[[int], mho.Memory]] = {"physical": physical, "published": published}
VARIANTS: dict[str, mho.Memory] = {
    "the defaults": physical(64),
    "10 reads an inference": physical(64, passes=10),
    "whole passes read at their end": physical(64, read_order="block"),
    "random bits beyond the track": physical(64, fill="latched"),
    "the next track's bits beyond": physical(64, fill="neighbour"),
    "the other end's bits beyond": physical(64, fill="wrap"),
    "offsets stick at K/2": physical(64, bound="stick"),
    "rewinding fails as often": physical(64, rewind="faulty"),
    "zigzag": physical(64, rewind="zigzag"),
    "stored by columns": physical(64, order="column"),
    "as published, 1 read": published(64, passes=1),
    "as published, 10 reads": published(64),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--limit", type=int, default=2000, help="test images")
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--slack", type=float, default=0.1, help="CUSTOM may lose this much")
    parser.add_argument("--out", type=Path, default=Path("results"))
    asked = parser.parse_args()
    model = mho.zoo.binary.packed(mho.zoo.load(asked.checkpoint))  # popcounts: the same numbers, sooner
    test = mho.data.load(asked.data, split="test", limit=asked.limit)
    asked.out.mkdir(parents=True, exist_ok=True)
    clean = mho.evaluate(mho.deploy(model, physical(64)), test, age=0, n_chips=1).ideal
    target = clean - asked.slack
    small = len(mho.deploy(model, physical(64)).placements) == 4  # few enough layers to try every choice
    for name, memory in SEMANTICS.items():
        curves = Curves.from_dict(
            _kept(
                asked.out / f"curves-{name}.json",
                lambda m=memory: racetrack.sensitivity(model, test, m(64), n_chips=asked.chips).to_dict(),
            )
        )
        for bits in TRACKS:
            ages = (1, 3, 10, 30, INFERENCES) if bits == 32 else (INFERENCES,)
            _kept(
                asked.out / f"protect-{name}-{bits}.json",
                lambda m=memory, b=bits, a=ages, c=curves: racetrack.protect(
                    model,
                    test,
                    m(b),
                    code=racetrack.GROGU(),
                    inferences=INFERENCES,
                    age=a,
                    target=target,
                    selections=(*SELECTIONS, *(["0101"] if small else [])),
                    n_chips=asked.chips,
                    curves=c,
                ).to_dict(),
            )
        for bits in (64, 32, 16, 8, 4):  # does the exposure alone decide?
            _kept(
                asked.out / f"one-{name}-{bits}.json",
                lambda m=memory, b=bits: racetrack.sensitivity(
                    model, test, m(b), exposures=(1.0,), n_chips=asked.chips
                ).to_dict(),
            )
    _kept(
        asked.out / "front.json",  # every choice of layers, on chips that CUSTOM was not chosen on
        lambda: racetrack.protect(
            model,
            test,
            physical(64),
            code=racetrack.GROGU(),
            inferences=INFERENCES,
            age=(INFERENCES,),
            target=target,
            selections=[f"{mask:04b}" for mask in range(16)] if small else SELECTIONS,
            search=0 if small else 16,
            n_chips=asked.chips,
            first_chip=1000,
        ).to_dict(),
    )
    for name, memory in VARIANTS.items():
        _kept(
            asked.out / _file(name),
            lambda m=memory: mho.evaluate(mho.deploy(model, m), test, age=INFERENCES, n_chips=asked.chips).to_dict(),
        )
    _tables(asked.out)


def _kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not path.exists():
        write_json(path, make())
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _tables(folder: Path) -> None:
    """What the JSON files say, as six CSV files."""
    rows = []
    for name in SEMANTICS:
        heat = Curves.from_dict(json.loads((folder / f"curves-{name}.json").read_text())).heat_map(bits=TRACKS)
        for row in heat.rows():
            drop = [f"{100 * row[key]:.2f}" for key in ("drop", "drop_low", "drop_high")]
            rows.append([name, row["layer"], row["rate"], row["bits"], *drop, row["outside"], row["below"]])
    head = ["semantics", "layer", "rate", "bits", "drop", "low", "high", "more faults than measured", "fewer"]
    _write(folder / "heat.csv", head, rows)
    rows = []
    for name in SEMANTICS:
        for bits in (64, 32, 16, 8, 4):
            one = Curves.from_dict(json.loads((folder / f"one-{name}-{bits}.json").read_text()))
            for layer in one.layers:
                rows.append([name, bits, layer, *_percent(one.of(layer)[0])])
    _write(folder / "one.csv", ["semantics", "bits", "layer", "mean", "low", "high"], rows)
    found = racetrack.Protection.from_dict(json.loads((folder / "front.json").read_text()))
    rows = [[s.mask, *_percent(s.mean()), f"{s.overhead:.4f}", s in found.front] for s in found.selections]
    _write(folder / "front.csv", ["mask", "mean", "low", "high", "overhead", "on the front"], rows)
    rows = []
    for name in SEMANTICS:
        for bits in TRACKS:
            found = racetrack.Protection.from_dict(json.loads((folder / f"protect-{name}-{bits}.json").read_text()))
            for one in found.selections:
                for i, age in enumerate(found.age):
                    what = [name, bits, one.name, one.mask, int(age)]
                    rows.append([*what, *_percent(one.mean(i)), len(one.values[i]), f"{one.overhead:.4f}"])
    head = ["semantics", "bits", "selection", "mask", "inferences", "mean", "low", "high", "n", "overhead"]
    _write(folder / "selections.csv", head, rows)
    rows = []
    for name in VARIANTS:
        file = folder / _file(name)
        point = mho.evaluation.Result.from_dict(json.loads(file.read_text())).at(age=INFERENCES)
        rows.append([name, *_percent(point.mean), len(point.values)])
    _write(folder / "variants.csv", ["semantics", "mean", "low", "high", "n"], rows)
    rows = []
    for name in SEMANTICS:
        curves = Curves.from_dict(json.loads((folder / f"curves-{name}.json").read_text()))
        for i, layer in enumerate(curves.layers):
            for j, mean in enumerate(curves.of(layer)):
                where = [f"{curves.exposure[i, j]:.4g}", int(curves.inferences[i, j])]
                rows.append([name, layer, *where, *_percent(mean), curves.values.shape[2]])
    _write(folder / "layers.csv", ["semantics", "layer", "exposure", "inferences", "mean", "low", "high", "n"], rows)


def _file(variant: str) -> str:
    return f"variant-{'-'.join(''.join(c if c.isalnum() else ' ' for c in variant).split())}.json"


def _percent(interval: Any) -> list[str]:
    return [f"{100 * x:.2f}" for x in (interval.value, interval.low, interval.high)]


def _write(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    print(path)


if __name__ == "__main__":
    main()
