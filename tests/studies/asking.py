"""Studies that ask a question, and what their tests share."""

from __future__ import annotations

import json
from pathlib import Path

import mho
from mho import devices, training
from mho.evaluation.worst_case import SignedDescent
from mho.memory import Memory
from mho.programming import Selective, WriteVerify
from mho.studies import Data, Inline, Observer, Study, Trained, Verify, WorstCase, read
from mho.studies.plan import make_plan
from mho.studies.store import Store

TRAIN = Data(name="digits", split="train")
MLP = Trained(
    architecture="mlp", data=TRAIN, options={"hidden": (16,)}, recipe=training.Recipe(epochs=1, batch_size=256)
)  # type: ignore[arg-type]
MEMORY = Memory(device=devices.RRAM1(sigma=0.3), programming=WriteVerify(tolerance=0.05))
VERIFY = Study(
    name="verified",
    model=MLP,
    memory=MEMORY,
    data=Data(name="digits", limit=50),
    calibration=TRAIN.replace(limit=40),
    chips=3,
    question=Verify(rankings=("second-derivative", "random"), fractions=(0, 0.1, 1), target_drop=0.05),
    axes={"seed": (0, 1)},  # type: ignore[arg-type]
)


WORST = Study(
    name="worst",
    model=MLP,
    memory=Memory(device=devices.RRAM1(sigma=0.3), programming=Selective(fraction=0.1)),
    data=Data(name="digits", limit=50),
    calibration=TRAIN.replace(limit=60),
    question=WorstCase(bounds=(0.01, 0.05), method=SignedDescent(steps=4), random=3, images=40),
    axes={"seed": (0, 1)},  # type: ignore[arg-type]
)


class Stop(Observer):
    """Interrupts the run after some cells."""

    def __init__(self, after: int) -> None:
        self.left, self.computed = after, 0
        self.rows: list[dict] = []

    def advanced(self, cell, chips, seconds) -> None:
        self.computed += 1
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def finished(self, cell, row) -> None:
        self.rows.append(row)


def network(study: Study, store: Path):
    key = next(iter(make_plan(study).networks))
    return mho.zoo.unpack(Store(store).model(key) or b"")


def written(folder: Path, study: Study) -> str:
    path = folder / f"{study.name}.yaml"
    path.write_text(study.to_yaml())
    assert read(path) == study
    return str(path)


def same(one, other) -> bool:
    return json.dumps(plain(one), sort_keys=True) == json.dumps(plain(other), sort_keys=True)


def plain(found) -> dict:
    """What was found, without where and when."""
    return {k: v for k, v in found.to_dict().items() if k != "provenance"}


class Unwanted(Inline):
    """For studies of which nothing is missing."""

    def start(self, fetch: object) -> None:
        raise AssertionError("there is nothing to do")
