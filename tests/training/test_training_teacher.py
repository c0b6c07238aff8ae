"""Methods in a loop of one's own: the same gradients as in mho.train, addressed by step."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from mho import devices, training
from mho.errors import SpecError
from mho.memory import Memory
from mho.training import (
    IntermediateSnapshots,
    Method,
    NoiseInjection,
    OrientedVariationalForward,
    Recipe,
    RightCensored,
    Teacher,
)

MEMORY = Memory(device=devices.RRAM1(sigma=0.1))


def batch(n: int = 24) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 1, 6, 6, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1, 1, 1), targets


def small() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


@pytest.mark.parametrize(
    ("method", "memory"),
    [
        (None, None),
        (NoiseInjection(sigma=0.1), None),
        (NoiseInjection(), MEMORY),
        (OrientedVariationalForward(), MEMORY),
        (IntermediateSnapshots(sigma=0.1, taps=("0",), hidden=8), None),
    ],
)
def test_a_loop_of_ones_own_makes_the_network_that_train_makes(method: Method | None, memory: Memory | None) -> None:
    inputs, targets = batch()
    recipe = Recipe(epochs=3, batch_size=24, optimizer="sgd", lr=0.1, schedule="constant", seed=7)
    theirs = training.train(small(), (inputs, targets), method=method, memory=memory, recipe=recipe)
    ours = small()
    order = torch.Generator().manual_seed(7)
    with Teacher(ours, method, memory=memory, seed=7, sample=inputs[:2]) as teach:
        optimizer = torch.optim.SGD(teach.parameters(), lr=0.1)
        for step in range(3):
            assert teach.step == step
            optimizer.zero_grad()
            index = torch.randperm(24, generator=order)
            assert teach(inputs[index], targets[index]).requires_grad is False
            optimizer.step()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=name.__add__)
    assert not any(module._forward_hooks for module in ours.modules())


def test_the_errors_belong_to_the_step() -> None:
    def gradient(step: int) -> Tensor:
        model = small()
        with Teacher(model, NoiseInjection(sigma=0.3)) as teach:
            teach.step = step
            teach(*batch())
        assert model[3].weight.grad is not None
        return model[3].weight.grad

    assert torch.equal(gradient(5), gradient(5))
    assert not torch.equal(gradient(5), gradient(6))


def test_a_teacher_goes_on_where_it_was() -> None:
    method = IntermediateSnapshots(sigma=0.1, taps=("0",), hidden=8)
    inputs, targets = batch()

    def steps(teach: Teacher, n: int) -> None:
        optimizer = torch.optim.SGD(teach.parameters(), lr=0.1)
        for _ in range(n):
            optimizer.zero_grad()
            teach(inputs, targets)
            optimizer.step()

    whole, stopped = small(), small()
    with Teacher(whole, method, sample=inputs[:2]) as teach:
        steps(teach, 4)
    with Teacher(stopped, method, sample=inputs[:2]) as teach:
        steps(teach, 2)
        state = copy.deepcopy(teach.state_dict())
    with Teacher(stopped, method, sample=inputs[:2]) as teach:
        teach.load_state_dict(state)
        assert teach.step == 2
        steps(teach, 2)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), stopped.parameters(), strict=True))


def test_the_loops_own_mixed_precision_is_left_alone() -> None:
    seen = []
    model = small()
    model[3].register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    for precision in ("float32", "bfloat16"):
        teach = Teacher(model, NoiseInjection(sigma=0.1), precision=precision)
        teach(*batch())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            teach(*batch())
    assert seen == [torch.float32, torch.bfloat16, torch.bfloat16, torch.bfloat16]
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in model.parameters()), "clean weights stay as they are"


def test_a_search_is_for_train() -> None:
    with pytest.raises(SpecError, match=r"RightCensored: a SigmaSearch is run by mho.train; here sigma must be"):
        Teacher(small(), RightCensored(), memory=MEMORY)
