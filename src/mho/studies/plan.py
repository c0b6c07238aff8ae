"""What a study will compute: its cells, the networks they need, and what of it is there already."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.errors import CheckpointError, SpecError
from mho.spec import from_dict
from mho.studies import calibration
from mho.studies.cells import Cell, cells, loader, network_key, training_key
from mho.studies.index import Index, missing, ranges
from mho.studies.sources import Checkpoint, Data, Trained
from mho.studies.store import Store
from mho.studies.study import Study

if TYPE_CHECKING:
    from torch import nn

    from mho.studies.points import Point


@dataclass(frozen=True)
class Network:
    """A network that cells need.

    Attributes:
        key: what it is kept under.
        label: what tables call it.
        job: what trains it; ``None`` for one from a file.
        content: the safetensors of one from a file.
    """

    key: str
    label: str
    job: dict[str, Any] | None = None
    content: bytes = b""


@dataclass(frozen=True)
class Plan:
    """The cells of a study and their networks.

    Attributes:
        study: the study.
        cells: every population, point by point; two that ask the same question share a key.
        networks: key to what every cell needs.
        digests: of every point the key of the network and the digest of the data, and that of the calibration data
            where it looks at them.
    """

    study: Study
    cells: tuple[Cell, ...]
    networks: dict[str, Network]
    digests: tuple[tuple[str, ...], ...]

    def left(self, cell: Cell, index: Index) -> list[range]:
        """The chips of a cell that are not in the store yet; of one in one piece ``[range(0)]`` or nothing."""
        held = index.shards(cell.key)
        if cell.whole:
            return [] if held else [range(0)]
        return missing(ranges(held), self.study.n_chips)

    def summary(self, store: Store, index: Index) -> Summary:
        """What is cached, what is missing, and how long that may take on one worker."""
        shared = {cell.key: cell for cell in self.cells}
        cached, chips, seconds, unknown = 0, 0, 0.0, 0
        for cell in shared.values():
            left = self.left(cell, index)
            cached += not left
            wanted = sum(map(len, left))
            chips += wanted
            pace = index.seconds_per_chip(cell.work)
            if pace is None or cell.whole:
                unknown += bool(left)
            else:
                seconds += wanted * pace
        train = [n.label for n in self.networks.values() if n.job is not None and not store.has_model(n.key)]
        return Summary(len(shared), cached, chips, train, math.nan if unknown and not seconds else seconds, unknown)


@dataclass(frozen=True)
class Summary:
    """What ``mho run --dry-run`` says.

    Attributes:
        cells: populations.
        cached: of which nothing is missing.
        chips: evaluations of one chip that are missing.
        train: networks still to be trained.
        seconds: estimate for the missing chips on one worker, from how long such chips took; nan if none ever ran.
        unknown: cells for which there is no such experience.
    """

    cells: int
    cached: int
    chips: int
    train: list[str]
    seconds: float
    unknown: int


def make_plan(
    study: Study, *, points: Sequence[Point] | None = None, folder: str | Path = ".", root: str | None = None
) -> Plan:
    """Multiply the axes out and find the key of every cell; loads the data and reads the checkpoints.

    Args:
        study: what to compute.
        points: the combinations, called differently, where they are not all those of the axes.
        folder: what relative checkpoint paths start from: the folder of the study's YAML.
        root: folder searched first for data.

    Raises:
        DataError, CheckpointError: a data set or a checkpoint that is missing or does not fit.
        SpecError: calibration data that are missing, or are the test data.
    """
    from mho import zoo

    load = loader(root)
    digests: list[tuple[str, ...]] = []
    networks: dict[Any, Network] = {}
    out: list[Cell] = []
    points = study.points if points is None else points
    for point in points:
        calibration.check(point.study)
    for point in points:
        model = point.study.model
        if model not in networks:
            if isinstance(model, Trained):
                samples = load(model.data)[1]
                job = {"kind": "train", "spec": model.to_dict(), "data_digest": samples}
                networks[model] = Network(training_key(model, samples), model.label, job=job)
            else:
                network = read_checkpoint(model, Path(folder))
                networks[model] = Network(network_key(network), model.label, content=zoo.pack(network))
        digests.append((networks[model].key, *_samples(point.study, load)))
        out += cells(point, *digests[-1])
    return Plan(study, tuple(out), {n.key: n for n in networks.values()}, tuple(digests))


def recorded_plan(record: dict[str, Any]) -> Plan:
    """The plan that a run left in its store, for reports: its cells, without loading data or networks."""
    study = from_dict(record["study"])
    assert isinstance(study, Study)
    out: list[Cell] = []
    for point, digests in zip(study.points, record["digests"], strict=True):
        out += cells(point, *digests)
    return Plan(study, tuple(out), {}, tuple(map(tuple, record["digests"])))


def _samples(study: Study, load: Callable[[Data], tuple[Any, str]]) -> list[str]:
    """Digests of the test data, and of the calibration data where the study looks at them.

    Raises:
        SpecError: these are the same samples.
    """
    found = [load(study.data)[1]]
    if study.calibration is not None and calibration.wanted(study):
        found.append(load(study.calibration)[1])
        if found[0] == found[1]:
            raise SpecError("calibration holds the samples of the test data; take training data, or some held out")
    return found


def read_checkpoint(model: Checkpoint, folder: Path) -> nn.Module:
    """The network in a file.

    Raises:
        CheckpointError: it is missing, damaged, or does not say what it holds.
    """
    from mho import zoo

    try:
        path = model.path if model.path.startswith("hf://") else str(folder / Path(model.path).expanduser())
    except RuntimeError as error:  # the home of a user who is not there
        raise CheckpointError(f"no file {model.path}: {error}") from None
    return zoo.load_published_resnet(path) if path.endswith(".th") else zoo.load(path)
