"""Runs that stop and go on: the same weights as without the stop, also after SIGKILL; divergence; other runs' files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mho import devices, training, zoo
from mho.data import Dataset
from mho.errors import CheckpointError, MhoError, ModelError, OutputError, SpecError
from mho.memory import Memory
from mho.training import (
    IntermediateSnapshots,
    Monitor,
    NoiseInjection,
    OrientedVariationalForward,
    Recipe,
    RightCensored,
    SigmaSearch,
)

MEMORY = Memory(device=devices.RRAM1(sigma=0.2))
RECIPE = Recipe(epochs=3, batch_size=16, lr=2e-3)


def blobs(n: int = 80) -> Dataset:
    targets = torch.arange(n) % 3
    inputs = torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1, 1, 1)
    return Dataset(inputs=inputs, targets=targets, classes=3, name="blobs")


def small() -> nn.Module:
    """With all that has a state: batch norm, dropout."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        convolutions = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU()]
        return nn.Sequential(*convolutions, nn.Flatten(), nn.Dropout(0.2), nn.Linear(96, 3))


def states_equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


class _Stop(BaseException):
    """Not an error of the observer: those only cost the observer."""


class _StopAfter(training.Observer):
    """An observer that ends the run from inside, as a lost machine would."""

    def __init__(self, number: int) -> None:
        self.number = number

    def epoch(self, epoch: training.Epoch) -> None:
        if epoch.number == self.number:
            raise _Stop


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        (RECIPE, {}),
        (RECIPE.replace(optimizer="sgd", momentum=0.9, augment="crop-flip"), {"method": NoiseInjection(sigma=0.1)}),
        (RECIPE.replace(channels_last=True), {"method": NoiseInjection(), "memory": MEMORY}),
        (RECIPE.replace(norms="clean"), {"method": OrientedVariationalForward(sigma=0.1)}),
        (RECIPE, {"method": IntermediateSnapshots(sigma=0.1, hidden=8)}),
        (RECIPE, {"memory": MEMORY, "validation": 0.2, "monitor": Monitor(chips=3, keep="percentile")}),
        (RECIPE, {"method": RightCensored(sigma=SigmaSearch(chips=3, warmup=1)), "memory": MEMORY}),
    ],
)
@pytest.mark.parametrize("stop", [1, 2])
def test_a_run_that_stopped_ends_with_the_weights_of_one_that_did_not(
    recipe: Recipe, options: dict, stop: int, tmp_path: Path
) -> None:
    file = tmp_path / "run.safetensors"
    whole = training.train(small(), blobs(), recipe=recipe, **options)
    with pytest.raises(_Stop):
        training.train(small(), blobs(), recipe=recipe, checkpoint=file, observers=[_StopAfter(stop)], **options)
    torch.manual_seed(99)
    resumed = training.train(small(), blobs(), recipe=recipe, checkpoint=file, **options)
    assert states_equal(whole, resumed)
    assert [e.loss for e in training.history(whole)] == [e.loss for e in training.history(resumed)]
    assert training.origin(whole).kept == training.origin(resumed).kept
    again = training.train(small(), blobs(), recipe=recipe, checkpoint=file, **options)
    assert states_equal(whole, again), "nothing is left to do"


_KILLED = """
import sys
sys.path[:0] = {path!r}
from test_training_resume import RECIPE, blobs, small
from mho import training

class Slow(training.Observer):
    def epoch(self, epoch):
        print("epoch", epoch.number, flush=True)
        import time; time.sleep(60 if epoch.number == 2 else 0)

training.train(small(), blobs(), recipe=RECIPE, method=training.NoiseInjection(sigma=0.1), checkpoint={file!r},
               observers=[Slow()])
"""


def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    program = _KILLED.format(path=[str(Path(__file__).parent)], file=str(file))
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"epoch 1\n", b"epoch 2\n"]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    options = {"recipe": RECIPE, "method": NoiseInjection(sigma=0.1)}
    resumed = training.train(small(), blobs(), checkpoint=file, **options)
    assert [e.number for e in training.history(resumed)] == [1, 2, 3]
    assert states_equal(resumed, training.train(small(), blobs(), **options))


class _Explodes(nn.Module):
    """Well for two epochs of five steps, then its outputs are NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.body = small()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return self.body(x) * torch.where(self.calls > 10, torch.nan, 1.0)


def test_divergence_is_named_and_the_last_good_epoch_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    with pytest.raises(
        ModelError, match=r"diverged: the loss became nan in epoch 3, batch 1 of 5 .*holds the network after epoch 2"
    ):
        training.train(_Explodes(), blobs(), recipe=RECIPE, checkpoint=file)
    saved = training.load_checkpoint(_Explodes(), file)
    assert all(bool(torch.isfinite(p).all()) for p in saved.parameters())
    assert not saved.training
    assert int(saved.calls) == 10


def test_weights_that_are_not_finite_after_the_last_step_are_found() -> None:
    recipe = RECIPE.replace(epochs=1, optimizer="sgd", lr=1e30, batch_size=80)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    data = blobs()
    steep = (1e12 * data.inputs, data.targets)
    with pytest.raises(ModelError, match=r"1.weight holds NaN or infinite values after epoch 1 \(lr=1e\+30\)"):
        training.train(model, steep, recipe=recipe)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipe": RECIPE.replace(epochs=4)}, "its recipe has epochs=3, this one 4"),
        ({"method": NoiseInjection(sigma=0.2)}, r"its method has sigma=0\.1, this one 0\.2"),
        ({"method": None}, "its method differs"),
        ({"data": blobs(81)}, "its data differs"),
        ({"model": zoo.build("lenet", image_size=8, classes=3)}, "its starting weights differ"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(changes: dict, says: str, tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    usual = {"model": small(), "data": blobs(), "recipe": RECIPE, "method": NoiseInjection(sigma=0.1)}
    training.train(**usual, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(CheckpointError, match=says):
        training.train(**(usual | changes), checkpoint=file)
    assert file.read_bytes() == before


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    network = zoo.save(small(), tmp_path / "network.safetensors")
    bad: list[tuple[Path, type[MhoError], str]] = [
        (network, CheckpointError, "holds no training run"),
        (tmp_path / "run.pt", SpecError, "must end in .safetensors"),
        (tmp_path / "no" / "run.safetensors", OutputError, "does not exist"),
    ]
    for file, kind, says in bad:
        with pytest.raises(kind, match=says):
            training.train(small(), blobs(), recipe=RECIPE, checkpoint=file)
    (tmp_path / "half.safetensors").write_bytes(network.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="truncated"):
        training.load_checkpoint(small(), tmp_path / "half.safetensors")


def test_nothing_is_left_beside_the_checkpoint(tmp_path: Path) -> None:
    training.train(small(), blobs(), recipe=RECIPE, checkpoint=tmp_path / "run.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]
