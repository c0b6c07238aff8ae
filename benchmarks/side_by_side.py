"""The same Monte-Carlo job in mho, aihwkit [rasch2021aihwkit], CrossSim and a plain torch loop, in one run.

    python benchmarks/side_by_side.py --python aihwkit=/path/to/aihwkit/bin/python --json side_by_side.json

A LeNet on MNIST (trained for a moment where `--model` names none; scikit-learn's digits where MNIST is not at hand),
Gaussian programming errors of the same size in every tool; `side_by_side_tools.py` says what sigma is. Each tool is a
process of its own, with its own interpreter where `--python NAME=PATH` names one. In this order:

1. Agreement. Errors of weights, cell by cell, must have mean 0 and the deviation asked for. Accuracies of chips must
   have the mean (Welch) and distribution (Kolmogorov and Smirnov) of mho's. A tool that fails gets no time.
2. Seconds a chip: programming and all images, `--repeats` times `--chips` chips, tools in turn. Tools which leave the
   batch to the user get the fastest of five.
3. An interval as narrow as asked: measured in mho; elsewhere as many chips on all images as the plain protocol needs,
   times the seconds of 2 (computed, and marked so).
4. A pass of training with errors drawn anew for every batch, tools in turn; judged alike, on 1,000 images.

A tool that is not installed is said to be, with the way to install it. All have the same number of threads. Times of a
machine with other work (load averages are printed) are worth little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from side_by_side_checks import ALPHA, accuracies_agree, errors_agree, interval, spread, turns
from side_by_side_process import Worker
from timing import machine

import mho
from mho import data, zoo
from mho.errors import MhoError
from mho.text import table
from mho.training import Recipe

NAMES = ("mho", "torch", "aihwkit", "aihwkit-torch", "crosssim")
TRAINED = ("mho", "torch", "aihwkit", "aihwkit-torch")
INSTALL = {
    "aihwkit": "pip install aihwkit, or built from source as in benchmarks/aihwkit_tiles.py",
    "aihwkit-torch": "pip install aihwkit, or built from source as in benchmarks/aihwkit_tiles.py",
    "crosssim": "git clone https://github.com/sandialabs/cross-sim && pip install ./cross-sim (it is not on PyPI)",
}


def the_job(asked: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Tensors that every tool gets, and what they are."""
    try:
        name = "digits" if asked.data == "digits" else "mnist"
        train, test = data.load(name, split="train"), data.load(name, split="test")
    except MhoError:
        if asked.data == "mnist":
            raise
        name, train, test = "digits", data.load("digits", split="train"), data.load("digits", split="test")
    start = zoo.build_for("lenet", train)
    if asked.model:
        model, origin = zoo.load(asked.model), Path(asked.model).name
    else:
        model = mho.train(start, train, recipe=Recipe(epochs=asked.epochs), progress=False)
        origin = f"trained for {asked.epochs} epochs"
    images = test.take(min(asked.images, len(test)))
    taught = train.take(min(asked.train_images, len(train)))
    job = {
        "state": {k: v.detach() for k, v in model.state_dict().items()},
        "start": {k: v.detach() for k, v in start.state_dict().items()},
        "inputs": whole(images.inputs),
        "targets": whole(images.targets),
        "train_inputs": whole(taught.inputs),
        "train_targets": whole(taught.targets),
        "sigma": asked.sigma,
        "rate": 0.05,
        "batch": 128,
        "seed": asked.seed,
    }
    return job, f"LeNet ({origin}), {len(images):,} test images of {name}, sigma {asked.sigma:g}"


def whole(values: object) -> torch.Tensor:
    assert isinstance(values, torch.Tensor)
    return values.contiguous()


def agreement(workers: Sequence[Worker], chips: int) -> None:
    """Errors of weights; a tool whose errors are others is out."""
    rows = []
    for worker in workers:
        found = worker.ask("moments", chips=chips)
        if "layers" in found:
            fits, mean, deviation = errors_agree(found["layers"])
            cells = sum(row[0] for row in found["layers"].values())
            rows.append([worker.name, f"{cells:,.0f}", f"{mean:+.5f}", f"{deviation:.5f}", "yes" if fits else "NO"])
            if not fits:
                worker.failed = "errors of weights are not those asked for"
    print(table(["errors of weights / (sigma S)", "cells", "mean, wanted 0", "deviation, wanted 1", "agrees"], rows))
    print()


