"""``mho sensitivity``: what it prints and writes, and what it refuses before any work."""

from __future__ import annotations

import json
import shlex

import pytest

LENET = "{nets}/lenet.safetensors"
SHORT = f"sensitivity {LENET} --data digits"
LINE = f"{SHORT} --images 64"


def test_a_table_by_layer(mho, tmp_path) -> None:
    said = mho(*shlex.split(f"{LINE} --top 3 --out h.safetensors --json h.json"))
    assert said.code == 0, said.err
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("LeNet: second-derivative x S², cross-entropy ")
    assert lines[0].endswith(" on 64 samples of digits")
    layers = ["conv1.weight", "conv2.weight", "fc1.weight", "fc2.weight", "fc3.weight"]
    assert [line.split()[0] for line in lines[3:9]] == [*layers, "all"]
    assert lines[8].split()[1] == "105,918"
    assert "the first 3 of 105,918 weights" in said.out
    assert [line.split()[0] for line in lines[-5:-2]] == ["1", "2", "3"]
    assert lines[-2:] == ["weights: h.safetensors", "json: h.json"]
    kept = json.loads((tmp_path / "h.json").read_text())
    assert [row["name"] for row in kept["layers"]] == layers
    assert sum(row["share"] for row in kept["layers"]) == pytest.approx(1)
    assert (kept["method"], kept["images"], kept["data"]) == ("second-derivative", 64, "digits")
    from mho.evaluation.sensitivity import Sensitivity

    back = Sensitivity.load(tmp_path / "h.safetensors")
    assert str(back) == "\n".join(lines[:10])
    assert back["fc3.weight"].shape == (10, 84)


def test_the_training_split_unless_asked_otherwise(mho) -> None:
    from mho import data

    for split in ("train", "test"):
        said = mho("sensitivity", LENET, "--data", "digits", "--split", split, "--parameters", "fc3")
        assert f" on {len(data.digits(split=split)):,} samples of digits" in said.out
        assert [line.split()[0] for line in said.out.splitlines()[3:5]] == ["fc3.weight", "all"]
    assert mho("sensitivity", LENET, "--data", "digits", "--parameters", "fc3").out != said.out


@pytest.mark.parametrize("method", ["gauss-newton", "hutchinson", "fisher", "saliency"])
def test_every_method_runs(mho, method: str) -> None:
    said = mho(*shlex.split(f"{LINE} --method {method} --parameters fc3,conv1"))
    assert said.code == 0, said.err
    assert said.out.startswith(f"LeNet: {method}")


@pytest.mark.parametrize("method", ["magnitude", "random"])
def test_methods_without_data(mho, method: str) -> None:
    said = mho("sensitivity", LENET, "--method", method)
    assert said.code == 0, said.err
    assert said.out.splitlines()[0] == f"LeNet: {method}"


def test_a_seed_decides_which_images(mho) -> None:
    one, same, other = (mho(*shlex.split(f"{LINE} --seed {seed}")).out for seed in (0, 0, 1))
    assert one == same != other


def test_a_fallback_is_a_note_under_the_table(mho, monkeypatch) -> None:
    from mho.evaluation.sensitivity import graph

    monkeypatch.setattr(graph, "RULES", {n: r for n, r in graph.RULES.items() if n != "MaxPool2DWithIndicesBackward0"})
    said = mho(*shlex.split(LINE))
    assert said.code == 0
    assert said.err == ""
    assert said.out.startswith("LeNet: gauss-newton x S²")
    assert said.out.splitlines()[-1].startswith(
        "note: no rule for MaxPool2DWithIndicesBackward0: method 'gauss-newton'"
    )


REFUSED = [
    (f"{LINE} --method second-derivativ", "unknown method 'second-derivativ': did you mean 'second-derivative'?"),
    (f"sensitivity {LENET}", "--method second-derivative looks at data: add --data"),
    (f"{LINE} --loss crossentropy", "--loss 'crossentropy': did you mean 'cross-entropy'?"),
    (f"{LINE} --loss mse", "mse compares number by number"),
    (f"{SHORT} --images 0", "--images 0 must be 1 or more"),
    (f"{LINE} --batch-size 0", "--batch-size 0 must be 1 or more"),
    (f"{LINE} --samples 0", "--samples 0 must be 1 or more"),
    (f"{LINE} --top -1", "--top -1 must be 0 or more"),
    (f"{LINE} --parameters cnv1", "parameters='cnv1' matches no weight: did you mean 'conv1'?"),
    (f"{LINE} --split validation", 'Invalid value "validation" for --split'),
    (f"{LINE} --out h.pt", "--out 'h.pt' must end in .safetensors"),
    (f"{LINE} --out nowhere/h.safetensors", "the folder"),
    (f"{LINE} --json nowhere/h.json", "the folder"),
    (f"{LINE} --torch-device gpu", "--torch-device 'gpu' cannot be used"),
    ("sensitivity none.safetensors --data digits", "no file none.safetensors"),
    ("sensitivity {nets}/nan.safetensors --data digits", "NaN or infinite"),
    ("sensitivity {nets}/five.safetensors --data digits", "but the model has 5 outputs"),
    ("sensitivity {nets}/colour.safetensors --data digits", "does not take samples of digits"),
    (f"sensitivity {LENET} --data digit", "unknown data set 'digit'"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED, ids=lambda v: v[-40:])
def test_what_is_refused(mho, tmp_path, line: str, words: str) -> None:
    said = mho(*shlex.split(line))
    assert said.code == 2, said.err or said.out
    assert words in said.err
    assert all(row.startswith("mho: ") for row in said.err.splitlines())
    assert said.out == ""
    assert not list(tmp_path.iterdir())
