"""Noise-tolerant training on CIFAR-10, ResNet-18: experiments e8 to e12, each a list of jobs, on one GPU.

    python studies/cifar10/run.py e8 --out FOLDER

Goes through the jobs in the order of their value until ``--minutes`` are used up; the same call again goes on. Exit
status 0: all done; 3: there is more to do; 2: something was wrong, in one line. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import rows
import torch
from jobs import EXPERIMENTS, METHODS, Job, memory

import mho
from mho import data, training, zoo
from mho.data import Dataset
from mho.data.images import Split
from mho.errors import MhoError, ModelError, OutputError, SpecError, unknown
from mho.evaluation import Result
from mho.files import write_json
from mho.training import setup

CHIPS_SEED = 0
PART = 50
"""Chips judged between two looks at the clock."""
SETTINGS = ("width", "epochs", "limit", "chips", "lr", "precision")
"""Options that decide the numbers: they must not change within a folder."""


class TimeUp(BaseException):
    """No Exception: mho.train leaves behind an observer that fails, and goes on."""


class Clock(training.Observer):
    """Ends the call between two epochs or parts, once the next one would not be over in time.

    Something is always done before it stops, so that calling again and again comes to an end.
    """

    def __init__(self, minutes: float, epochs: int) -> None:
        self.until, self.epochs, self.worked = time.monotonic() + 60 * minutes, epochs, False

    def check(self, seconds: float = 0.0) -> None:
        """Stop, unless ``seconds`` more fit in."""
        if self.worked and time.monotonic() + 1.2 * seconds > self.until:
            raise TimeUp

    def epoch(self, epoch: training.Epoch) -> None:
        """See :class:`mho.training.Observer`; the checkpoint is already written."""
        self.worked = True
        if epoch.number < self.epochs:
            self.check(epoch.seconds)


class Work:
    """What all jobs of a call share: the options, the clock, and the data, resident on the device."""

    samples: Dataset
    test: Dataset

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.out = options, options.out
        self.clock = Clock(options.minutes, options.epochs)
        self.place = setup.device(torch.nn.Identity(), options.torch_device)
        self.part_seconds = 0.0

    def load(self) -> None:
        """Put the data on the device: images to learn from, and those to judge chips on, which choose nothing."""

        def part(split: Split) -> Dataset:
            return data.load("cifar10", split=split, root=self.options.root, limit=self.options.limit).to(self.place)

        self.samples, self.test = part("train"), part("test")

    def network(self, job: Job) -> torch.nn.Module:
        """The trained network of a job; goes on where its checkpoint stops."""
        options, method = self.options, METHODS[job.method]
        recipe = training.Recipe(
            epochs=options.epochs,
            optimizer="adam",
            lr=options.lr,
            schedule="cosine",
            batch_size=128,
            augment="crop-flip",
            precision=options.precision,
            channels_last=True,
            seed=job.seed,
        )
        return mho.train(
            zoo.build("resnet18", width=options.width, seed=job.seed),
            self.samples,
            method=method,
            memory=None if method is None else memory(job.memory, job.sigma),
            recipe=recipe,
            validation=0.1,  # looked at, for the record; the last epoch is kept
            observers=[self.clock],
            checkpoint=self.out / f"{job.network}.safetensors",
            device=self.place,
        )

    def judge(self, job: Job, network: Callable[[], torch.nn.Module], metric: str) -> Result:
        """All chips of a job on all test images, part by part; parts that are on disk are not repeated."""
        file = rows.judgement(self.out, job, metric)
        result = Result.from_dict(json.loads(file.read_text())) if file.exists() else None
        while result is None or result.chips < self.options.chips:
            trained, first = network(), 0 if result is None else result.chips
            self.clock.check(self.part_seconds)
            part = mho.evaluate(
                mho.deploy(trained, memory(job.memory, job.sigma), seed=CHIPS_SEED),
                self.test,
                n_chips=min(PART, self.options.chips - first),
                first_chip=first,
                metric=metric,
                percentiles=(1,),
                dtype=self.options.precision,
                # vmap makes grouped convolutions; a network of this size keeps a GPU busy chip by chip.
                batching="loop",
                label=job.label,
            )
            self.part_seconds, self.clock.worked = part.provenance["seconds"], True
            part = replace(part, provenance=part.provenance | _trained(trained))
            result = part if result is None else _joined(result, part)
            write_json(file, result.to_dict())
        return result

    def do(self, job: Job, *, calibration: bool) -> dict[str, Any]:
        """The row of a job; of one whose training diverges it says so."""
        made: list[torch.nn.Module] = []

        def network() -> torch.nn.Module:
            if not made:
                made.append(self.network(job))
            return made[0]

        try:
            accuracy = self.judge(job, network, "accuracy")
            return rows.row(job, accuracy, self.judge(job, network, "ece") if calibration else None)
        except ModelError as error:
            if "diverged" not in str(error):
                raise
            return dict(zip(rows.KEY, job.key, strict=True)) | rows.published(job) | {"note": str(error)}


def _trained(network: torch.nn.Module) -> dict[str, Any]:
    epochs = training.history(network)
    seconds = round(sum(epoch.seconds for epoch in epochs), 1)
    return {"epochs": len(epochs), "validation": epochs[-1].validation_accuracy, "train_seconds": seconds}


def _joined(a: Result, b: Result) -> Result:
    """The chips of ``a``, then those of ``b``."""
    assert a.ekl is not None
    assert b.ekl is not None
    seconds = a.provenance["seconds"] + b.provenance["seconds"]
    return replace(
        a,
        values=np.concatenate([a.values, b.values], axis=2),
        ekl=np.concatenate([a.ekl, b.ekl], axis=2),
        provenance=b.provenance | {"seconds": round(seconds, 3)},
    )


def run(options: argparse.Namespace) -> int:
    """Do what is left of an experiment, while there is time, and print its table."""
    _check(options)
    experiment, file = EXPERIMENTS[options.experiment], options.out / "results.csv"
    jobs = list(experiment.of(options.seeds, options.methods or experiment.methods))

    def told() -> list[dict[str, str]]:
        return [r for r in rows.read(file) if r["experiment"] == options.experiment]

    done = {tuple(r[name] for name in rows.KEY) for r in told()}
    left = [job for job in jobs if job.key not in done]
    work, remaining = Work(options), len(left)
    if left:
        work.load()
    write_json(options.out / "settings.json", _settings(options))
    try:
        for job in left:
            work.clock.check()
            row = {"experiment": options.experiment} | work.do(job, calibration=experiment.calibration)
            rows.append(file, row)
            remaining -= 1
            said = row.get("note") or f"mean {100 * row['mean']:.2f} %, digital {100 * row['digital']:.2f} %"
            print(f"{job.label}: {said}", flush=True)
    except TimeUp:
        pass  # all that was done is on disk
    print(rows.show(told(), options.out))
    print(f"\n{len(jobs) - remaining} of {len(jobs)} jobs done" + ("; call again to go on" if remaining else ""))
    return 3 if remaining else 0


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in SETTINGS}


def _check(options: argparse.Namespace) -> None:
    """Make the folder, and refuse one that has numbers of other settings."""
    settings, file = _settings(options), options.out / "settings.json"
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        there = json.loads(file.read_text()) if file.exists() else settings
    except OSError as error:
        raise OutputError(f"--out {options.out}: {error.strerror or error}") from None
    except ValueError:
        raise OutputError(f"{file} is no JSON; delete it, or give another --out") from None
    if there != settings:
        name = next(name for name in SETTINGS if there.get(name) != settings[name])
        raise SpecError(
            f"--{name} {settings[name]}: {options.out} has results with {name}={there.get(name)}; give another --out"
        )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SpecError(f"{message} ({self.prog} --help)")


def _count(said: str) -> int:
    if not said.isdecimal() or int(said) < 1:
        raise argparse.ArgumentTypeError(f"'{said}' must be a whole number, 1 or more")
    return int(said)


def _positive(said: str) -> float:
    try:
        number = float(said)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{said}' must be a number, more than 0")
    return number


def parse(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = _Parser(prog="run.py", description="Noise-tolerant training on CIFAR-10, ResNet-18.")
    subs = parser.add_subparsers(dest="experiment", required=True)
    for name, experiment in EXPERIMENTS.items():
        sub = subs.add_parser(name, help=experiment.asks, description=experiment.asks)
        sub.add_argument("--root", type=Path, help="folder that holds cifar-10-batches-bin (else: $MHO_DATA)")
        sub.add_argument("--out", type=Path, default=Path("data/cifar10-study"), help="checkpoints and results")
        sub.add_argument("--minutes", type=_positive, default=9.0, help="stop after so long; call again to go on")
        sub.add_argument("--seeds", type=_count, default=3, help="networks a method")
        sub.add_argument("--methods", help="only these, with commas between: " + ", ".join(experiment.methods))
        sub.add_argument("--width", type=_count, default=64, help="channels of the first block")
        sub.add_argument("--epochs", type=_count, default=40)
        sub.add_argument("--lr", type=_positive, default=2e-3, help="of Adam, at the start")
        sub.add_argument("--limit", type=_count, help="only the first so many images of both splits")
        sub.add_argument("--chips", type=_count, default=300)
        sub.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
        sub.add_argument("--torch-device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(given)
    options.methods = options.methods.split(",") if options.methods else []
    for method in options.methods:
        if method not in EXPERIMENTS[options.experiment].methods:
            raise unknown(f"method of {options.experiment}", method, EXPERIMENTS[options.experiment].methods)
    return options


def main(given: Sequence[str] | None = None) -> int:
    try:
        return run(parse(given))
    except MhoError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run.py: interrupted; call again to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
