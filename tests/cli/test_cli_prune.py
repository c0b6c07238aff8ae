"""``mho prune``: what it writes, what it says, what it refuses before any work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

PRUNE = "prune net.safetensors --data digits --out out.safetensors --batch-size 128"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    from mho import zoo

    return zoo.save(zoo.build("mlp", seed=0, inputs=784, hidden=[20, 16]), tmp_path / "net.safetensors")


def test_a_network_is_pruned_judged_and_kept(mho, net: Path, tmp_path: Path) -> None:
    from mho import training, zoo

    said = mho(*shlex.split(f"{PRUNE} --columns 0.3 --rows 0.1 --epochs 4 --tuning-epochs 2 --json p.json --limit 100"))
    assert said.code == 0, said.err
    assert "30.56 % of the columns, at least 30.00 % in every layer" in said.out
    assert "out.safetensors: accuracy" in said.out
    assert "of 100 test samples" in said.out
    made = zoo.load(tmp_path / "out.safetensors")
    counts = {row.name: row.pruned_columns for row in training.sparsity(made).layers}
    assert counts == {"layers.0": 6, "layers.2": 5, "layers.4": 0}
    kept = zoo.metadata(tmp_path / "out.safetensors")
    assert kept["method"]["kind"] == "Gates"
    assert kept["method"]["columns"] == 0.3
    assert kept["recipe"]["epochs"] == 2
    told = json.loads((tmp_path / "p.json").read_text())
    assert told["test_after"] == kept["test_accuracy"]
    assert [row["pruned_columns"] for row in told["layers"]] == [6, 5]


def test_gates_and_weights_learn_by_the_schedule_that_is_asked_for(mho, net: Path, tmp_path: Path) -> None:
    from mho import zoo

    line = f"{PRUNE} --columns 0.2 --epochs 4 --schedule linear --warmup 0.1 --clip 1 --limit 50"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    kept = zoo.metadata(tmp_path / "out.safetensors")
    for recipe in (kept["recipe"], kept["gates_recipe"]):
        assert (recipe["schedule"], recipe["warmup"], recipe["clip"]) == ("linear", 0.1, 1.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--columns 1.5", "columns=1.5 must be a fraction"),
        ("--columns 0", "leave nothing to gate"),
        ("--layers layer.0", "did you mean 'layers.0'?"),
        ("--penalty 1e-6 --gate-lr 1e-3 --boost 1 --epochs 1", "the gates did not close: layers.0 0 of 20 columns"),
        ("--metric acuracy", "unknown metric 'acuracy'"),
        ("--data sst", "unknown data set 'sst'"),
        ("--out out.pt", "must end in .safetensors"),
        ("--checkpoint out.safetensors", "the network and the run are two files"),
        ("--estimator softmax", "softmax"),
        ("--keep accuracy --validation 2.0", "validation=2"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(mho, net: Path, tmp_path: Path, options: str, words: str) -> None:
    given = shlex.split(options)
    usual = {"--data": "digits", "--out": "out.safetensors", "--batch-size": "128"}
    left = [part for name, value in usual.items() if name not in given for part in (name, value)]
    said = mho("prune", "net.safetensors", *left, *given)
    assert said.code == 2, said.out
    lines = [line for line in said.err.splitlines() if line.strip()]
    assert all(line.startswith("mho: ") for line in lines), said.err
    assert words in said.err
    assert not (tmp_path / "out.safetensors").exists()
