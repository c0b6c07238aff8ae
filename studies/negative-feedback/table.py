"""Prints the tables of README.md from the exported results: python studies/negative-feedback/table.py FILE.csv ..."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from statistics import mean, stdev

from scipy.stats import t as student

METHODS = (
    "plain",
    "noise",
    "CorrectNet",
    "OVF",
    "OVF, positive",
    "IRS",
    "IRS, positive",
    "temperature",
    "average of 4",
)
PAIRS = (
    ("OVF", "noise"),
    ("OVF", "temperature"),
    ("OVF", "OVF, positive"),
    ("OVF", "average of 4"),
    ("IRS", "noise"),
    ("IRS", "temperature"),
    ("IRS", "IRS, positive"),
)


def interval(values: list[float], scale: float = 100, digits: int = 2) -> str:
    """Mean and Student's 95 % interval over trainings."""
    middle = scale * mean(values)
    if len(values) < 2:
        return f"{middle:.{digits}f}"
    half = scale * student.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{middle:.{digits}f} [{middle - half:.{digits}f}, {middle + half:.{digits}f}]"


def main(paths: list[str]) -> None:
    """Print one table of methods and one of paired differences for every file."""
    for path in paths:
        rows: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                seed = row["model.recipe.seed"]
                rows[row["model.method"]][seed] = {k: float(row[k]) for k in ("digital", "mean", "p1", "ekl")}
        print(f"\n{path}\n")
        print("| method | clean | mean over chips | 1st percentile | EKL x 100 | fail to converge |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name in METHODS:
            found = rows.get(name, {})
            if not found:
                continue
            means = [f["mean"] for f in found.values()]
            failed = sum(value < mean(means) - 0.1 for value in means)
            cells = [interval([f[k] for f in found.values()]) for k in ("digital", "mean", "p1", "ekl")]
            print(f"| {name} | {' | '.join(cells)} | {failed} of {len(means)} |")
        print("\n| difference, paired by seed | mean over chips, points | 1st percentile | EKL x 100 |")
        print("| --- | --- | --- | --- |")
        for a, b in PAIRS:
            seeds = sorted(rows.get(a, {}).keys() & rows.get(b, {}).keys())
            if seeds:
                gaps = [interval([rows[a][s][k] - rows[b][s][k] for s in seeds]) for k in ("mean", "p1", "ekl")]
                print(f"| {a} - {b} (n={len(seeds)}) | {' | '.join(gaps)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
