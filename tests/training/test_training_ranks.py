"""One network trained by several processes: what two of them make is what one makes of the joint mini-batches."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mho import devices, training
from mho.data import as_dataset
from mho.errors import SpecError
from mho.memory import Memory
from mho.training import (
    AdversarialWeights,
    CorrectNet,
    Gates,
    IntermediateSnapshots,
    Method,
    Monitor,
    NoiseInjection,
    OrientedVariationalForward,
    Recipe,
    RightCensored,
    SigmaSearch,
)
from mho.training.ranks import Ranks

METHODS: dict[str, tuple[Method | None, bool]] = {
    "plain": (None, False),
    "noise": (NoiseInjection(sigma=0.1), False),
    "cells": (NoiseInjection(), True),
    "ovf": (OrientedVariationalForward(sigma=0.05), False),
    "irs": (IntermediateSnapshots(sigma=0.05, hidden=8, taps=("0",)), False),
    "correctnet": (CorrectNet(sigma=0.05), False),
    "adversarial": (AdversarialWeights(bound=0.05), False),
    "gates": (Gates(columns=None, rows=0.3), False),
}
RECIPE = Recipe(epochs=2, batch_size=10, optimizer="sgd", lr=0.05, momentum=0.9)


def samples(n: int = 44) -> tuple[Tensor, Tensor]:
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
    start = training.with_gates(network(), ["3"], columns=False, rows=True) if name == "gates" else network()
    return training.train(start, samples(), method=method, memory=memory, recipe=RECIPE)


def odd() -> nn.Module:
    """Batch norm and dropout: what processes do not share by themselves."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*first, nn.Dropout(0.3), nn.Linear(64, 3))


class KeepsFirst(training.Observer):
    """Keeps the checkpoint of the first epoch under another name, as if the run had been killed then."""

    def __init__(self, file: Path, kept: Path) -> None:
        self.file, self.kept = file, kept

    def epoch(self, epoch: training.Epoch) -> None:
        if epoch.number == 1:
            shutil.copy(self.file, self.kept)


def watched_and_searched(folder: Path, rank: int) -> dict[str, nn.Module]:
    """Runs that judge, whole and gone on with after an epoch, and one for which the processes start differently."""
    memory = Memory(device=devices.RRAM2(sigma=0.1))
    how = {"memory": memory, "recipe": RECIPE.replace(norms="clean")}
    runs = {
        "watched": {"method": NoiseInjection(), "validation": 0.25, "monitor": Monitor(chips=2, keep="mean")},
        "searched": {"method": RightCensored(sigma=SigmaSearch(chips=2, held_out=0.25))},
    }
    out = {}
    for name, options in runs.items():
        file, kept = folder / f"{name}.safetensors", folder / f"{name}-first.safetensors"
        options |= how
        observers = [KeepsFirst(file, kept)]
        out[f"{name}-whole"] = training.train(odd(), samples(59), **options, checkpoint=file, observers=observers)
        out[f"{name}-resumed"] = training.train(odd(), samples(59), **options, checkpoint=kept)
    start = odd()
    if rank:
        with torch.no_grad():
            start[0].weight.zero_()
    out["start"] = training.train(start, samples(), recipe=RECIPE)
    return out


