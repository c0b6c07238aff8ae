"""Questions of a tiny network on two chips, each asked as small as it can be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from mho import racetrack
from mho.devices import PECC
from mho.evaluation import evaluate
from mho.evaluation.faults import faults
from mho.evaluation.sensitivity import sensitivity
from mho.evaluation.verification import verify
from mho.evaluation.worst_case import SignedDescent, worst_case
from mho.memory import deploy, describe
from mho.memory.deployment import Chips
from mho.memory.rules import Rules, normalise
from mho.programming import Selective
from mho.training import in_situ

Samples = tuple[Tensor, Tensor]
"""Inputs ``(6, 4)`` and classes ``(6,)``."""

_TWO: dict[str, Any] = {"n_chips": 2, "batching": "loop", "show_progress": False}


class MeansNothingError(Exception):
    """Things that have nothing to do with each other."""


@dataclass(frozen=True)
class Job:
    """A network to deploy.

    Attributes:
        model: the network.
        rules: what deploys it.
        data: samples to judge it on.
        calibration: others to choose on.
    """

    model: nn.Module
    rules: Rules
    data: Samples
    calibration: Samples

    @cached_property
    def chips(self) -> Chips:
        """Two of them are asked for."""
        memories = [m for m in normalise(self.rules).values() if m is not None]
        methods = [m.programming.measured_by for m in memories if isinstance(m.programming, Selective)]
        ranks = None
        if methods and methods[0] is not None:
            ranks = sensitivity(self.model, self.calibration, method=methods[0], show_progress=False)
        return deploy(self.model, self.rules, sensitivity=ranks)

    @property
    def age(self) -> float:
        """One at which something has happened to whatever ages."""
        if all(memory.clock is None for memory in self.chips.memories):
            return 0.0
        return 2.0 if self.chips.clock == "inferences" else 60.0


def in_place(job: Job) -> None:
    """Chips that are trained where they are: what comes of it is their metric, and no network."""
    how: dict[str, Any] = {"iterations": 1, "every": 1, "n_chips": 1, "batch_size": 6, "progress": False}
    _check(in_situ(job.chips, job.calibration, job.data, **how).values.flat)


def described(job: Job) -> None:
    """What sits where."""
    str(describe(job.chips))


def evaluated(job: Job) -> None:
    """How good are they, when they are old enough for something to have happened?"""
    _check(evaluate(job.chips, job.data, age=job.age, **_TWO).values.flat)


def evaluated_adaptively(job: Job) -> None:
    """The same, to a precision."""
    evaluate(job.chips, job.data, age=job.age, precision={"mean": 0.9}, **_TWO)


def over_sigma(job: Job) -> None:
    """The same at several severities."""
    _check(evaluate(job.chips, job.data, sigma=(0.1, 0.2), age=job.age, **_TWO).values.flat)


def over_age(job: Job) -> None:
    """The same at several ages."""
    if job.age == 0:
        raise MeansNothingError
    _check(evaluate(job.chips, job.data, age=(job.age, 2 * job.age), **_TWO).values.flat)


def worst_by_bound(job: Job) -> None:
    """How bad is a chip whose weights are within a bound?"""
    _worst(job, bound=0.03)


def worst_by_tolerance(job: Job) -> None:
    """How bad is a chip whose cells are within a tolerance?"""
    _worst(job, tolerance=0.03)


def _worst(job: Job, **limit: Any) -> None:
    how: dict[str, Any] = {"method": SignedDescent(steps=2), "loss": "hinge", "random": 0, "show_progress": False}
    _check(worst_case(job.chips, job.data, **limit, **how).found)


def sensed(job: Job) -> None:
    """Which weights matter?"""
    sensitivity(job.chips, job.calibration, show_progress=False)


def verified(job: Job) -> None:
    """How few weights need to be verified?"""
    how: dict[str, Any] = {"calibration": job.calibration, "fractions": (0.5,), "age": job.age}
    _check(verify(job.model, job.rules, job.data, **how, **_TWO).values.flat)


def with_faults(job: Job) -> None:
    """How many stuck cells do they stand?"""
    how: dict[str, Any] = {"schemes": {"it": job.rules}, "rates": 0.05, "digital": ()}
    _check(faults(job.model, job.data, **how, **_TWO).values.flat)


def searched(job: Job) -> None:
    """Which sigma to train with? That is found while training."""
    evaluated(job)


def slipped(job: Job) -> None:
    """Which layers must not slip?"""
    racetrack.sensitivity(job.model, job.data, job.rules, exposures=(0.1,), **_TWO)


def guarded(job: Job) -> None:
    """Which layers to guard with a position code?"""
    code = PECC(detection_cycles=1, correction_cycles=1)
    how: dict[str, Any] = {"code": code, "inferences": 2, "selections": ("UNPROT", "FULL"), "age": (2,)}
    racetrack.protect(job.model, job.data, job.rules, **how, **_TWO)


def _check(values: Iterable[float]) -> None:
    assert all(map(math.isfinite, values)), "what works gives numbers"
