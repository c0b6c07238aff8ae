"""results.csv, a row a job, and the table that is printed of it beside what was published."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from jobs import Job

from mho.evaluation import Interval, Result, mean_interval
from mho.files import write_text
from mho.text import table

KEY = ("method", "memory", "sigma", "seed")
_SPREAD = [f"{name}{end}" for name in ("mean", "p1", "ekl", "ece") for end in ("", "_low", "_high")]
COLUMNS = (
    *("experiment", *KEY, "epochs", "chips", "images", "convention", "validation", "digital", "ideal"),
    *(*_SPREAD, "std", "min", "published", "published_ekl"),
    *("train_seconds", "evaluate_seconds", "dtype", "mho", "torch", "python", "hardware", "note"),
)
"""Fractions, nats and seconds; ``_low`` and ``_high`` are 95 % limits over chips of the one network."""


def read(file: Path) -> list[dict[str, str]]:
    """The rows so far."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def append(file: Path, row: Mapping[str, Any]) -> None:
    """One more row; readers see the old file or the new one."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*read(file), {name: _written(value) for name, value in row.items()}])
    write_text(file, out.getvalue())


def row(job: Job, accuracy: Result, calibration: Result | None) -> dict[str, Any]:
    """What is kept of a job."""
    population, made = accuracy.at(), accuracy.provenance
    spread = {"mean": population.mean, "p1": population.percentile(1), "ekl": population.ekl}
    if calibration is not None:
        spread["ece"] = calibration.at().mean
    out: dict[str, Any] = dict(zip(KEY, job.key, strict=True)) | published(job)
    for name, interval in spread.items():
        if interval is not None:
            out |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    out |= {"chips": accuracy.chips, "images": accuracy.images, "std": population.std, "min": population.minimum}
    out |= {"digital": accuracy.digital, "ideal": accuracy.ideal, "hardware": made["device"]}
    out |= {"convention": "" if job.memory == "LogNormal" else "fullscale"}
    taken = [result.provenance["seconds"] for result in (accuracy, calibration) if result is not None]
    named = ("epochs", "validation", "train_seconds", "dtype", "mho", "torch", "python")
    return out | {name: made[name] for name in named} | {"evaluate_seconds": round(sum(taken), 1)}


def published(job: Job) -> dict[str, str]:
    """The published mean accuracy and EKL of a job, where there are any."""
    found = _published().get(job.key[:3], {})
    return {"published": found.get("mean", ""), "published_ekl": found.get("ekl", "")}


@cache
def _published() -> dict[tuple[str, ...], dict[str, str]]:
    return {tuple(line[name] for name in KEY[:3]): line for line in read(Path(__file__).with_name("published.csv"))}


def show(rows: Sequence[Mapping[str, str]], folder: Path) -> str:
    """The table of one experiment: a line a method and memory, over all seeds that are there."""
    sound = sorted((r for r in rows if r["mean"]), key=lambda r: (r["memory"], -float(r["sigma"])))
    texts, header = (
        [],
        ["method", "seeds", "digital", "mean", "p1", "EKL/0.01", "ECE", "less noise", "published", "EKL"],
    )
    for (memory, sigma), group in groupby(sound, lambda r: (r["memory"], r["sigma"])):
        there, lines = list(group), []
        noise = {r["seed"]: r for r in there if r["method"] == "noise"}
        for method in dict.fromkeys(r["method"] for r in there):
            of = [r for r in there if r["method"] == method]
            pairs = [(r, noise[r["seed"]]) for r in of if r["seed"] in noise and method != "noise"]
            shown = [_spread(of, "mean", 100), _spread(of, "p1", 100), _spread(of, "ekl", 100), _spread(of, "ece", 100)]
            theirs = [
                f"{100 * float(of[0][name]):.2f}" if of[0][name] else "" for name in ("published", "published_ekl")
            ]
            digital = f"{100 * np.mean([float(r['digital']) for r in of]):.2f}"
            lines.append([method, len(of), digital, *shown, _gain(pairs, folder), *theirs])
        title = f"{memory}, sigma {sigma}: {there[0]['chips']} chips, {there[0]['images']} images, in %"
        kept = [i for i in range(len(header)) if any(line[i] for line in lines)]
        texts.append(table([header[i] for i in kept], [[line[i] for i in kept] for line in lines], title=title))
    lost = [f"{r['method']} on {r['memory']} {r['sigma']}, seed {r['seed']}: {r['note']}" for r in rows if r["note"]]
    return "\n\n".join([*texts, *lost])


def _spread(rows: Sequence[Mapping[str, str]], name: str, factor: float) -> str:
    """Of one network with its interval over chips; of several, the mean over networks with that over networks."""
    if not all(r[name] for r in rows):
        return ""
    if len(rows) > 1:
        return _spelt(mean_interval(np.array([float(r[name]) for r in rows])), factor)
    limits = [float(rows[0][f"{name}{end}"] or "nan") for end in ("", "_low", "_high")]
    return _spelt(Interval(*limits), factor)


def _gain(pairs: Sequence[tuple[Mapping[str, str], Mapping[str, str]]], folder: Path) -> str:
    """Mean accuracy less that of noise injection: of one pair of networks over chips, of several over networks."""
    if len(pairs) > 1:
        return _spelt(mean_interval(np.array([float(a["mean"]) - float(b["mean"]) for a, b in pairs])), 100)
    if not pairs:
        return ""
    a, b = (_values(folder, r) for r in pairs[0])
    return "" if a is None or b is None else _spelt(mean_interval(a - b), 100)


def _values(folder: Path, row: Mapping[str, str]) -> np.ndarray | None:
    """``(chips,)`` accuracies: chip i of two networks has the same random numbers, so they are compared in pairs."""
    job = Job(method=row["method"], memory=row["memory"], sigma=float(row["sigma"]), seed=int(row["seed"]))
    file = judgement(folder, job, "accuracy")
    return Result.from_dict(json.loads(file.read_text())).values[0, 0] if file.exists() else None


def judgement(folder: Path, job: Job, metric: str) -> Path:
    """The file that holds every chip of a job."""
    return folder / f"{job.network}@{job.place}.{metric}.json"


def _spelt(interval: Interval, factor: float) -> str:
    ends = [f"{factor * x:.2f}" if isfinite(x) else "–" for x in interval]
    return f"{ends[0]} [{ends[1]}, {ends[2]}]"


def _written(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if isfinite(value) else ""
    return "" if value is None else value
