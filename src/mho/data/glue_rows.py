"""The tab-separated files of GLUE: found, downloaded, read."""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from mho.data.glue_table import Task
from mho.data.images import read_error
from mho.data.roots import Remote, find, obtain
from mho.errors import DataError

_BELOW = ("glue/", "glue_data/", "")
_MRPC = Remote(
    urls=("https://dl.fbaipublicfiles.com/senteval/senteval_data/msr_paraphrase_train.txt",),
    sha256="60a9b09084528f0673eedee2b69cb941920f0b8cd0eeccefc464a98768457f89",
    target="glue/MRPC/msr_paraphrase_train.txt",
)
_MRPC_DEV = Remote(
    urls=("https://dl.fbaipublicfiles.com/glue/data/mrpc_dev_ids.tsv",),
    sha256="971d7767d81b997fd9060ade0ec23c4fc31cbb226a55d1bd4a1bac474eb81dc7",
    target="glue/MRPC/dev_ids.tsv",
)

Row = tuple[tuple[str, ...], str]
"""The texts of a sample, and what the file has for its label."""

Line = tuple[int, list[str]]
"""Number of a line, from 1, and its fields."""


def rows(task: Task, split: str, root: str | Path | None, limit: int | None) -> tuple[Path, list[Row]]:
    """The samples of a split, in the order of the file, and the file.

    Args:
        task: which task.
        split: "train", or "test" for the development set.
        root: folder searched first; see :func:`mho.data.roots.search_path`.
        limit: only the first so many.

    Raises:
        DataError: missing and not to be had, corrupt, or without the columns of the task.
    """
    name = f"{task.folder}/{'train' if split == 'train' else task.development}.tsv"
    if task.archive:
        remote = Remote(urls=(task.url,), sha256=task.sha256, target=f"glue/{task.folder}", archive=True)
        path = obtain(root, _places(name), remote, what=task.name)
        lines = _fields(path)
    else:
        path, lines = _paraphrases(_places(name), split, root, task.name)
    return path, list(islice(_samples(task, path, lines), limit))


def _paraphrases(usual: list[str], split: str, root: str | Path | None, what: str) -> tuple[Path, Iterator[Line]]:
    """Microsoft's are not GLUE's to give: one file, and a list of which of its pairs are for development."""
    whole = _places(_MRPC.target.removeprefix("glue/"))
    found = find(root, [*usual, *whole])
    if found is not None and not found.name.startswith(Path(whole[0]).name):
        return found, _fields(found)
    path = obtain(root, whole, _MRPC, what=what)
    listed = obtain(root, _places(_MRPC_DEV.target.removeprefix("glue/")), _MRPC_DEV, what=what)
    apart = {tuple(fields) for _, fields in _fields(listed)}
    return path, ((n, f) for n, f in _fields(path) if n == 1 or (tuple(f[1:3]) in apart) == (split == "test"))


def _places(name: str) -> list[str]:
    """Where a file may be below a data root: in the folders that GLUE's own and others' scripts make."""
    return [f"{below}{name}{ending}" for below in _BELOW for ending in ("", ".xz")]


def _fields(path: Path) -> Iterator[Line]:
    """Number and fields of every line. Quotes are characters like others, and only ``\\n`` ends a line."""
    try:
        content = path.read_bytes()
        content = lzma.decompress(content) if path.suffix == ".xz" else content
        lines = content.decode("utf-8-sig").split("\n")
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise read_error(path, error) from None
    return ((n, line.rstrip("\r").split("\t")) for n, line in enumerate(lines, 1) if line.strip())


def _samples(task: Task, path: Path, lines: Iterator[Line]) -> Iterator[Row]:
    number, head = next(lines, (1, []))
    columns, header = _columns(task, path, head)
    width = len(head)
    if not header:
        yield _row(columns, head)
    for number, fields in lines:
        if len(fields) == width:
            yield _row(columns, fields)
        elif not task.skips:
            raise DataError(f"{path}, line {number:,}: {len(fields)} fields, and {width} in line 1; get the file again")


def _columns(task: Task, path: Path, head: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """Where texts and label are, and whether the first line is a header."""
    wanted = (*task.texts, task.label)
    if all(name in head for name in wanted):
        return tuple(head.index(name) for name in wanted), True
    known = {*task.written(), ""} if task.labels else {""}
    if task.positions and len(head) > max(task.positions) and head[task.positions[-1]] in known:
        return task.positions, False
    raise DataError(
        f"{path}: line 1 names no columns {', '.join(wanted)}; {task.name} takes GLUE's own file"
        + (" (its test files have no labels)" if task.label not in head else "")
    )


def _row(columns: Sequence[int], fields: Sequence[str]) -> Row:
    *texts, label = (fields[column] for column in columns)
    return tuple(texts), label
