"""One network trained by several processes: what two of them make is what one makes of the joint mini-batches."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mho import devices, training
from mho.data import as_dataset
from mho.errors import SpecError
from mho.memory import Memory
from mho.training import (
    AdversarialWeights,
    CorrectNet,
    IntermediateSnapshots,
    Method,
    NoiseInjection,
    OrientedVariationalForward,
    Recipe,
)
from mho.training.ranks import Ranks
from mho.zoo import load_into

METHODS: dict[str, tuple[Method | None, bool]] = {
    "plain": (None, False),
    "noise": (NoiseInjection(sigma=0.1), False),
    "cells": (NoiseInjection(), True),
    "ovf": (OrientedVariationalForward(sigma=0.05), False),
    "irs": (IntermediateSnapshots(sigma=0.05, hidden=8, taps=("0",)), False),
    "correctnet": (CorrectNet(sigma=0.05), False),
    "adversarial": (AdversarialWeights(bound=0.05), False),
}
RECIPE = Recipe(epochs=2, batch_size=10, optimizer="sgd", lr=0.05, momentum=0.9)


def samples(n: int = 43) -> tuple[Tensor, Tensor]:
    """So many that mini-batches, and the last one, do not come out even."""
    targets = torch.arange(n) % 3
    return torch.randn(n, 1, 6, 6, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1, 1, 1), targets


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3))


def taught(name: str) -> nn.Module:
    method, cells = METHODS[name]
    memory = Memory(device=devices.RRAM2(sigma=0.1)) if cells else None
    return training.train(network(), samples(), method=method, memory=memory, recipe=RECIPE)


_RANK = """
import sys
sys.path[:0] = [{here!r}]
import torch, torch.distributed as dist
torch.set_num_threads(1)
from test_training_ranks import METHODS, taught
from mho.zoo import save
dist.init_process_group("gloo")
for name in METHODS:
    save(taught(name), f"{folder}/{{name}}-{{dist.get_rank()}}.safetensors")
dist.destroy_process_group()
"""


def test_two_processes_train_the_network_of_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = _RANK.format(here=str(Path(__file__).parent), folder=tmp_path)
    usual = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], env={**usual, "RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for process in processes:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said.decode()[-2000:]
    for name in METHODS:
        alone = taught(name).state_dict()
        first, second = (load_into(network(), tmp_path / f"{name}-{rank}.safetensors").state_dict() for rank in (0, 1))
        for key, value in alone.items():
            assert torch.equal(first[key], second[key]), (name, key)
            # Sums in another order: rounding, which ten steps of a smooth network do not blow up. A signed step of the
            # attack could turn over at a gradient of exactly zero only.
            torch.testing.assert_close(
                first[key], value, rtol=1e-4, atol=1e-5, msg=lambda m, n=name, k=key: f"{n} {k}: {m}"
            )
        assert not torch.equal(alone["3.weight"], network().state_dict()["3.weight"])


@pytest.mark.parametrize(("n", "world"), [(2, 2), (7, 2), (10, 3), (5, 5)])
def test_every_sample_belongs_to_one_process(n: int, world: int) -> None:
    inputs, targets = torch.arange(n), torch.arange(n)
    parts = [Ranks(rank, world).part({"x": inputs}, targets) for rank in range(world)]
    assert torch.cat([targets for _, targets, _ in parts]).equal(targets)
    assert torch.cat([mine["x"] for mine, _, _ in parts]).equal(inputs)
    assert sum(weight for *_, weight in parts) == pytest.approx(1)
    assert min(len(targets) for _, targets, _ in parts) >= 1


def test_a_mini_batch_without_samples_for_a_process_is_refused() -> None:
    data = as_dataset(samples(41))
    Ranks(0, 1).check(data, 10)
    with pytest.raises(SpecError, match=r"batch_size=10 leaves a last mini-batch of 1 of 41 samples for 2 processes"):
        Ranks(0, 2).check(data, 10)
    with pytest.raises(SpecError, match="batch_size=1 "):
        Ranks(0, 2).check(data, 1)
