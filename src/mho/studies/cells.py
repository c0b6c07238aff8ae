"""Cells: the units of a study that have one cached answer each, and the keys that tell them apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mho.memory.spec import Memory
from mho.spec import plain
from mho.studies.calibration import measured_by
from mho.studies.points import Point
from mho.studies.sources import Data, Trained
from mho.units import format_age

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mho.data import Dataset
    from mho.studies.study import Study

CELL_VERSION = 1
"""Rises whenever the same cell starts to mean other numbers."""
TRAINING_VERSION = 1


@dataclass(frozen=True, eq=False)
class Cell:
    """One population, or one question: a model on a memory, at one severity and age, judged on one data set.

    Attributes:
        key: hash of everything that decides its numbers.
        point: the combination of axis values that it belongs to.
        sigma: severity, ``None`` for the device's own.
        age: since programming, in units of the point's clock.
        model: key of the network.
        job: everything that computes it, as plain data.
    """

    key: str
    point: Point
    sigma: float | None
    age: float
    model: str
    job: dict[str, Any]

    @property
    def kind(self) -> str:
        """What a worker does for it: ``"measure"`` some chips, or all of ``"adaptive"`` sampling or ``"ask"``."""
        if "question" in self.job:
            return "ask"
        return "measure" if self.job["precision"] is None else "adaptive"

    @property
    def whole(self) -> bool:
        """Whether it is computed in one piece: it has one shard, of no chips."""
        return self.kind != "measure"

    @property
    def work(self) -> str:
        """What kind of work a chip of this cell is, for estimates of time."""
        return digest([self.model, self.job["data_digest"]])

    def __str__(self) -> str:
        sigma = "" if self.sigma is None else f", sigma {self.sigma:g}"
        age = f", age {format_age(self.age, self.point.clock, unit=True)}" if self.age else ""
        return f"{self.point.label}{sigma}{age}"


def cells(point: Point, model: str, data_digest: str, calibration_digest: str | None = None) -> Iterator[Cell]:
    """The cells of one point: its severities x its ages.

    A severity is filled into the memory before hashing, so that ``sigma: [0.1]`` and a device of sigma 0.1 are one
    cell. How many chips are asked for is not part of an answer unless it ends adaptive sampling, or a question is
    asked of all of them. ``calibration_digest`` is that of the calibration data where the point looks at them.
    """
    study = point.study
    more, more_decides = _more(study, calibration_digest)
    adaptive = {
        name: plain(getattr(study, name)) if study.precision is not None else None
        for name in ("precision", "percentiles", "threshold", "confidence", "n_chips")
    }
    for sigma in study.sigma or (None,):
        rules = _rules(study, sigma)
        for age in study.age:
            job = {
                "model": model,
                "rules": {pattern: None if m is None else m.to_dict() for pattern, m in rules.items()},
                "data": study.data.to_dict(),
                "data_digest": data_digest,
                "seed": study.seed,
                "age": age,
                "metric": study.metric,
                "dtype": study.dtype,
                **adaptive,
            }
            decides = {k: v for k, v in job.items() if k not in ("data", "rules")}
            decides["rules"] = [[pattern, None if m is None else m.digest()] for pattern, m in rules.items()]
            decides, job = decides | more_decides, job | more
            yield Cell(digest(["cell", CELL_VERSION, decides]), point, sigma, age, model, job)


def _more(study: Study, calibration_digest: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What calibration data and a question add to a job, and to what decides its numbers.

    Nothing where there is neither: keys are those of the time before both.
    """
    job: dict[str, Any] = {}
    decides: dict[str, Any] = {}
    if calibration_digest is not None:
        assert study.calibration is not None
        method = measured_by(study)
        decides["calibration"] = [calibration_digest, method]
        job |= {"calibration": study.calibration.to_dict(), "calibration_digest": calibration_digest}
        job["measured_by"] = method
    if study.question is not None:
        decides["question"] = study.question.digest()
        decides["n_chips"] = job["n_chips"] = None if "chips" in study.question.idle else study.n_chips
        job["question"] = study.question.to_dict()
    return job, decides


def training_key(model: Trained, data_digest: str) -> str:
    """The key of a network that a study trains."""
    said = [model.architecture, plain(model.options), model.recipe.digest(), model.seed, data_digest]
    said += [] if model.method is None else [model.method.digest()]
    said += [] if model.memory is None or model.method is None else ["memory", model.memory.digest()]
    return digest(["trained", TRAINING_VERSION, *said])


def digest(value: Any) -> str:
    """A hash of plain data, 24 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def data_digest(data: Dataset) -> str:
    """A hash of all samples: inputs and targets, their types and shapes."""
    from torch import Tensor

    inputs = {"": data.inputs} if isinstance(data.inputs, Tensor) else dict(data.inputs)
    return _tensors({**inputs, "targets": data.targets})


def network_key(model: nn.Module) -> str:
    """The key of a network from a file: its tensors, and what it was built as. Its file may be packed otherwise."""
    from mho.zoo.registry import built_as

    said = built_as(model)
    built = None if said is None else [said.name, dict(said.options)]
    return digest(["network", built, _tensors(dict(model.state_dict()))])


def identity(content: bytes) -> str:
    """The key of the network in safetensors of :func:`mho.zoo.pack`."""
    from mho.zoo import unpack

    return network_key(unpack(content))


def _tensors(tensors: dict[str, Tensor]) -> str:
    import torch

    state = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        # As bytes: numpy has no bfloat16.
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()[:24]


def loader(root: str | None) -> Callable[[Data], tuple[Dataset, str]]:
    """Loads each data set once: the samples and their digest."""
    loaded: dict[Data, tuple[Dataset, str]] = {}

    def load(spec: Data) -> tuple[Dataset, str]:
        if spec not in loaded:
            data = spec.load(root)
            loaded[spec] = data, data_digest(data)
        return loaded[spec]

    return load


def _rules(study: Study, sigma: float | None) -> dict[str, Memory | None]:
    memory = study.memory
    rules = {"*": memory} if isinstance(memory, Memory) else dict(memory.rules)
    filled = {p: m if m is None or sigma is None else m.with_sigma(sigma) for p, m in rules.items()}
    if study.question is None:
        return filled
    return {p: None if m is None else study.question.held(m) for p, m in filled.items()}
