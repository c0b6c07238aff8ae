"""The loaders read the standard folders and say in one line what is wrong with a broken one."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mho import data
from mho.data.idx import read_idx
from mho.errors import DataError, MhoError, SpecError, UnknownNameError

REAL_ROOT = os.environ.get("MHO_DATA")  # read before a fixture hides it
WNIDS = ("n01443537", "n01629819", "n01641577")


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No network, and none of this machine's own data folders."""

    def refuse(url: str, timeout: float) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.delenv("MHO_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


def random_bytes(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def make_idx(root: Path, folder: str = "MNIST", n: int = 12, packed: bool = True) -> tuple[np.ndarray, np.ndarray]:
    images, labels = random_bytes(n, 28, 28), np.arange(n, dtype=np.uint8) % 10
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx_bytes(array)
            path = raw / f"{part}-{kind}-ubyte"
            if packed:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
            else:
                path.write_bytes(content)
    return images, labels


def make_cifar(root: Path, label_bytes: int = 1, n: int = 4) -> np.ndarray:
    records = random_bytes(n, label_bytes + 3072)
    records[:, :label_bytes] = np.arange(n)[:, None]
    folder = root / ("cifar-10-batches-bin" if label_bytes == 1 else "cifar-100-binary")
    folder.mkdir(parents=True)
    ten = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    for name in ten if label_bytes == 1 else ["train.bin", "test.bin"]:
        records.tofile(folder / name)
    return records


def make_tiny(root: Path) -> None:
    from PIL import Image

    folder = root / "tiny-imagenet-200"
    (folder / "val" / "images").mkdir(parents=True)
    (folder / "wnids.txt").write_text("\n".join(WNIDS) + "\n")
    lines = []
    for k, wnid in enumerate(WNIDS):
        (folder / "train" / wnid / "images").mkdir(parents=True)
        for i in (0, 1, 2, 10):
            grey = Image.new("L" if i == 1 else "RGB", (64, 64), 20 * i if i == 1 else (60 * k, 20 * i, 0))
            grey.save(folder / "train" / wnid / "images" / f"{wnid}_{i}.JPEG")
        Image.new("RGB", (64, 64), (60 * k, 0, 0)).save(folder / "val" / "images" / f"val_{k}.JPEG")
        lines.append(f"val_{k}.JPEG\t{wnid}\t0\t0\t62\t62")
    (folder / "val" / "val_annotations.txt").write_text("\n".join(reversed(lines)) + "\n")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_idx_folders(tmp_path: Path, name: str, folder: str, packed: bool) -> None:
    images, labels = make_idx(tmp_path, folder, packed=packed)
    for split in ("train", "test"):
        got = data.load(name, root=tmp_path, split=split)
        assert (got.inputs.dtype, got.targets.dtype, got.classes, got.name) == (
            torch.float32,
            torch.int64,
            10,
            name,
        )
        torch.testing.assert_close(got.inputs[:, 0], torch.from_numpy(images.astype(np.float32)) / 255)
        assert got.targets.tolist() == labels.tolist()
    assert len(data.load(name, root=tmp_path, limit=5)) == 5
    assert len(data.load(name, root=tmp_path, limit=500)) == 12


def test_cifar_folders(tmp_path: Path) -> None:
    for label_bytes, name in ((1, "cifar10"), (2, "cifar100")):
        records = make_cifar(tmp_path, label_bytes)
        pixels = torch.from_numpy(records[:, label_bytes:].reshape(-1, 3, 32, 32).astype(np.float32)) / 255
        got = data.load(name, root=tmp_path, normalize="unit")
        torch.testing.assert_close(got.inputs, pixels)
        assert got.targets.tolist() == [0, 1, 2, 3]
        assert got.classes == (10 if label_bytes == 1 else 100)
    assert data.cifar10(root=tmp_path, split="train").targets.tolist() == [0, 1, 2, 3] * 5
    assert data.cifar10(root=tmp_path, split="train", limit=6).targets.tolist() == [0, 1, 2, 3, 0, 1]
    unit = data.cifar10(root=tmp_path, normalize="unit").inputs
    for name in ("cifar", "imagenet"):
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in data.NORMALIZATIONS[name])
        torch.testing.assert_close(data.cifar10(root=tmp_path, normalize=name).inputs, (unit - mean) / std)
    both = data.cifar10(root=tmp_path, normalize=((0.5,), (0.5, 0.5, 0.25))).inputs
    torch.testing.assert_close(both[:, 2], (unit[:, 2] - 0.5) / 0.25)


def test_tiny_imagenet_folder(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    make_tiny(tmp_path)
    train = data.tiny_imagenet(root=tmp_path, split="train", normalize="unit")
    assert (tuple(train.inputs.shape), train.classes) == ((12, 3, 64, 64), 3)
    assert train.targets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert train.inputs[:4, 1, 0, 0].sort().values.equal(train.inputs[:4, 1, 0, 0])  # 0, 1, 2, 10
    assert data.tiny_imagenet(root=tmp_path).targets.tolist() == [2, 1, 0]
    some = data.tiny_imagenet(root=tmp_path, wnids=[WNIDS[2], WNIDS[0]], limit=1)
    assert (some.targets.tolist(), some.classes) == ([0], 2)
    with pytest.raises(UnknownNameError, match="unknown wnid 'n0144353': did you mean 'n01443537'"):
        data.tiny_imagenet(root=tmp_path, wnids=["n0144353"])
    with pytest.raises(DataError, match="each only once"):
        data.tiny_imagenet(root=tmp_path, wnids=[WNIDS[0]] * 2)
    broken = tmp_path / "tiny-imagenet-200" / "val" / "images" / "val_1.JPEG"
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.raises(DataError, match=r"val_1\.JPEG is corrupt or truncated"):
        data.tiny_imagenet(root=tmp_path)


def test_tiny_imagenet_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    make_tiny(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(DataError, match=r"pip install 'mho\[vision\]'"):
        data.tiny_imagenet(root=tmp_path)


def test_roots_are_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"home": 3, "here": 4, "environment": 5, "argument": 6}
    make_idx(Path(os.environ["HOME"]) / ".cache/mho/data", n=sizes["home"])
    assert len(data.mnist()) == 3
    make_idx(Path("data"), n=sizes["here"])
    assert len(data.mnist()) == 4
    make_idx(tmp_path / "environment", n=sizes["environment"])
    monkeypatch.setenv("MHO_DATA", str(tmp_path / "environment"))
    assert len(data.mnist()) == 5
    make_idx(tmp_path / "argument", n=sizes["argument"])
    assert len(data.mnist(root=tmp_path / "argument")) == 6
    assert len(data.mnist(root=tmp_path / "empty")) == 5


@pytest.mark.parametrize("name", [n for n in data.names() if n != "digits"])
def test_missing_data_without_a_network_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        data.load(name, root=tmp_path)
    line = str(caught.value)
    assert "\n" not in line
    for words in (
        name,
        str(tmp_path),
        ".cache/mho/data",
        data.DATASETS[name].folder,
        "http",
        "no network in tests",
    ):
        assert words in line
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    ("name", "folder", "url"),
    [
        ("cifar10", "cifar-10-batches-py", "cifar-10-binary.tar.gz"),
        ("cifar100", "cifar-100-python", "cifar-100-binary.tar.gz"),
    ],
)
def test_pickled_cifar_is_refused(tmp_path: Path, name: str, folder: str, url: str) -> None:
    (tmp_path / folder).mkdir()
    with pytest.raises(DataError, match=f"{folder} is the pickled Python version.*{url}"):
        data.load(name, root=tmp_path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _plain(array: np.ndarray):
    return lambda path: path.write_bytes(idx_bytes(array))


@pytest.mark.parametrize(
    ("file", "spoil", "words"),
    [
        ("t10k-images-idx3-ubyte.gz", _cut, "is corrupt or truncated"),
        ("t10k-images-idx3-ubyte.gz", lambda p: p.write_bytes(b""), "does not start like an IDX file"),
        (
            "t10k-images-idx3-ubyte.gz",
            lambda p: p.write_bytes(b"<html>404</html>"),
            "does not start like an IDX",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            lambda p: p.write_bytes(b"\x1f\x8bnonsense" * 9),
            "is corrupt or truncated",
        ),
        ("t10k-images-idx3-ubyte.gz", _plain(random_bytes(12)), "an IDX file of 3 dimensions"),
        (
            "t10k-images-idx3-ubyte.gz",
            lambda p: p.write_bytes(idx_bytes(random_bytes(2, 2, 2))[:-1]),
            "7 bytes where",
        ),
        ("t10k-labels-idx1-ubyte.gz", _plain(np.zeros(5, np.uint8)), "has 5 labels"),
        ("t10k-labels-idx1-ubyte.gz", _plain(np.full(12, 11, np.uint8)), "label 11 is out of range 0 to 9"),
    ],
)
def test_broken_idx_files(tmp_path: Path, file: str, spoil, words: str) -> None:
    make_idx(tmp_path)
    path = tmp_path / "MNIST" / "raw" / file
    spoil(path)
    with pytest.raises(DataError) as caught:
        data.mnist(root=tmp_path)
    assert words in str(caught.value)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut, "is not a whole number of 3073-byte records"),
        (lambda p: p.write_bytes(b""), "0 bytes is not a whole number"),
        (lambda p: p.write_bytes(b"\x0c" * 3073), "label 12 is out of range 0 to 9"),
    ],
)
def test_broken_cifar_files(tmp_path: Path, spoil, words: str) -> None:
    make_cifar(tmp_path)
    spoil(tmp_path / "cifar-10-batches-bin" / "test_batch.bin")
    with pytest.raises(DataError, match=r"test_batch\.bin is corrupt or truncated") as caught:
        data.cifar10(root=tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("mnits", {}, UnknownNameError, "unknown data set 'mnits': did you mean 'mnist'?"),
        ("mnist", {"split": "tset"}, UnknownNameError, "unknown split 'tset': did you mean 'test'?"),
        ("mnist", {"limit": 0}, SpecError, "limit=0 must be a positive integer"),
        ("mnist", {"limit": True}, SpecError, "limit=True"),
        ("digits", {"limit": -1}, SpecError, "limit=-1"),
        ("digits", {"size": 0}, SpecError, "size=0"),
        ("digits", {"normalize": "unit"}, UnknownNameError, "'digits' has no option 'normalize'"),
        ("mnist", {"normalise": "unit"}, UnknownNameError, "did you mean 'normalize'?"),
        ("mnist", {"normalize": "unti"}, UnknownNameError, "unknown normalize 'unti': did you mean 'unit'?"),
        ("mnist", {"normalize": ((0.5, 0.5), (0.5, 0.5))}, SpecError, "must give 1 or 1 values"),
        ("mnist", {"normalize": ((0.5,), (0.0,))}, SpecError, "std positive"),
        ("mnist", {"normalize": 3}, SpecError, "must be a name or (mean, std)"),
    ],
)
def test_bad_requests_are_one_line(tmp_path: Path, name: str, options: dict, error: type[MhoError], words: str) -> None:
    make_idx(tmp_path)
    with pytest.raises(error) as caught:
        data.load(name, root=tmp_path, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=25, deadline=None)
@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=3), packed=st.booleans())
def test_any_idx_array_round_trips(tmp_path_factory, shape: list[int], packed: bool) -> None:
    array = random_bytes(*shape)
    path = tmp_path_factory.mktemp("idx") / "a"
    path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    assert np.array_equal(read_idx(path, len(shape)), array)


@pytest.mark.parametrize("split", ["train", "test"])
def test_real_files_if_there_are_any(split: str) -> None:
    if not REAL_ROOT:
        pytest.skip("MHO_DATA is not set")
    for name in ("mnist", "fashion_mnist", "cifar10"):
        row = data.DATASETS[name]
        if not (Path(REAL_ROOT) / row.folder).exists():
            continue
        got = data.load(name, root=REAL_ROOT, split=split, limit=None if split == "test" else 2000)
        assert tuple(got.inputs.shape[1:]) == row.shape
        assert len(got) == (row.test if split == "test" else 2000)
        assert len(got.targets.unique()) == row.classes
