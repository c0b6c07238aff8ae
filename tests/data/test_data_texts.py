"""Texts become numbers and sequences, and the files are those of the papers."""

from __future__ import annotations

import hashlib
import lzma
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mho import data
from mho.data import texts
from mho.data.sequences import characters, sequences
from mho.errors import DataError, MhoError, SpecError, UnknownNameError

REAL_ROOT = os.environ.get("MHO_DATA")  # read before a fixture hides it
SOME = "\0\t\n\r aAbz~\x80\xa0éß\u0416\u20ac\ufeff\U0001f600\U0010ffff"
"""Characters of one to four bytes."""
LINES = "ab ca\nbc\n" * 20


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No network, and none of this machine's own data folders."""

    def refuse(url: str, timeout: float) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.delenv("MHO_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """War and Peace in short: 90 bytes, of which the last 30 are for testing."""
    content = bytes(ord(c) for c in data.classes("war_and_peace")) + b"abc"
    short = texts._Book(
        url="http://books/short.txt", file="short.txt", size=90, md5=hashlib.md5(content).hexdigest(), test=30
    )
    monkeypatch.setitem(texts._BOOKS, "war_and_peace", short)
    return content


@settings(deadline=None)
@given(text=st.text(SOME, min_size=1, max_size=80), more=st.text(SOME, max_size=9))
def test_characters_are_numbered_as_they_stand_in_the_vocabulary(text: str, more: str) -> None:
    vocabulary = characters(text + more)
    numbers = data.encode(text, vocabulary)
    assert numbers.dtype == torch.int64
    assert numbers.tolist() == [vocabulary.index(c) for c in text]
    assert data.decode(numbers, vocabulary) == text
    backwards = vocabulary[::-1]
    assert data.encode(text, tuple(backwards)).tolist() == [backwards.index(c) for c in text]


@settings(deadline=None)
@given(text=st.text("abcde", min_size=2, max_size=60), length=st.integers(1, 20), limit=st.none() | st.integers(1, 70))
def test_after_every_character_comes_the_next(text: str, length: int, limit: int | None) -> None:
    if len(text) <= length:
        with pytest.raises(
            DataError, match=f"t has {len(text)} characters here, .* length={length} needs {length + 1}"
        ):
            sequences(text, "abcde", length=length, limit=limit, name="t")
        return
    got = sequences(text, "abcde", length=length, limit=limit, name="t")
    whole = 0
    while (whole + 1) * length < len(text):
        whole += 1
    assert len(got) == (whole if limit is None else min(whole, limit))
    for n in range(len(got)):
        for t in range(length):
            assert "abcde"[got.inputs[n, t]] == text[n * length + t]
            assert "abcde"[got.targets[n, t]] == text[n * length + t + 1]
    assert (got.classes, got.name) == (5, "t")


@pytest.mark.parametrize("name", ["war_and_peace", "tiny_shakespeare"])
def test_the_characters_of_a_named_text_are_its_classes(name: str) -> None:
    symbols = data.classes(name)
    assert len(set(symbols)) == len(symbols) == data.DATASETS[name].classes
    assert list(symbols) == sorted(symbols)


@pytest.mark.parametrize("form", ["plain", "packed", "longer"])
def test_a_published_text_is_split_byte_by_byte(tmp_path: Path, book: bytes, form: str) -> None:
    (tmp_path / "text").mkdir()
    path = tmp_path / "text" / ("short.txt.xz" if form == "packed" else "short.txt")
    more = b" and what somebody added" if form == "longer" else b""
    path.write_bytes(lzma.compress(book) if form == "packed" else book + more)
    train = data.load("war_and_peace", root=tmp_path, split="train", length=7)
    test = data.war_and_peace(root=tmp_path, length=7)
    symbols = data.classes("war_and_peace")
    assert data.decode(train.inputs, symbols) == book[: 8 * 7].decode("latin-1")
    assert data.decode(test.inputs, symbols) == book[60 : 60 + 4 * 7].decode("latin-1")
    assert data.decode(test.targets, symbols) == book[61 : 61 + 4 * 7].decode("latin-1")
    assert (train.classes, train.name) == (87, "war_and_peace")
    assert len(data.load("war_and_peace", root=tmp_path, length=7, limit=2)) == 2


def test_another_text_of_that_name_is_refused(tmp_path: Path, book: bytes) -> None:
    (tmp_path / "text").mkdir()
    path = tmp_path / "text" / "short.txt"
    path.write_bytes(book.replace(b"\r", b""))
    with pytest.raises(DataError, match=r"short\.txt \(89 bytes\) does not start with the 90 bytes of http://books"):
        data.war_and_peace(root=tmp_path)
    path.unlink()
    path.with_name("short.txt.xz").write_bytes(lzma.compress(book)[:-9])
    with pytest.raises(DataError, match=r"short\.txt\.xz is corrupt or truncated"):
        data.war_and_peace(root=tmp_path)


def test_a_text_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode() + "é".encode())
    assert data.vocabulary(path) == "\n abcé"
    train, test = (data.text(path, split=split, length=4, held_out=0.25) for split in ("train", "test"))
    whole = LINES + "é"
    assert data.decode(train.inputs, "\n abcé") == whole[:132]  # 181 - 45 = 136 are for training
    assert data.decode(test.inputs, "\n abcé") == whole[136 : 136 + 44]
    assert (train.classes, test.classes, train.name) == (6, 6, "mine")
    other = data.text(path, length=4, vocabulary="éxyz\ncba ")
    assert data.decode(other.inputs, "éxyz\ncba ") == data.decode(
        data.text(path, length=4).inputs, data.vocabulary(path)
    )
    assert other.classes == 9


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"split": "tset"}, UnknownNameError, "unknown split 'tset': did you mean 'test'?"),
        ({"limit": 0}, SpecError, "limit=0"),
        ({"length": 0}, SpecError, "length=0 must be a positive number of characters"),
        ({"length": True}, SpecError, "length=True"),
        ({"length": 4.0}, SpecError, "length=4.0"),
        ({"length": 18}, DataError, "mine has 18 characters here, and a sequence of length=18 needs 19"),
        ({"held_out": 1}, SpecError, "held_out=1 must be a fraction"),
        ({"held_out": "0.1"}, SpecError, "held_out='0.1'"),
        ({"vocabulary": "ab \n", "length": 4}, DataError, "the character 'c' at position 3 is not in the vocabulary"),
        ({"vocabulary": "abca \n", "length": 4}, SpecError, "the character 'a' is there twice"),
        ({"vocabulary": "", "length": 4}, SpecError, "vocabulary='' must be single characters"),
        ({"vocabulary": ["ab", "c"], "length": 4}, SpecError, "must be single characters"),
    ],
)
def test_bad_requests_are_one_line(tmp_path: Path, options: dict[str, Any], error: type[MhoError], words: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(LINES)
    with pytest.raises(error) as caught:
        data.text(path, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    for content, words in ((b"", "is empty"), (b"abc\xff\n", "is not UTF-8 text .byte 3.")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=words):
            data.text(path)
    with pytest.raises(DataError, match="nowhere cannot be read: No such file"):
        data.vocabulary("nowhere")
    with pytest.raises(DataError, match=r"mho\.data\.load\('war_and_peace'\) reads it"):
        data.text("war_and_peace")
    with pytest.raises(DataError, match="number -1 is outside the vocabulary"):
        data.decode(torch.tensor([0, -1]), "ab")
    with pytest.raises(UnknownNameError, match="'war_and_peace' has no option 'normalize'"):
        data.load("war_and_peace", normalize="unit")


@pytest.mark.parametrize("name", ["war_and_peace", "tiny_shakespeare"])
def test_real_texts_if_there_are_any(name: str) -> None:
    if not REAL_ROOT or not (Path(REAL_ROOT) / "text" / texts._BOOKS[name].file).exists():
        pytest.skip("no such text in MHO_DATA")
    row = data.DATASETS[name]
    train, test = (data.load(name, root=REAL_ROOT, split=split) for split in ("train", "test"))
    assert (len(train), len(test)) == (row.train, row.test)
    assert tuple(test.inputs.shape[1:]) == row.shape
    met = torch.cat([train.inputs.flatten(), test.inputs.flatten()]).unique()
    assert len(met) == row.classes