def monte_carlo(workers: Sequence[Worker], images: int, repeats: int, chips: int) -> dict[str, dict[str, Any]]:
    """Seconds a chip and accuracies of each tool that is there."""
    batch = {worker.name: worker.ask("tune").get("batch") for worker in workers}
    for worker in workers:
        worker.ask("evaluate", chips=2)  # what is compiled or allocated at the first use
    seconds: dict[str, list[float]] = {worker.name: [] for worker in workers}
    values: dict[str, list[float]] = {worker.name: [] for worker in workers}
    by_name = {worker.name: worker for worker in workers}
    for name in turns(list(by_name), repeats):
        found = by_name[name].ask("evaluate", chips=chips)
        if "values" in found:
            seconds[name].append(found["seconds"] / chips)
            values[name] += found["values"]
    if by_name["mho"].failed:
        raise SystemExit(f"mho, with which all others are compared, failed: {by_name['mho'].failed}")
    rows, out = [], {}
    for worker in workers:
        mine = values[worker.name]
        if worker.failed or not mine:
            continue
        fits, welch, smirnov = accuracies_agree(mine, values["mho"])
        out[worker.name] = {"values": mine, "batch": batch[worker.name]}
        if fits:
            out[worker.name]["seconds"] = seconds[worker.name]
        else:
            worker.failed = "accuracies of chips differ from mho's"
        ratio = [a / b for a, b in zip(seconds[worker.name], seconds["mho"], strict=True)]
        against = ["", ""] if worker.name == "mho" else [f"{welch:.2f}", f"{smirnov:.2f}"]
        time = [spread(seconds[worker.name], 1e-3), spread(ratio)] if fits else ["disagrees", ""]
        mean, p5 = interval(mine), 100 * float(np.percentile(mine, 5))
        deviation = 100 * statistics.stdev(mine)
        rows.append([worker.name, batch[worker.name] or "own", mean, f"{deviation:.2f}", f"{p5:.2f}", *against, *time])
    header = ["tool", "batch", "mean % [95 %]", "sd", "p5", "p mean", "p KS", "ms a chip [least, most]", "x mho"]
    print(table(header, rows, title=f"{repeats} x {chips} chips, {images:,} images each, tools in turn"))
    print()
    return out


def narrow(workers: Sequence[Worker], found: dict[str, dict[str, Any]], images: int, wanted: str) -> dict[str, Any]:
    """What an interval of a given half-width takes."""
    name, half = wanted.split("=")
    ours = next(worker for worker in workers if worker.name == "mho")
    got = ours.ask("precise", precision={name: float(half)})
    plain = got["plain"] / images
    reached = (got["high"] - got["low"]) / 2
    rows = [["mho, adaptive", "measured", f"{got['chips']:,}", f"{got['spent']:,}", f"{got['seconds']:.1f}"]]
    for tool, result in found.items():
        if "seconds" in result:
            seconds = plain * statistics.median(result["seconds"])
            label = "mho, all images" if tool == "mho" else tool
            rows.append([label, "computed", f"{plain:,.0f}", f"{got['plain']:,}", f"{seconds:.1f}"])
    value = f"{100 * got['value']:.2f} [{100 * got['low']:.2f}, {100 * got['high']:.2f}] %"
    title = f"{name} ± {100 * float(half):g} points wanted, ± {100 * reached:.2f} reached: {value}"
    print(table([title, "", "chips", "chip-images", "s"], rows, left=2))
    print()
    return {"wanted": wanted, **got}


