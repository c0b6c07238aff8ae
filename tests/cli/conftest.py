"""One folder of small networks and one way to run the command, for the whole session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from mho.cli import main


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture(scope="session")
def nets(tmp_path_factory) -> Path:
    """A folder of checkpoints, good and bad."""
    import torch

    from mho import zoo

    folder = tmp_path_factory.mktemp("nets")
    lenet = zoo.build("lenet", seed=0)
    zoo.save(lenet, folder / "lenet.safetensors")
    zoo.save(zoo.build("lenet", seed=0, classes=5), folder / "five.safetensors")
    zoo.save(zoo.build("lenet", seed=0, channels=3), folder / "colour.safetensors")
    zoo.save(zoo.build("mlp", seed=0, inputs=64, hidden=[16]), folder / "mlp.safetensors")
    zoo.save(torch.nn.Linear(3, 2), folder / "anonymous.safetensors")
    whole = (folder / "lenet.safetensors").read_bytes()
    (folder / "truncated.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.safetensors").write_bytes(b"")
    torch.save(lenet.state_dict(), folder / "pickled.safetensors")
    torch.save(lenet.state_dict(), folder / "other.th")
    with torch.no_grad():
        lenet.conv1.weight[0] = float("nan")
    zoo.save(lenet, folder / "nan.safetensors")
    return folder


@pytest.fixture
def mho(nets, tmp_path, monkeypatch, capsys) -> Run:
    """Run ``mho`` in an empty folder; ``{nets}`` in an argument stands for the folder of checkpoints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MHO_DEBUG", raising=False)
    monkeypatch.delenv("MHO_DATA", raising=False)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main([a.replace("{nets}", str(nets)) for a in arguments])
        return Said(code, *capsys.readouterr())

    return run
