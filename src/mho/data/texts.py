"""Texts for networks that tell the next character: two of the papers', and any file."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mho.data.catalog import DATASETS
from mho.data.dataset import Dataset
from mho.data.images import Split, check_request, read_error
from mho.data.roots import Remote, obtain
from mho.data.sequences import characters, check_length, sequences
from mho.errors import DataError, SpecError


@dataclass(frozen=True, kw_only=True)
class _Book:
    """A published text: where it is, which bytes it has, and how many of its last ones are for testing."""

    url: str
    file: str
    size: int
    md5: str
    test: int


_BOOKS = {
    "war_and_peace": _Book(
        url="https://cs.stanford.edu/people/karpathy/char-rnn/warpeace_input.txt",
        file="warpeace_input.txt",
        size=3_258_246,
        md5="c12bc0d6a5530c4d6878952f5c3d76b9",
        test=325_000,
    ),
    "tiny_shakespeare": _Book(
        url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        file="tinyshakespeare_input.txt",
        size=1_115_394,
        md5="6fb458f1232090904fb40fe944165e91",
        test=111_540,
    ),
}


def war_and_peace(
    *, root: str | Path | None = None, split: Split = "test", limit: int | None = None, length: int = 100
) -> Dataset:
    """*War and Peace* as the papers have it: ``(N, length)`` characters, and after each the one that comes next.

    Its 3,258,246 characters are the bytes of the file, 87 different ones (both bytes of a line's end, three of a mark
    at the start, two of each accented letter). The last 325,000 are for testing.

    Args:
        root: folder that holds ``text/warpeace_input.txt`` (or ``.xz``); searched before ``$MHO_DATA``, ``./data`` and
            ``~/.cache/mho/data``.
        split: "train" (29,332 sequences of 100 characters) or "test" (3,249).
        limit: keep only the first so many sequences.
        length: characters in a sequence; sequences follow each other without overlap.

    Raises:
        DataError: the file is missing and cannot be downloaded, or is another text.
        SpecError: ``length`` or ``limit`` is out of range.

    Source: [karpathy2015rnn]; the split is that of [gokmen2018lstm].
    """
    return _load("war_and_peace", root, split, limit, length)


def tiny_shakespeare(
    *, root: str | Path | None = None, split: Split = "test", limit: int | None = None, length: int = 100
) -> Dataset:
    """40,000 lines of Shakespeare: ``(N, length)`` characters, 65 different ones; the last tenth is for testing.

    Args:
        root: folder that holds ``text/tinyshakespeare_input.txt`` (or ``.xz``); searched before the usual places (see
            :func:`war_and_peace`).
        split: "train" (10,038 sequences of 100 characters) or "test" (1,115).
        limit: keep only the first so many sequences.
        length: characters in a sequence; sequences follow each other without overlap.

    Raises:
        DataError: the file is missing and cannot be downloaded, or is another text.
        SpecError: ``length`` or ``limit`` is out of range.

    Source: [karpathy2015rnn].
    """
    return _load("tiny_shakespeare", root, split, limit, length)


def text(
    path: str | Path,
    *,
    split: Split = "test",
    limit: int | None = None,
    length: int = 100,
    held_out: float = 0.1,
    vocabulary: Sequence[str] | None = None,
) -> Dataset:
    """A text file of your own: ``(N, length)`` characters, and after each the one that comes next.

    Read as UTF-8; a byte-order mark is dropped and every line ends in one ``\\n``.

    Args:
        path: the file.
        split: "train", or "test": its end.
        limit: keep only the first so many sequences.
        length: characters in a sequence; sequences follow each other without overlap.
        held_out: fraction of the characters, at the end, that are for testing.
        vocabulary: characters in the order of their numbers; those of the whole file, :func:`vocabulary`, if ``None``.
            A network that learnt on another text needs that text's.

    Raises:
        DataError: no such file, not UTF-8, too short, or a character that is not in the vocabulary.
        SpecError: an argument is out of range.
    """
    check_request(split, limit)
    check_length(length)
    if isinstance(held_out, bool) or not isinstance(held_out, int | float) or not 0 < held_out < 1:
        raise SpecError(f"held_out={held_out!r} must be a fraction between 0 and 1, such as 0.1")
    content = _read(path)
    cut = len(content) - round(held_out * len(content))
    part = content[:cut] if split == "train" else content[cut:]
    known = characters(content) if vocabulary is None else vocabulary
    return sequences(part, known, length=length, limit=limit, name=Path(path).stem)


def vocabulary(path: str | Path) -> str:
    """The different characters of a text file, in the order of the numbers that :func:`text` gives them.

    Of the data sets with a name, ``mho.data.classes(name)`` has them.

    Raises:
        DataError: no such file, or not UTF-8.
    """
    return characters(_read(path))


def _read(path: str | Path) -> str:
    if str(path) in _BOOKS:
        raise DataError(f"'{path}' is the name of a data set, not a file: mho.data.load('{path}') reads it")
    path = Path(path).expanduser()
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start:,}): save it as such") from None
    if not content:
        raise DataError(f"{path} is empty")
    return content


def _load(name: str, root: str | Path | None, split: str, limit: int | None, length: int) -> Dataset:
    check_request(split, limit)
    check_length(length)
    book = _BOOKS[name]
    place = f"{DATASETS[name].folder}/{book.file}"
    remote = Remote(urls=(book.url,), md5=book.md5, target=place)
    content = _published(obtain(root, (place, f"{place}.xz"), remote, what=name), book)
    cut = book.size - book.test
    # One character a byte: the papers' vocabulary, which needs no decoding.
    part = (content[:cut] if split == "train" else content[cut:]).decode("latin-1")
    return sequences(part, DATASETS[name].labels, length=length, limit=limit, name=name)


def _published(path: Path, book: _Book) -> bytes:
    """The bytes of ``book`` in ``path``; copies go round that somebody has added to at the end."""
    try:
        content = path.read_bytes()
        content = lzma.decompress(content) if path.suffix == ".xz" else content
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise read_error(path, error) from None
    start = content[: book.size]
    if hashlib.md5(start, usedforsecurity=False).hexdigest() != book.md5:
        raise DataError(
            f"{path} ({len(content):,} bytes) does not start with the {book.size:,} bytes of {book.url}: delete it and "
            f"get that one, or read it as a text of your own with mho.data.text"
        )
    return start
