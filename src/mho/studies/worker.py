"""The one place where a study computes: a worker keeps models, data and test benches between jobs."""

from __future__ import annotations

import math
import platform
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mho.errors import DataError

if TYPE_CHECKING:
    from mho.evaluation import Bench, Lot
    from mho.evaluation.sensitivity import Sensitivity
    from mho.memory import Chips

THREADS = 1
"""Of torch, in every job: how its sums are split, and so their last digits, depends on the number of threads, and a
study's numbers must not depend on its workers. Cores are kept busy by many workers; one large network is better
trained before, with ``mho train``."""
BENCHES = 2
"""Test benches that a worker keeps: the job at hand, and one to come back to."""
SENSITIVITIES = 4
"""Sensitivities that a worker keeps, each as large as its network: cells of one network differ in their ranking."""


class Worker:
    """Does jobs, one after the other; the same job gives the same numbers on every worker.

    Args:
        fetch: key of a network to its safetensors.
        root: folder searched first for data.
        device: where to compute; the CPU if ``None``.
    """

    def __init__(self, fetch: Callable[[str], bytes], *, root: str | None = None, device: str | None = None) -> None:
        from mho.studies.cells import loader

        self._fetch, self._device = fetch, device
        self._load = loader(root)
        self._benches: OrderedDict[str, Bench] = OrderedDict()
        self._lots: dict[tuple[str, str], Lot] = {}
        self._sensitivities: OrderedDict[tuple[str, str, str], Sensitivity] = OrderedDict()

    def do(self, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """What the job asks for: plain data, and the bytes of a network where it was to be trained."""
        import torch

        started, threads = time.perf_counter(), torch.get_num_threads()
        torch.set_num_threads(THREADS)
        try:
            done: tuple[dict[str, Any], bytes] = {
                "measure": self._measure,
                "adaptive": self._adaptive,
                "ask": self._ask,
                "train": self._train,
            }[job["kind"]](job)
        finally:
            torch.set_num_threads(threads)
        done[0]["seconds"] = round(time.perf_counter() - started, 4)
        return done

    def _measure(self, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mho.evaluation.provenance import record
        from mho.evaluation.writing import Writing

        started = time.perf_counter()
        bench, lot = self._lot(job)
        found = lot.measure(range(job["first"], job["first"] + job["count"]))
        data: dict[str, Any] = {
            "values": _numbers(found[0]),
            "ekl": _numbers(found[1]) if len(found) > 1 else None,
            "digital": _numbers([bench.digital])[0],
            "ideal": _numbers([bench.ideal])[0],
            "images": len(bench.data),
            "data": bench.data.name,
            "writing": Writing.of([bench.cost(None)]).to_dict(),
            "provenance": {**record(lot, seconds=time.perf_counter() - started), "host": platform.node()},
        }
        return data, b""

    def _adaptive(self, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mho.evaluation import evaluate

        result = evaluate(
            self._chips(job),
            self._data(job),
            n_chips=job["n_chips"],
            precision=job["precision"],
            age=job["age"],
            metric=job["metric"],
            percentiles=job["percentiles"],
            threshold=job["threshold"],
            confidence=job["confidence"],
            dtype=job["dtype"],
            device=self._device,
            show_progress=False,
        )
        return {"result": result.to_dict(), "provenance": {**result.provenance, "host": platform.node()}}, b""

    def _ask(self, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mho.spec import from_dict
        from mho.studies.questions import Asked, Question

        question = from_dict(job["question"])
        assert isinstance(question, Question)
        names = ("seed", "age", "metric", "dtype", "n_chips")
        found = question.ask(
            Asked(
                model=self._model(job["model"]),
                rules=_rules(job["rules"]),
                data=self._data(job),
                calibration=self._data(job, "calibration") if "calibration" in job else None,
                settings={name: job[name] for name in names if name not in question.idle and job[name] is not None},
                device=self._device,
            )
        )
        return {"result": found.to_dict(), "provenance": {**found.provenance, "host": platform.node()}}, b""

    def _train(self, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mho.spec import from_dict
        from mho.studies.sources import Trained
        from mho.training import train
        from mho.zoo import pack
        from mho.zoo.registry import build_for

        spec = from_dict(job["spec"])
        assert isinstance(spec, Trained)
        data = self._checked(spec.data, job["data_digest"])
        start = build_for(spec.architecture, data, seed=spec.starting_seed, **spec.options)
        started = time.perf_counter()
        trained = train(
            start,
            data,
            method=spec.method,
            memory=spec.rules,
            recipe=spec.recipe,
            device=self._device,
            progress=False,
        )
        seconds = round(time.perf_counter() - started, 2)
        return {}, pack(trained.cpu(), study=job["spec"], seconds=seconds)

    def _lot(self, job: dict[str, Any]) -> tuple[Bench, Lot]:
        from mho.evaluation import Bench
        from mho.studies.cells import digest

        shared = {k: job[k] for k in ("model", "rules", "data_digest", "seed", "metric", "dtype")}
        shared["calibration"] = job.get("calibration_digest")
        key = digest(shared)
        if key not in self._benches:
            self._benches[key] = Bench(
                self._chips(job), self._data(job), metric=job["metric"], dtype=job["dtype"], device=self._device
            )
            if len(self._benches) > BENCHES:
                dropped, _ = self._benches.popitem(last=False)
                self._lots = {k: v for k, v in self._lots.items() if k[0] != dropped}
        self._benches.move_to_end(key)
        bench = self._benches[key]
        at = (key, repr(job["age"]))
        if at not in self._lots:
            # Sized for many chips: a plan for few could cut the images of a chip differently.
            self._lots[at] = bench.lot(None, job["age"], 10**6)
        return bench, self._lots[at]

    def _chips(self, job: dict[str, Any]) -> Chips:
        from mho.memory import deploy

        curvature = None if job.get("measured_by") is None else self._sensitivity(job)
        return deploy(self._model(job["model"]), _rules(job["rules"]), seed=job["seed"], sensitivity=curvature)

    def _sensitivity(self, job: dict[str, Any]) -> Sensitivity:
        """What the ranking takes of the network itself, whatever memory its weights are then written to."""
        from mho.evaluation.sensitivity import sensitivity

        key = (job["model"], job["calibration_digest"], job["measured_by"])
        if key not in self._sensitivities:
            model, data = self._model(job["model"]), self._data(job, "calibration")
            self._sensitivities[key] = sensitivity(
                model, data, method=job["measured_by"], device=self._device, show_progress=False
            )
            if len(self._sensitivities) > SENSITIVITIES:
                self._sensitivities.popitem(last=False)
        self._sensitivities.move_to_end(key)
        return self._sensitivities[key]

    def _model(self, key: str) -> Any:
        from mho.zoo import unpack

        return unpack(self._fetch(key))

    def _data(self, job: dict[str, Any], which: str = "data") -> Any:
        from mho.spec import from_dict

        return self._checked(from_dict(job[which]), job[f"{which}_digest"])

    def _checked(self, spec: Any, digest: str) -> Any:
        data, found = self._load(spec)
        if found != digest:
            raise DataError(f"{spec.name} on {platform.node()} is not the data that the study was started with")
        return data


def _rules(rules: dict[str, Any]) -> dict[str, Any]:
    from mho.spec import from_dict

    return {pattern: None if memory is None else from_dict(memory) for pattern, memory in rules.items()}


def _numbers(values: Any) -> list[float | str | None]:
    """Floats as JSON has them: exact; ``"inf"``, ``"-inf"``, and ``null`` for what is no number."""
    return [float(v) if math.isfinite(v) else None if math.isnan(v) else str(float(v)) for v in values]