_RANK = """
import os, sys
from pathlib import Path
sys.path[:0] = [{here!r}]
import torch, torch.distributed as dist
torch.set_num_threads(1)
from safetensors.torch import save_file
from mho.errors import SpecError
from mho.training import Recipe, train
from test_training_ranks import METHODS, network, samples, taught, watched_and_searched
rank, folder = int(sys.argv[1]), Path({folder!r})
dist.init_process_group("gloo", init_method=f"file://{{folder}}/meeting", rank=rank, world_size=2)
made = {{name: taught(name) for name in METHODS}} | watched_and_searched(folder, rank)
for name, model in made.items():
    save_file(model.state_dict(), folder / f"{{name}}-{{rank}}.made")
try:
    train(network(), samples(), recipe=Recipe(epochs=1, batch_size=10, seed=rank))
except SpecError as error:
    (folder / f"disagree-{{rank}}").write_text(str(error))
dist.destroy_process_group()
# All is saved; threads of torch that outlive the interpreter have made it abort here, once in many runs.
sys.stderr.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes left what they made."""
    folder = tmp_path_factory.mktemp("ranks")
    program = _RANK.format(here=str(Path(__file__).parent), folder=str(folder))
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(rank)], stderr=subprocess.PIPE) for rank in range(2)
    ]
    for process in processes:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said.decode()[-2000:]
    return folder


def of_both(folder: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return load_file(folder / f"{name}-0.made"), load_file(folder / f"{name}-1.made")


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_train_the_network_of_one(made: Path, name: str) -> None:
    alone = taught(name).state_dict()
    first, second = of_both(made, name)
    for key, value in alone.items():
        assert torch.equal(first[key], second[key]), key
        # Sums in another order: rounding, which ten steps of a smooth network do not blow up. A signed step of the
        # attack could turn over at a gradient of exactly zero only.
        torch.testing.assert_close(first[key], value, rtol=1e-4, atol=1e-5, msg=f"{key}: ".__add__)
    assert not torch.equal(alone["3.weight"], network().state_dict()["3.weight"])


@pytest.mark.parametrize("name", ["watched", "searched"])
def test_judged_runs_agree_and_go_on_where_they_were(made: Path, name: str) -> None:
    """With batch norm and dropout, which processes have each for themselves."""
    whole, resumed = of_both(made, f"{name}-whole"), of_both(made, f"{name}-resumed")
    for key, value in whole[0].items():
        assert torch.equal(value, whole[1][key]), key
        assert torch.equal(value, resumed[0][key]), key
        assert torch.equal(value, resumed[1][key]), key


def test_all_start_from_the_weights_of_the_first(made: Path) -> None:
    first, second = of_both(made, "start")
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert first["0.weight"].abs().min() > 0, "not the zeros that the second was given"


def test_processes_that_were_asked_different_things_refuse(made: Path) -> None:
    for rank in range(2):
        assert "process 1 was given another recipe than process 0" in (made / f"disagree-{rank}").read_text()


@pytest.mark.parametrize(("n", "world"), [(2, 2), (7, 2), (10, 3), (5, 5)])
def test_every_sample_belongs_to_one_process(n: int, world: int) -> None:
    inputs, targets = torch.arange(n), torch.arange(n)
    parts = [Ranks(rank, world).part({"x": inputs}, targets) for rank in range(world)]
    assert torch.cat([targets for _, targets, _ in parts]).equal(targets)
    assert torch.cat([mine["x"] for mine, _, _ in parts]).equal(inputs)
    assert sum(weight for *_, weight in parts) == pytest.approx(1)
    assert min(len(targets) for _, targets, _ in parts) >= 1


@pytest.mark.parametrize(
    ("n", "size", "world", "model", "says"),
    [
        (42, 10, 2, network, ""),
        (41, 10, 2, network, ""),  # the last one alone is left out
        (43, 10, 2, odd, r"last mini-batch of 3 of 43 samples for 2 processes, of which each needs 2"),
        (43, 10, 4, network, r"last mini-batch of 3 of 43 samples for 4 processes, of which each needs 1"),
        (40, 1, 2, network, r"batch_size=1 leaves a last mini-batch of 1"),
        (40, 1, 1, odd, ""),
    ],
)
def test_every_process_needs_samples(n: int, size: int, world: int, model: Callable[[], nn.Module], says: str) -> None:
    data = as_dataset(samples(n))
    if not says:
        Ranks(0, world).check(data, size, model())
        return
    with pytest.raises(SpecError, match=says):
        Ranks(0, world).check(data, size, model())