def training(workers: Sequence[Worker], asked: argparse.Namespace, steps: int) -> dict[str, dict[str, list[float]]]:
    """A pass of training with errors, and how good chips of what was trained are."""
    able = {worker.name: worker for worker in workers if worker.name in TRAINED and not worker.failed}
    for worker in able.values():
        worker.ask("train", seed=0, chips=1)
    out: dict[str, dict[str, list[float]]] = {name: {"seconds": [], "values": []} for name in able}
    for i, name in enumerate(turns(list(able), asked.repeats)):
        found = able[name].ask("train", seed=1 + i // len(able), chips=asked.judges)
        if "seconds" in found:
            out[name]["seconds"].append(found["seconds"] / steps)
            out[name]["values"].append(found["value"])
    rows = []
    for name, result in out.items():
        if len(result["values"]) < asked.repeats:
            continue
        welch = float(stats.ttest_ind(result["values"], out["mho"]["values"], equal_var=False).pvalue)
        fits = name == "mho" or welch > ALPHA
        ratio = [a / b for a, b in zip(result["seconds"], out["mho"]["seconds"], strict=True)]
        times = [spread(result["seconds"], 1e-3), spread(ratio)] if fits else ["disagrees", ""]
        rows.append([name, interval(result["values"]), "" if name == "mho" else f"{welch:.2f}", *times])
    title = f"training with errors: {asked.repeats} passes of {steps} steps of SGD, {asked.judges} chips judge each"
    print(table(["tool", "mean % [95 %]", "p mean", "ms a step [least, most]", "x mho"], rows, title=title))
    print()
    return out


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="interpreter of a tool")
    parser.add_argument("--data", choices=("mnist", "digits"), help="MNIST where it is at hand, else digits")
    parser.add_argument("--model", help="a LeNet saved by mho, trained on these data")
    parser.add_argument("--epochs", type=int, default=2, help="of the LeNet that is trained where none is given")
    parser.add_argument("--images", type=int, default=10_000, help="of the test set")
    parser.add_argument("--train-images", type=int, default=6400)
    parser.add_argument("--sigma", type=float, default=0.1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--chips", type=int, default=10, help="of one repeat")
    parser.add_argument("--judges", type=int, default=20, help="chips that judge a trained network")
    parser.add_argument("--precise", nargs="*", default=["mean=0.005", "p5=0.02"], metavar="WHAT=HALF-WIDTH")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="file for every number")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    if asked.repeats < 2 or asked.chips < 2:
        raise SystemExit("--repeats and --chips must be at least 2: a spread needs two numbers")
    pythons = dict(entry.split("=", 1) for entry in asked.python)
    load = os.getloadavg()
    torch.set_num_threads(asked.threads)
    job, title = the_job(asked)
    images, steps = len(job["targets"]), -(-len(job["train_targets"]) // job["batch"])
    print(title)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.pt"
        torch.save(job, path)
        names = ["mho", *(name for name in asked.tools if name != "mho")]
        # aihwkit-torch is found where aihwkit is.
        found_at = [pythons.get(name) or pythons.get(name.split("-")[0]) or sys.executable for name in names]
        workers = [Worker(name, at, path, asked.threads) for name, at in zip(names, found_at, strict=True)]
    try:
        print(table(["tool", "version", "torch", "python", "ready after s"], [worker.row() for worker in workers]))
        print()
        there = [worker for worker in workers if not worker.failed]
        agreement(there, asked.chips)
        there = [worker for worker in there if not worker.failed]
        if "mho" not in {worker.name for worker in there}:
            raise SystemExit(f"mho, with which all others are compared, failed: {workers[0].failed}")
        found = monte_carlo(there, images, asked.repeats, asked.chips)
        precise = [narrow(there, found, images, wanted) for wanted in asked.precise]
        trained = training(there, asked, steps)
    finally:
        for worker in workers:
            worker.close()
    for worker in workers:
        if worker.failed:
            missing = "missing" in worker.about
            remedy = f"; {INSTALL[worker.name]}" if missing else ""
            print(f"{worker.name}: not {'run' if missing else 'timed'} ({worker.failed}{remedy})")
    loads = " / ".join(f"{value:.1f}" for value in load)
    print(f"{machine()}; load average {loads} before, {os.getloadavg()[0]:.1f} after")
    if asked.json:
        about = {worker.name: worker.about for worker in workers}
        whole_run = {"job": title, "tools": about, "chips": found, "precise": precise, "training": trained}
        where = {"machine": machine(), "load": [*load, *os.getloadavg()], "asked": vars(asked)}
        Path(asked.json).write_text(json.dumps(whole_run | where, indent=1))


if __name__ == "__main__":
    main()
