"""Downloads are verified and appear whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mho.data import cifar, idx, mnist, roots
from mho.data.download import download, unpack
from mho.errors import DataError


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A network of the pages in this dictionary."""
    pages: dict[str, bytes] = {}

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        assert timeout > 0
        if url not in pages:
            raise OSError("not found")
        return io.BytesIO(pages[url])

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return pages


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("set/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    return out.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def test_the_first_good_mirror_is_used(tmp_path: Path, web: dict[str, bytes]) -> None:
    web |= {"http://b/x": b"tampered", "http://c/x": b"good"}
    download(["http://a/x", "http://b/x", "http://c/x"], md5(b"good"), tmp_path / "deep" / "x")
    assert (tmp_path / "deep" / "x").read_bytes() == b"good"
    assert files(tmp_path) == ["deep/x"]


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, web: dict[str, bytes]) -> None:
    web["http://b/x"] = b"tampered"
    with pytest.raises(DataError, match=rf"http://b/x: md5 {md5(b'tampered')} instead of {md5(b'good')}"):
        download(["http://a/x", "http://b/x"], md5(b"good"), tmp_path / "x")
    assert files(tmp_path) == []


@pytest.mark.parametrize("pack", [tar, zipped])
def test_archives_unpack_only_their_own_folder(
    tmp_path: Path, web: dict[str, bytes], pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    members = {
        "set/a.bin": b"1",
        "set/deep/b.bin": b"2",
        "other/c": b"3",
        "set/../../evil": b"4",
        "/abs/d": b"5",
    }
    content = pack(members)
    web["http://a/x"] = content
    root = tmp_path / "root"
    download(["http://a/x"], md5(content), root / "set", archive=True)
    assert files(tmp_path) == ["root/set/a.bin", "root/set/deep/b.bin"]
    assert (root / "set/deep/b.bin").read_bytes() == b"2"


@pytest.mark.parametrize("content", [b"nonsense", tar({"set/a": b"1" * 100_000})[:-60]])
def test_corrupt_archives(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.tar\.gz is corrupt"):
        unpack(path, tmp_path / "set")


def test_loaders_download_what_is_missing(
    tmp_path: Path, web: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots, "search_path", lambda root: (Path(root),))
    mirror = idx._MIRRORS["mnist"][1]
    images = gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(2 * 784))
    labels = gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 2, 3, 4]))
    for kind, content in (("images-idx3", images), ("labels-idx1", labels)):
        name = f"t10k-{kind}-ubyte"
        web[f"{mirror}{name}.gz"] = content
        monkeypatch.setitem(idx._MD5["mnist"], name, md5(content))
    assert mnist(root=tmp_path).targets.tolist() == [3, 4]
    assert files(tmp_path) == [f"MNIST/raw/t10k-{k}-ubyte.gz" for k in ("images-idx3", "labels-idx1")]
    web.clear()
    assert len(mnist(root=tmp_path)) == 2

    archive = tar({"cifar-10-batches-bin/test_batch.bin": bytes([7]) + bytes(3072)})
    old = cifar._REMOTES["cifar10"]
    remote = roots.Remote(urls=old.urls, md5=md5(archive), target=old.target, archive=True)
    monkeypatch.setitem(cifar._REMOTES, "cifar10", remote)
    web[old.urls[1]] = archive
    assert cifar.cifar10(root=tmp_path).targets.tolist() == [7]
    with pytest.raises(DataError, match=r"was downloaded but holds no cifar-10-batches-bin/data_batch_1\.bin"):
        cifar.cifar10(root=tmp_path, split="train")
