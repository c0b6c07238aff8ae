"""Saved networks come back whole; broken files are one clear line."""

from __future__ import annotations

import copy
import json
import sys
import types
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from mho import zoo
from mho.errors import CheckpointError, OutputError, SpecError


def same(a: nn.Module, b: nn.Module) -> bool:
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lenet", {}),
        ("lenet", {"classes": 3, "image_size": 8}),
        ("mlp", {"hidden": (5, 4), "inputs": 6}),
        ("resnet20", {}),
        ("vgg8", {"width": 4}),
        ("resnet18", {"width": 4, "channels": 1}),
    ],
)
def test_a_saved_network_comes_back(tmp_path: Path, name: str, options: dict) -> None:
    model = zoo.build(name, seed=3, **options)
    path = zoo.save(model, tmp_path / "m.safetensors", data="digits", accuracy=0.97, recipe={"epochs": 2})
    back = zoo.load(path)
    assert same(model, back)
    assert not back.training
    assert zoo.metadata(path) == {
        "architecture": name,
        "data": "digits",
        "accuracy": 0.97,
        "recipe": {"epochs": 2},
    }
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    again = zoo.save(back, tmp_path / "n.safetensors", data="digits", accuracy=0.97, recipe={"epochs": 2})
    assert same(zoo.load(again), model)


@settings(max_examples=15, deadline=None)
@given(inputs=st.integers(1, 6), hidden=st.lists(st.integers(1, 5), max_size=3), seed=st.integers(0, 2**31))
def test_any_mlp_round_trips(tmp_path_factory, inputs: int, hidden: list[int], seed: int) -> None:
    path = tmp_path_factory.mktemp("mlp") / "m.safetensors"
    model = zoo.build("mlp", inputs=inputs, hidden=hidden, classes=2, seed=seed)
    zoo.save(model, path)
    assert same(zoo.load(path), model)


def test_copies_and_other_layouts_are_saved_alike(tmp_path: Path) -> None:
    model = copy.deepcopy(zoo.build("lenet")).to(memory_format=torch.channels_last)
    assert same(zoo.load(zoo.save(model, tmp_path / "m.safetensors")), zoo.build("lenet"))


def test_any_other_network_goes_through_load_into(tmp_path: Path) -> None:
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    path = zoo.save(tied, tmp_path / "m.safetensors")
    fresh = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    assert zoo.load_into(fresh, path) is fresh
    assert same(fresh, tied)
    with pytest.raises(CheckpointError, match=r"does not say which architecture.*load_into"):
        zoo.load(path)


def _pickle_zip(path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, path)


def _pickle_old(path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)


def _truncated(path: Path) -> None:
    zoo.save(zoo.build("lenet"), path)
    path.write_bytes(path.read_bytes()[:-100])


def _wrong_architecture(path: Path) -> None:
    save_file({"a": torch.zeros(2)}, path, metadata={"mho.architecture": "lennet"})


def _wrong_options(path: Path) -> None:
    metadata = {"mho.architecture": "lenet", "mho.options": json.dumps({"classes": -1})}
    save_file({"a": torch.zeros(2)}, path, metadata=metadata)


def _broken_options(path: Path) -> None:
    save_file({"a": torch.zeros(2)}, path, metadata={"mho.architecture": "lenet", "mho.options": "{"})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_pickle_zip, "is a pickled PyTorch file"),
        (_pickle_old, "is a pickled PyTorch file"),
        (_truncated, "is truncated or is no safetensors file"),
        (lambda p: p.write_bytes(b""), "is truncated or is no safetensors file"),
        (lambda p: p.write_bytes(b"hello, this is text"), "is truncated or is no safetensors file"),
        (lambda p: p.mkdir(), "is a folder"),
        (_wrong_architecture, "unknown model 'lennet': did you mean 'lenet'?"),
        (_wrong_options, "cannot be rebuilt: lenet: classes=-1"),
        (_broken_options, "'mho.options' entry is not a JSON object"),
    ],
)
def test_broken_files(tmp_path: Path, make, words: str) -> None:
    path = tmp_path / "m.safetensors"
    make(path)
    with pytest.raises(CheckpointError) as caught:
        zoo.load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files(tmp_path: Path) -> None:
    zoo.save(zoo.build("lenet"), tmp_path / "lenet.safetensors")
    with pytest.raises(CheckpointError, match=r"lennet\.safetensors: did you mean 'lenet\.safetensors'\?"):
        zoo.load(tmp_path / "lennet.safetensors")
    with pytest.raises(CheckpointError, match="there is no folder"):
        zoo.load(tmp_path / "no" / "lenet.safetensors")


