"""What a study will compute: its cells, the networks they need, and what of it is there already."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.errors import CheckpointError
from mho.spec import from_dict
from mho.studies.cells import Cell, cells, loader, network_key, training_key
from mho.studies.index import Index, missing, ranges
from mho.studies.sources import Checkpoint, Trained
from mho.studies.store import Store
from mho.studies.study import Study

if TYPE_CHECKING:
    from torch import nn


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
        digests: key of the network and digest of the data of every point.
    """

    study: Study
    cells: tuple[Cell, ...]
    networks: dict[str, Network]
    digests: tuple[tuple[str, str], ...]

    def left(self, cell: Cell, index: Index) -> list[range]:
        """The chips of a cell that are not in the store yet; of an adaptive cell ``[range(0)]`` or nothing."""
        held = index.shards(cell.key)
        if cell.adaptive:
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
            if pace is None or cell.adaptive:
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


def make_plan(study: Study, *, folder: str | Path = ".", root: str | None = None) -> Plan:
    """Multiply the axes out and find the key of every cell; loads the data and reads the checkpoints.

    Args:
        study: what to compute.
        folder: what relative checkpoint paths start from: the folder of the study's YAML.
        root: folder searched first for data.

    Raises:
        DataError, CheckpointError: a data set or a checkpoint that is missing or does not fit.
    """
    from mho import zoo

    load = loader(root)
    digests: list[tuple[str, str]] = []
    networks: dict[Any, Network] = {}
    out: list[Cell] = []
    for point in study.points:
        model = point.study.model
        if model not in networks:
            if isinstance(model, Trained):
                samples = load(model.data)[1]
                job = {"kind": "train", "spec": model.to_dict(), "data_digest": samples}
                networks[model] = Network(training_key(model, samples), model.label, job=job)
            else:
                network = read_checkpoint(model, Path(folder))
                networks[model] = Network(network_key(network), model.label, content=zoo.pack(network))
        samples = load(point.study.data)[1]
        digests.append((networks[model].key, samples))
        out += cells(point, networks[model].key, samples)
    return Plan(study, tuple(out), {n.key: n for n in networks.values()}, tuple(digests))


def recorded_plan(record: dict[str, Any]) -> Plan:
    """The plan that a run left in its store, for reports: its cells, without loading data or networks."""
    study = from_dict(record["study"])
    assert isinstance(study, Study)
    out: list[Cell] = []
    for point, (model, samples) in zip(study.points, record["digests"], strict=True):
        out += cells(point, model, samples)
    return Plan(study, tuple(out), {}, tuple((m, d) for m, d in record["digests"]))


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
