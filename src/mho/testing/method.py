"""What every training method must satisfy."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mho.data.dataset import Dataset
from mho.errors import SpecError
from mho.memory.rules import Rules
from mho.spec import from_dict
from mho.training import setup
from mho.training.loop import train
from mho.training.method import Method
from mho.training.observers import Observer
from mho.training.recipe import Recipe
from mho.training.record import Epoch
from mho.training.teacher import Teacher
from mho.zoo.initialise import kaiming

_HERE = torch.device("cpu")
RECIPE = Recipe(epochs=2, batch_size=16, lr=1e-3)


def check_method(method: Method, *, memory: Rules | None = None) -> None:
    """Raise unless a training method keeps what training promises.

    On a small network with batch norm and dropout: the spec is transcribed and hashed; a step gives a finite loss and
    gradients, moves no parameter, and draws the same numbers for the same (seed, step), none of them from a global
    generator beyond dropout's own; afterwards the network has the parameters and hooks that it had; and a run that was
    stopped after its first epoch ends with the weights of one that was not, so that nothing is kept from step to step
    outside of ``run.help``::

        check_method(MyMethod(sigma=0.1))

    Args:
        method: with a number for its sigma; a search is the loop's business.
        memory: memory whose errors it injects, for one that takes it.

    Raises:
        AssertionError: one line that says what is wrong.
    """
    if not isinstance(method, Method):
        raise SpecError(f"check_method takes a training method such as MyMethod(sigma=0.1), not {method!r}")
    kind = type(method).__name__
    assert from_dict(method.to_dict()) == method, f"{kind}: its transcript gives another spec"
    assert hash(method) == hash(method.replace()), f"{kind}: equal specs hash differently"
    _check_step(method, memory, kind)
    _check_draws(method, memory, kind)
    _check_resumable(method, memory, kind)


def _check_step(method: Method, memory: Rules | None, kind: str) -> None:
    data, found = _samples(), []
    for _ in range(2):
        model = _network()
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        hooks = _hooks(model)
        sample = data.take(2).inputs
        with setup.generators_kept(_HERE), Teacher(model, method, memory=memory, seed=3, sample=sample) as teach:
            setup.seed_dropout(0, _HERE)
            teach.step = 7
            loss = teach(data.inputs, data.targets)
        assert loss.dim() == 0, f"{kind}: its loss has the shape {tuple(loss.shape)}; it must be one number"
        assert bool(torch.isfinite(loss)), f"{kind}: its loss is {float(loss)}"
        after = dict(model.named_parameters())
        assert after.keys() == before.keys(), f"{kind}: the network has other parameters after a step"
        moved = [name for name, p in after.items() if not torch.equal(p, before[name])]
        assert not moved, f"{kind}: a step moved {moved[0]}; only the optimiser may"
        gradients = {name: p.grad for name, p in after.items() if p.grad is not None}
        assert gradients, f"{kind}: a step left no gradient"
        odd = [name for name, gradient in gradients.items() if not torch.isfinite(gradient).all()]
        assert not odd, f"{kind}: the gradient of {odd[0]} is not finite"
        assert _hooks(model) == hooks, f"{kind}: hooks are left on the network; undo them in run.at_end"
        found.append(gradients)
    for name, gradient in found[0].items():
        same = name in found[1] and torch.equal(gradient, found[1][name])
        assert same, f"{kind}: the same seed and step gave {name} another gradient; draw from batch.draws or run.errors"


def _check_draws(method: Method, memory: Rules | None, kind: str) -> None:
    """On a network without dropout nothing has a reason to move the global generator."""
    data = _samples()
    model = nn.Sequential(*(module for module in _network().children() if not isinstance(module, nn.Dropout)))
    with setup.generators_kept(_HERE), Teacher(model, method, memory=memory, sample=data.take(2).inputs) as teach:
        before = setup.generators(_HERE)[0]
        teach(data.inputs, data.targets)
        moved = not torch.equal(before, setup.generators(_HERE)[0])
    assert not moved, f"{kind}: a step draws from torch's global generator; draw from batch.draws or run.errors"


def _check_resumable(method: Method, memory: Rules | None, kind: str) -> None:
    whole = train(_network(), _samples(), method=method, memory=memory, recipe=RECIPE, progress=False)
    with tempfile.TemporaryDirectory(prefix="mho-check-") as folder:
        file = Path(folder) / "run.safetensors"
        how: dict[str, Any] = {"method": method, "memory": memory, "recipe": RECIPE, "progress": False}
        with suppress(_Stopped):
            train(_network(), _samples(), checkpoint=file, observers=[_Stop()], **how)
        resumed = train(_network(), _samples(), checkpoint=file, **how)
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), (
            f"{kind}: a run that was stopped after an epoch and went on has another {name}; "
            f"keep what lasts in modules given to run.help"
        )


class _Stopped(BaseException):
    """No error of an observer: those only cost the observer."""


class _Stop(Observer):
    def epoch(self, epoch: Epoch) -> None:
        raise _Stopped


def _samples() -> Dataset:
    targets = torch.arange(40) % 3
    inputs = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1, 1, 1)
    return Dataset(inputs=inputs, targets=targets, classes=3, name="blobs")


def _network() -> nn.Module:
    with setup.generators_kept(_HERE):
        first = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
        second = [nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(6, 3)]
        model = nn.Sequential(*first, *second).train()
    kaiming(model, "fan_in", 0)
    return model


def _hooks(model: nn.Module) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]
