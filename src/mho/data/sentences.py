"""Sentences and pairs of them for transformers: the tasks of GLUE, as pieces of BERT's vocabulary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from mho.data.dataset import Dataset
from mho.data.glue_rows import Row, rows
from mho.data.glue_table import Task, glue_task
from mho.data.images import Split, check_request
from mho.data.roots import Remote, obtain
from mho.data.wordpiece import WordPiece
from mho.errors import DataError

_VOCABULARY = Remote(
    urls=("https://huggingface.co/google-bert/bert-base-uncased/resolve/main/vocab.txt",),
    sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    target="glue/bert-base-uncased/vocab.txt",
)
_PLACES = tuple(
    f"{below}{name}"
    for below in ("glue/", "glue_data/", "")
    for name in ("bert-base-uncased/vocab.txt", "bert-base-uncased-vocab.txt")
)


def glue(
    task: str,
    *,
    split: Split = "test",
    root: str | Path | None = None,
    limit: int | None = None,
    length: int | None = None,
    vocabulary: str | Path | WordPiece | None = None,
) -> Dataset:
    """A task of GLUE: sentences, or pairs, as numbers of the pieces of a vocabulary.

    Args:
        task: "sst2", "cola", "mrpc", "stsb", "qqp", "mnli" ("mnli-mm": the same, judged on other genres), "qnli", "rte"
            or "wnli".
        split: "train", or "test": GLUE's *development* set (the labels of its test set are not public).
        root: folder that holds ``glue/SST-2/dev.tsv`` and so on (or ``glue_data/...``, ``SST-2/...``; ``.tsv.xz`` too);
            searched before ``$MHO_DATA``, ``./data`` and ``~/.cache/mho/data``.
        limit: keep only the first so many samples.
        length: pieces a sample, ``[CLS]`` and ``[SEP]`` included: longer ones are cut, shorter ones filled up. 64 for
            sentences and 128 for pairs if ``None``.
        vocabulary: of WordPiece: a file with one piece a line, taken as uncased, or a :class:`WordPiece`; that of
            bert-base-uncased if ``None`` (``bert-base-uncased/vocab.txt`` beside the tasks, else downloaded).

    Returns:
        Inputs ``input_ids``, ``attention_mask`` and ``token_type_ids``, ``(N, length)`` int64 each, which go to a model
        as keyword arguments; targets ``(N,)`` int64, of stsb ``(N,)`` float32 from 0 to 5. Of qqp, lines with another
        number of fields are left out, as usual.

    Raises:
        UnknownNameError: no such task or split.
        DataError: a file is missing and cannot be downloaded, is corrupt, or has a label that the task has not.
        SpecError: ``limit`` or ``length`` is out of range.

    Source: [wang2019glue]; pieces as in [devlin2019bert].
    """
    row = glue_task(task)
    check_request(split, limit)
    path, samples = rows(row, split, root, limit)
    if not samples:
        raise DataError(f"{path} has no sample")
    targets = _targets(row, path, samples)
    texts: list[Sequence[str]] = list(zip(*(texts for texts, _ in samples), strict=True))
    words = _vocabulary(vocabulary, root)
    encoded = words.encode(*texts, length=row.length if length is None else length)
    inputs = {key: torch.from_numpy(value) for key, value in encoded.items()}
    return Dataset(inputs=inputs, targets=targets, classes=len(row.labels) or None, name=row.name)


def _targets(task: Task, path: Path, samples: Sequence[Row]) -> Tensor:
    if not task.labels:
        return torch.tensor([_value(path, label) for _, label in samples], dtype=torch.float32)
    numbers = {code: number for number, code in enumerate(task.written())}
    wrong = next((label for _, label in samples if label not in numbers), None)
    if wrong is not None:
        raise DataError(f"{path}: the label '{wrong}' is none of {', '.join(numbers)}")
    return torch.tensor([numbers[label] for _, label in samples], dtype=torch.int64)


def _value(path: Path, label: str) -> float:
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{path}: the label '{label}' is no number")
    return value


def _vocabulary(given: str | Path | WordPiece | None, root: str | Path | None) -> WordPiece:
    if isinstance(given, WordPiece):
        return given
    path = Path(given) if given is not None else obtain(root, _PLACES, _VOCABULARY, what="bert-base-uncased")
    path = path.expanduser()
    return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> WordPiece:
    """The vocabulary in ``path``; kept, with the words that it has split, until the file changes."""
    return WordPiece.read(path)
