"""``mho design`` and ``mho demo --full``: what they compute, print and leave, and what they refuse before any work."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

YAML = """kind: Design
name: small
model: {architecture: mlp, data: {name: digits, split: train}, recipe: {epochs: 2, lr: 0.003}, options: {hidden: [32]}}
data: {name: digits}
memory: {device: {kind: RRAM1, sigma: 0.3}}
targets: [mean >= 0.5]
measures:
  model.method: {plain: null, noise: {kind: NoiseInjection}}
  memory.programming:
    once: {kind: OpenLoop}
    verified: {kind: WriteVerify, tolerance: 0.06}
glance: 8
precision: 0.2
chips: 60
"""


@pytest.fixture
def small(tmp_path):
    """A small design in a file: two measures of two options."""
    (tmp_path / "small.yaml").write_text(YAML)
    return tmp_path / "small.yaml"


def test_a_design_finds_what_to_buy_and_goes_on_where_it_was(mho, small, tmp_path) -> None:
    line = shlex.split("design small.yaml --engine inline --json a.json --csv a.csv --save bought")
    said = mho(*line)
    assert said.code == 0, said.err
    assert "mlp on RRAM1: mean >= 0.5 at" not in said.out
    assert "trained mlp" in said.err
    found = json.loads((tmp_path / "a.json").read_text())
    assert len(found["candidates"]) == 4
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert sum(row["recommended"] == "True" for row in rows) <= 1
    assert sorted(p.name for p in (tmp_path / "bought").iterdir()) == [
        "memory.yaml", "network.safetensors", "study.yaml"
    ]  # fmt: skip
    assert mho("describe", "bought/network.safetensors", "--memory", "bought/memory.yaml").code == 0
    assert mho("check", "bought/study.yaml").code == 0
    again = mho("design", "small.yaml", "--engine", "inline")
    assert again.code == 0
    assert again.out.strip() in said.out, "the same answer, from the store"
    assert "trained" not in again.err


def test_a_network_from_a_file_is_taken_as_it_is(mho, tmp_path) -> None:
    from mho import zoo

    zoo.save(zoo.build("mlp", seed=0, hidden=[16]), tmp_path / "mine.safetensors")
    line = "design mine.safetensors --data digits --limit 60 --train-limit 240 --without-training --sigma 0.1 "
    line += "--target 'mean >= 0' --glance 4 --precision 0.3 --chips 30"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    assert "trained" not in said.err
    assert "take: nothing" in said.out
    assert (tmp_path / ".mho" / "live").is_dir()


def test_a_dry_run_computes_and_writes_nothing(mho, small, tmp_path) -> None:
    said = mho("design", "small.yaml", "--dry-run")
    assert said.code == 0, said.err
    assert "model.method" in said.out
    assert "once, verified" in said.out
    assert "4 combinations; all of them are looked at" in said.out
    assert "searched on: 240 samples of digits (train, held-out)" in said.out
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]
    line = "design {nets}/lenet.safetensors --data digits --target 'p1 >= 0.9' --dry-run"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    assert "as it is, noise injection, right-censored, OVF, IRS" in said.out
    assert "45 combinations" in said.out
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"], "nor is the network kept"


def test_a_dry_run_says_which_combinations_are_impossible(mho, tmp_path) -> None:
    text = YAML.replace(
        "  memory.programming:\n", "  memory.redundancy: {none: null, voted: {kind: Voting}}\n  memory.programming:\n"
    )
    (tmp_path / "odd.yaml").write_text(text)
    said = mho("design", "odd.yaml", "--dry-run")
    assert said.code == 0, said.err
    assert "8 combinations" in said.out
    assert "not possible: voted: " in said.out


def test_options_choose_the_measures(mho) -> None:
    line = "design lenet --data digits --target 'p1 >= 0.9' --dry-run"
    said = mho(*shlex.split(f"{line} --methods ovf,adversarial-none")).err
    assert "unknown method 'adversarial-none'" in said
    said = mho(*shlex.split(f"{line} --methods ovf,noise --tolerance 0.1 --budget training_seconds=60"))
    assert "plain training, OVF, noise injection" in said.out
    assert "27 combinations" in said.out
    assert "budget: training_seconds at most 60" in said.out
    said = mho(*shlex.split(f"{line} --without-training"))
    assert "model.method" not in said.out
    assert "9 combinations" in said.out
    stuck = "design lenet --data digits --target 'p1 >= 0.9' --dry-run --without-training --memory stuck.yaml"
    with open("stuck.yaml", "w") as file:
        file.write("kind: Memory\ndevice: {kind: StuckAt, sa0: 0.001, sa1: 0.002}\nmapping: {kind: BitPlanes}\n")
    said = mho(*shlex.split(stuck))
    assert said.code == 0, said.err
    assert "vote of 3" in said.out


def test_a_new_design_is_right(mho, tmp_path) -> None:
    from mho.codesign import read

    said = mho("new", "mine.yaml", "--template", "design")
    assert (said.code, said.err) == (0, "")
    assert "next: mho design mine.yaml --dry-run" in said.out
    assert read(tmp_path / "mine.yaml").name == "mine"
    said = mho("design", "mine.yaml", "--dry-run")
    assert said.code == 0, said.err
    assert "8 combinations" in said.out
    assert "not possible" not in said.out
    assert "leave out one of them" in mho("new", "b.yaml", "--template", "design", "--schema").err


def test_the_full_demo_says_what_it_would_train(mho, tmp_path) -> None:
    said = mho("demo", "--full", "--dry-run", "--network", "mlp")
    assert said.code == 0, said.err
    assert "right-censored, SWIM 10 %" in said.out
    assert "to train: mlp, mlp with NoiseInjection" in said.out
    assert list(tmp_path.iterdir()) == []


DIGITS = "design lenet --data digits --target 'p1 >= 0.9'"
FILE = "design {nets}/lenet.safetensors --data digits --target 'p1 >= 0.9'"
ROWS = [
    ("design", "MODEL"),
    ("design lenet --target 'p1 >= 0.9'", "--data is missing"),
    ("design lenet --data digits", "--target is missing", "'p1 >= 0.95'"),
    ("design lenett --data digits --target 'p1 >= 0.9'", "unknown model 'lenett'", "did you mean 'lenet'?"),
    ("design lenet --data digit --target 'p1 >= 0.9'", "unknown data set 'digit'", "did you mean 'digits'?"),
    ("design none.yaml", "none.yaml: cannot be read"),
    ("design none.safetensors --data digits --target 'p1 >= 0.9'", "no file"),
    ("design lenet --data digits --target 'p1 > 0.9'", "target 'p1 > 0.9' is none"),
    ("design lenet --data digits --target 'p1 >= 95'", "95 is no fraction"),
    ("design lenet --data digits --target 'p1 <= 0.9'", "better the other way"),
    ("design lenet --data digits --target 'mean >= 0.9 at 5x'", "'5x' is no duration"),
    (f"{DIGITS} --metric acuracy", "unknown metric 'acuracy'"),
    (f"{DIGITS} --sigma -1", "sigma=-1"),
    (f"{DIGITS} --sigma 20", "20 % is written 0.2"),
    (f"{DIGITS} --device RRAM9", "unknown device 'RRAM9'"),
    (f"{DIGITS} --device PCM --sigma 0.1", "PCM", "sigma"),
    (f"{DIGITS} --minimise cycles", "unknown cost 'cycles'", "did you mean 'write_cycles'?"),
    (f"{DIGITS} --budget cells", "there is no =", "training_seconds=600"),
    (f"{DIGITS} --budget cells=few", "'few' is no number"),
    (f"{DIGITS} --budget sells=1", "unknown cost 'sells'", "did you mean 'cells'?"),
    (f"{DIGITS} --budget cells=-1", "zero or more"),
    (f"{DIGITS} --methods noise --without-training", "contradict each other"),
    (f"{DIGITS} --methods nois", "unknown method 'nois'", "did you mean 'noise'?"),
    (f"{DIGITS} --methods adversarial", "--methods adversarial needs fields", "bound"),
    (f"{DIGITS} --tolerance -1", "tolerance=-1"),
    (f"{DIGITS} --trials 0", "trials"),
    (f"{DIGITS} --confidence 2", "confidence"),
    (f"{DIGITS} --precision 0", "precision"),
    (f"{DIGITS} --train-limit 0", "--train-limit 0 must be 1 or more"),
    (f"{DIGITS} --recipe swim", "unknown recipe 'swim'"),
    (f"{DIGITS} --lr=-1", "lr=-1.0 must be positive"),
    (f"{DIGITS} --epochs 0", "epochs=0"),
    (f"{DIGITS} --workers 0", "--workers 0 must be 1 or more"),
    (f"{DIGITS} --engine inline --workers 2", "--engine inline is this process alone"),
    (f"{DIGITS} --address auto", "--address is for --engine ray"),
    (f"{DIGITS} --torch-device gpu", "--torch-device 'gpu' cannot be used"),
    (f"{DIGITS} --report nowhere/r.html", "cannot write nowhere/r.html"),
    (f"{DIGITS} --csv nowhere/r.csv", "cannot write nowhere/r.csv"),
    (f"{DIGITS} --save nowhere/folder", "cannot write nowhere/folder"),
    (f"{FILE} --engine processes", "--engine processes: a network from a file is known in this process alone"),
    (f"{FILE} --workers 2", "--workers 2: a network from a file"),
    ("demo --data mnist", "--data is for --full"),
    ("demo --epochs 2", "--epochs is for --full"),
    ("demo --full --data digit", "unknown data set 'digit'", "did you mean 'digits'?"),
    ("demo --full --network lenett", "unknown model 'lenett'"),
    ("demo --full --sigma -1", "sigma=-1"),
    ("demo --full --chips 0", "--chips 0 must be 1 or more"),
    ("demo --full --csv nowhere/a.csv", "cannot write nowhere/a.csv"),
]


@pytest.mark.parametrize(("line", "words"), [(row[0], row[1:]) for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_wrong_command_line(mho, tmp_path, monkeypatch, line, words) -> None:
    monkeypatch.setattr("mho.codesign.verb.design", lambda *_, **__: pytest.fail("it was not refused"))
    monkeypatch.setattr("mho.codesign.story_run.tell", lambda *_, **__: pytest.fail("it was not refused"))
    said = mho(*shlex.split(line))
    assert said.code == 2, said.err or said.out
    assert all(row.startswith("mho: ") for row in said.err.splitlines()), said.err
    assert "internal error" not in said.err
    for word in words:
        assert word in said.err, said.err
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_a_file_says_everything_about_its_design(mho, small, tmp_path) -> None:
    for option in ("--data digits", "--sigma 0.1", "--target 'p1 >= 0.9'", "--methods noise", "--cell-bits 4",
                   "--train-limit 9", "--epochs 2", "--without-training", "--trials 3"):  # fmt: skip
        said = mho("design", "small.yaml", *shlex.split(option))
        assert said.code == 2
        assert f"small.yaml says what is asked; leave out {option.split()[0]}, or change the file" in said.err
    small.write_text(YAML.replace("sigma: 0.3", "sigma: -1"))
    assert "small.yaml:5: memory.device" in mho("design", "small.yaml").err
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]
