"""The conformance suite of training methods: all of mho's pass it, and it tells what is wrong with others."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
import torch

from mho import devices, spec, training
from mho.errors import SpecError
from mho.memory import Memory
from mho.testing import check_method
from mho.training.method import Taught

METHODS = {
    "plain": (training.Plain(), None),
    "noise": (training.NoiseInjection(sigma=0.1), None),
    "cells": (training.NoiseInjection(), Memory(device=devices.RRAM2(sigma=0.1))),
    "right-censored": (training.RightCensored(sigma=0.1), None),
    "ovf": (training.OrientedVariationalForward(sigma=0.05), None),
    "irs": (training.IntermediateSnapshots(sigma=0.1, hidden=8), None),
    "correctnet": (training.CorrectNet(sigma=0.1), None),
    "adversarial": (training.AdversarialWeights(bound=0.03), None),
    "temperature": (training.Temperature(sigma=0.1), None),
    "average": (training.AveragedNoise(sigma=0.1), None),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_methods_keep_what_training_promises(name: str) -> None:
    method, memory = METHODS[name]
    check_method(method, memory=memory)


def test_every_method_is_held_to_it() -> None:
    assert set(training.METHODS.values()) == {type(method) for method, _ in METHODS.values()}


class _Broken(training.Method):
    """Plain training with something wrong in it."""

    def begin(self, run):
        extra = self.start(run)

        def step(batch):
            outputs = batch.forward()
            loss = batch.loss(outputs)
            self.wrong(run, batch, loss, extra)
            return Taught(loss, outputs)

        return step

    def start(self, run):
        return None


@dataclass(frozen=True, kw_only=True)
class _Moves(_Broken):
    def wrong(self, run, batch, loss, extra) -> None:
        loss.backward()
        with torch.no_grad():
            next(run.model.parameters()).add_(1e-3)


@dataclass(frozen=True, kw_only=True)
class _Draws(_Broken):
    def start(self, run):
        return torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "little"))

    def wrong(self, run, batch, loss, extra) -> None:
        (loss * torch.rand((), generator=extra)).backward()


@dataclass(frozen=True, kw_only=True)
class _DrawsGlobally(_Broken):
    def wrong(self, run, batch, loss, extra) -> None:
        (loss * (1 + 0 * torch.rand(()))).backward()


@dataclass(frozen=True, kw_only=True)
class _Remembers(_Broken):
    def start(self, run):
        return []

    def wrong(self, run, batch, loss, extra) -> None:
        extra.append(1.0)
        (loss * len(extra)).backward() if len(extra) % 3 else (-loss).backward()


@dataclass(frozen=True, kw_only=True)
class _Hooks(_Broken):
    def wrong(self, run, batch, loss, extra) -> None:
        run.model.register_forward_hook(lambda *_: None)
        loss.backward()


@dataclass(frozen=True, kw_only=True)
class _Silent(_Broken):
    def wrong(self, run, batch, loss, extra) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class _Explodes(_Broken):
    def wrong(self, run, batch, loss, extra) -> None:
        (loss * float("inf")).backward()


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (_Moves(), "a step moved 0.weight; only the optimiser may"),
        (_Draws(), "the same seed and step gave"),
        (_DrawsGlobally(), "draws from torch's global generator"),
        (_Remembers(), "stopped after an epoch and went on has another"),
        (_Hooks(), "hooks are left on the network"),
        (_Silent(), "left no gradient"),
        (_Explodes(), "is not finite"),
    ],
)
def test_broken_methods_are_told(method: training.Method, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "_KINDS", {**spec._KINDS, type(method).__name__: type(method)})
    with pytest.raises(AssertionError, match=says):
        check_method(method)


@pytest.mark.parametrize("given", [training.NoiseInjection, 3])
def test_what_is_no_method_is_refused(given: object) -> None:
    with pytest.raises(SpecError, match="takes a training method such as"):
        check_method(given)  # type: ignore[arg-type]
