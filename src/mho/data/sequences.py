"""Characters as numbers, and a text cut into sequences of which every next character is to be told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mho.data.dataset import Dataset
from mho.errors import DataError, SpecError


def encode(text: str, vocabulary: Sequence[str]) -> Tensor:
    """The number of every character of ``text``.

    Args:
        text: any number of characters.
        vocabulary: characters in the order of their numbers, as a string or a sequence of single characters.

    Returns:
        ``(len(text),)`` int64, positions in ``vocabulary``.

    Raises:
        DataError: a character is not in the vocabulary; names the first such.
        SpecError: the vocabulary is empty, has a character twice or an entry that is no single character.
    """
    symbols = _checked(vocabulary)
    order = np.argsort(symbols)
    codes = _codes(text)
    place = order[np.searchsorted(symbols[order], codes).clip(max=len(symbols) - 1)]
    wrong = np.flatnonzero(symbols[place] != codes)
    if len(wrong):
        raise DataError(
            f"the character {text[wrong[0]]!r} at position {wrong[0]:,} is not in the vocabulary of {len(symbols)} "
            f"characters; give the vocabulary of a text that has it"
        )
    return torch.from_numpy(place.astype(np.int64))


def decode(numbers: Tensor, vocabulary: Sequence[str]) -> str:
    """The text of ``numbers``, integers of any shape, row by row; the inverse of :func:`encode`.

    Raises:
        DataError: a number is outside the vocabulary.
        SpecError: as :func:`encode`.
    """
    _checked(vocabulary)
    listed = [int(number) for number in numbers.flatten().tolist()]
    bad = next((number for number in listed if not 0 <= number < len(vocabulary)), None)
    if bad is not None:
        raise DataError(f"number {bad} is outside the vocabulary, whose characters are 0 to {len(vocabulary) - 1}")
    return "".join(vocabulary[number] for number in listed)


def characters(text: str) -> str:
    """The different characters of ``text`` in the order of their code points: its vocabulary."""
    return "".join(sorted(set(text)))


def sequences(text: str, vocabulary: Sequence[str], *, length: int, limit: int | None, name: str) -> Dataset:
    """``text`` as sequences that follow each other, and after every character the one that comes next.

    Args:
        text: one split.
        vocabulary: see :func:`encode`.
        length: characters in a sequence.
        limit: keep only the first so many sequences.
        name: of the data set, also in errors.

    Returns:
        Inputs and targets ``(N, length)`` int64, where ``targets[n, t]`` is the character after ``inputs[n, t]``; what
        remains at the end, less than a sequence, is left out.

    Raises:
        SpecError: ``length`` is no positive integer.
        DataError: there is no whole sequence, or a character is not in the vocabulary.
    """
    check_length(length)
    count = (len(text) - 1) // length
    if count < 1:
        raise DataError(
            f"{name} has {len(text):,} characters here, and a sequence of length={length} needs {length + 1:,}: its "
            f"characters and the one after the last"
        )
    count = count if limit is None else min(count, limit)
    numbers = encode(text[: count * length + 1], vocabulary)
    return Dataset(
        inputs=numbers[:-1].view(count, length),
        targets=numbers[1:].view(count, length),
        classes=len(vocabulary),
        name=name,
    )


def check_length(length: object) -> None:
    """Raise :class:`~mho.errors.SpecError` unless ``length`` is a positive integer."""
    if isinstance(length, bool) or not isinstance(length, int) or length < 1:
        raise SpecError(f"length={length!r} must be a positive number of characters such as 100")


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _checked(vocabulary: Sequence[str]) -> np.ndarray:
    if not vocabulary or any(not isinstance(symbol, str) or len(symbol) != 1 for symbol in vocabulary):
        raise SpecError(f"vocabulary={vocabulary!r:.60} must be single characters, as mho.data.vocabulary(path) gives")
    if len(set(vocabulary)) != len(vocabulary):
        twice = next(symbol for n, symbol in enumerate(vocabulary) if symbol in vocabulary[:n])
        raise SpecError(f"vocabulary: the character {twice!r} is there twice")
    return _codes("".join(vocabulary))