@pytest.mark.parametrize("length", [0x4B50, 0x0280, 0x0480])
def test_a_header_as_long_as_a_pickle_magic_is_no_pickle(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.safetensors"
    metadata = {"mho.metadata": "{}", "pad": ""}
    tensors = {"weight": torch.zeros(1, 1), "bias": torch.ones(1)}
    save_file(tensors, path, metadata=metadata)
    now = int.from_bytes(path.read_bytes()[:8], "little")
    save_file(tensors, path, metadata=metadata | {"pad": " " * (length - now)})
    assert int.from_bytes(path.read_bytes()[:8], "little") == length
    assert zoo.load_into(nn.Linear(1, 1), path).bias.item() == 1


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"weight": torch.zeros(2, 3)}, "'bias' is missing"),
        (
            {"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "more": torch.zeros(1)},
            "'more' is not in the model",
        ),
        (
            {"weight": torch.zeros(3, 2), "bias": torch.zeros(2)},
            "'weight' has shape (3, 2), the model (2, 3)",
        ),
        ({str(i): torch.zeros(1) for i in range(9)}, "(and 8 more)"),
    ],
)
def test_tensors_that_do_not_fit_change_nothing(tmp_path: Path, tensors: dict, words: str) -> None:
    save_file(tensors, tmp_path / "m.safetensors")
    model = nn.Linear(3, 2)
    before = copy.deepcopy(model)
    with pytest.raises(CheckpointError) as caught:
        zoo.load_into(model, tmp_path / "m.safetensors")
    assert words in str(caught.value)
    assert same(model, before)


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zoo.save(zoo.build("lenet"), tmp_path / "m.safetensors")
    old = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*m\.safetensors: No space left on device"):
        zoo.save(zoo.build("lenet", seed=1), path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        zoo.save(zoo.build("lenet"), tmp_path / "no" / "m.safetensors")
    with pytest.raises(SpecError, match=r"must end in \.safetensors"):
        zoo.save(zoo.build("lenet"), tmp_path / "m.pt")
    with pytest.raises(SpecError, match="metadata accuracy=nan is not plain data"):
        zoo.save(zoo.build("lenet"), tmp_path / "m.safetensors", accuracy=float("nan"))
    assert list(tmp_path.iterdir()) == []


def test_hub_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zoo.save(zoo.build("lenet"), tmp_path / "m.safetensors")
    asked = []

    def download(*, repo_id: str, filename: str) -> str:
        asked.append((repo_id, filename))
        if "missing" in filename:
            raise RuntimeError("404 Client Error\nRequest ID: 1")
        return str(path)

    fake = types.SimpleNamespace(hf_hub_download=download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    assert same(zoo.load("hf://me/nets/deep/m.safetensors"), zoo.build("lenet"))
    assert asked == [("me/nets", "deep/m.safetensors")]
    with pytest.raises(CheckpointError, match=r"could not download 'hf://me/nets/missing.*': 404 Client Error$"):
        zoo.load("hf://me/nets/missing.safetensors")
    for bad in ("hf://me/nets", "hf:/me/nets/m.safetensors", "hf://"):
        with pytest.raises(CheckpointError, match="is no hub address: write hf://owner/name"):
            zoo.load(bad)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(CheckpointError, match=r"pip install 'mho\[hub\]'"):
        zoo.load("hf://me/nets/m.safetensors")


def _published(path: Path, change=lambda state: state, name: str = "resnet20") -> Path:
    state = zoo.build(name, seed=5).state_dict()
    old = {f"module.{k}": v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    torch.save({"best_prec1": 91.7, "state_dict": change(old)}, path)
    return path


@pytest.mark.parametrize("name", ["resnet20", "resnet56"])
def test_published_resnets_are_read(tmp_path: Path, name: str) -> None:
    model = zoo.load_published_resnet(_published(tmp_path / "r.th", name=name))
    assert same(model, zoo.build(name, seed=5))
    assert not model.training
    assert same(zoo.load(zoo.save(model, tmp_path / "r.safetensors")), model)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda s: {k: v for k, v in s.items() if "layer2.0.conv1" not in k},
            "'layer2.0.conv1.weight' is missing",
        ),
        (lambda s: {k: v for k, v in s.items() if "layer1" not in k}, "(0 blocks in stage 1)"),
        (lambda s: s | {"module.layer1.30.x": torch.zeros(1)}, "(4 blocks in stage 1)"),
        (
            lambda s: s | {"module.conv1.weight": torch.zeros(16, 1, 3, 3)},
            "'conv1.weight' has shape (16, 1, 3, 3)",
        ),
        (lambda s: {"a": 1}, "holds no 'state_dict' of tensors"),
    ],
)
def test_other_checkpoints_are_not_taken_for_published_ones(tmp_path: Path, change, words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        zoo.load_published_resnet(_published(tmp_path / "r.th", change))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_published_files(tmp_path: Path) -> None:
    path = tmp_path / "r.th"
    path.write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="is not a readable PyTorch checkpoint"):
        zoo.load_published_resnet(path)
    torch.save({"state_dict": nn.Linear(1, 1)}, path)  # needs a class: weights_only refuses it
    with pytest.raises(CheckpointError, match="is not a readable PyTorch checkpoint"):
        zoo.load_published_resnet(path)
    with pytest.raises(CheckpointError, match=r"did you mean 'r\.th'"):
        zoo.load_published_resnet(tmp_path / "s.th")
