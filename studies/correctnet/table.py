"""The tables of the README of this folder, from its CSV files.

python studies/correctnet/table.py                  prints them
python studies/correctnet/table.py collect STORE    first writes results.csv from the study's cached results
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mho import studies
from mho.evaluation import mean_interval

HERE = Path(__file__).parent
Row = Mapping[str, str]


def collect(store: str) -> None:
    """What ``mho export`` writes, and the accuracy without errors beside it."""
    found = studies.run(studies.read(HERE / "study.yaml"), store=store)
    rows = []
    for label, result in found.results.items():
        rows += [{**found.points[label].axes, "clean": result.digital, **row} for row in result.rows()]
    write(HERE / "results.csv", rows)


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """CSV with the columns of the first row."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: "" if v is None or v != v else v for k, v in row.items()} for row in rows)


def read(name: str) -> list[Row]:
    """The rows of a file of this folder; none where there is no file."""
    path = HERE / name
    return list(csv.DictReader(path.open())) if path.exists() else []


def groups(rows: Iterable[Row], *keys: str) -> dict[tuple[str, ...], list[Row]]:
    """Rows by what they have under ``keys``, in the order met."""
    out: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        out.setdefault(tuple(row[key] for key in keys), []).append(row)
    return out


def over_trainings(rows: Sequence[Row], name: str, scale: float = 100) -> str:
    """Mean over trainings, with Student's 95 % interval where there are several."""
    value, low, high = (scale * x for x in mean_interval(np.array([float(row[name]) for row in rows])))
    return f"{value:.1f}" if len(rows) == 1 else f"{value:.1f} [{low:.1f}, {high:.1f}]"


def of_chips(row: Row, name: str) -> str:
    """A number of one network, with its interval over chips."""
    return "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * float(row[name + end]) for end in ("", "_low", "_high")))


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    for line in [header, ["---"] * len(header), *rows]:
        print("| " + " | ".join(line) + " |")
    print()


def networks() -> None:
    """What the trainings give, over trainings."""
    lines = []
    for (method,), rows in groups(read("results.csv"), "model.method").items():
        at = {float(gamma): rs for (gamma,), rs in groups(rows, "sigma").items()}
        means = [over_trainings(at[gamma], "mean") for gamma in (0.1, 0.3, 0.5)]
        lines.append([method, over_trainings(at[0.5], "clean"), *means, over_trainings(at[0.5], "p5")])
    show(["trained", "clean", "gamma 0.1", "0.3", "0.5", "5th percentile at 0.5"], lines)


def differences() -> None:
    """Every method less noise injection, seed by seed."""
    by = {
        key: rows[0] for key, rows in groups(read("results.csv"), "model.method", "sigma", "model.recipe.seed").items()
    }
    seeds = sorted({seed for _, _, seed in by})
    lines = []
    for method in dict.fromkeys(m for m, _, _ in by):
        if method != "noise":
            out = [method]
            for gamma in sorted({g for _, g, _ in by}):
                gaps = [
                    {"d": str(float(by[method, gamma, s]["mean"]) - float(by["noise", gamma, s]["mean"]))}
                    for s in seeds
                ]
                out.append(over_trainings(gaps, "d"))
            lines.append(out)
    show(["less noise, in points", "gamma 0.1", "0.3", "0.5"], lines)


def compensation() -> None:
    """What compensation and more training recover: over trainings, and of the first training over chips."""
    changed = [row for name in ("plain", "noise") for row in read(f"compensation-{name}.csv")]
    found = groups(changed, "network", "change")
    lines = []
    for (network, change), rows in found.items():
        low, high = (f(100 * float(row["overhead"]) for row in rows) for f in (min, max))
        overhead = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
        seconds = np.mean([float(row["cpu_s"]) for row in rows])
        cells = [over_trainings(rows, name) for name in ("clean_after", "after", "recovered")]
        lines.append(
            [network, change, str(len(rows)), overhead, f"{seconds:.0f}", *cells, of_chips(rows[0], "recovered")]
        )
    show(
        [
            "network",
            "change",
            "trainings",
            "overhead %",
            "CPU s",
            "clean",
            "mean at 0.5",
            "recovered %",
            "of seed 0, over chips",
        ],
        lines,
    )
    for (network, change), rows in found.items():
        if change.startswith("placed"):
            print(f"{network}, {change}:", "; ".join(row["layers"] or "none" for row in rows))
    lines = []
    for (network,), rows in groups(changed, "network").items():
        once = [group[0] for group in groups(rows, "seed").values()]
        lines.append([network, *(over_trainings(once, name) for name in ("clean", "before"))])
    print()
    show(["before", "clean", "mean at 0.5"], lines)


def betas() -> None:
    """The trial that chose the weights of the penalties."""
    lines = [[r["method"], r["beta"], f"{100 * float(r['clean']):.1f}", of_chips(r, "mean")] for r in read("betas.csv")]
    show(["trained", "beta", "clean", "mean at 0.5"], lines)


def main() -> None:
    if sys.argv[1:2] == ["collect"]:
        collect(sys.argv[2])
    networks()
    differences()
    compensation()
    betas()


if __name__ == "__main__":
    main()
