"""WordPiece: a text as numbers of the pieces of a vocabulary, as BERT reads it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mho.errors import DataError, SpecError

_LONGEST = 100
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_CJK = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


class WordPiece:
    """A vocabulary, and how texts become numbers of its pieces.

    Control characters are dropped, Chinese characters and punctuation stand alone; with ``lower`` case and accents go.
    Of each word the longest piece from its start is taken, then of the rest; a word that no pieces make up, or of more
    than 100 characters, is ``[UNK]``.

    Args:
        pieces: the vocabulary in the order of its numbers; pieces inside a word start with ``##``.
        lower: as of an "uncased" vocabulary.
        name: of the vocabulary in errors.

    Raises:
        DataError: ``[PAD]``, ``[UNK]``, ``[CLS]`` or ``[SEP]`` is not in the vocabulary.

    Source: [devlin2019bert].
    """

    def __init__(self, pieces: Sequence[str], *, lower: bool = True, name: str = "the vocabulary") -> None:
        self.numbers = {piece: number for number, piece in enumerate(pieces)}
        self.lower = lower
        missing = [piece for piece in _SPECIAL if piece not in self.numbers]
        if missing:
            raise DataError(f"{name} has no {missing[0]}: it is no WordPiece vocabulary of BERT, one piece a line")
        self._pad, self._unknown, self._start, self._end = (self.numbers[piece] for piece in _SPECIAL)
        self._longest = max(map(len, self.numbers))
        self._cleaned = _Cleaned()
        self._known: dict[str, tuple[int, ...]] = {}

    @classmethod
    def read(cls, path: str | Path, *, lower: bool = True) -> WordPiece:
        """The vocabulary in a file, one piece a line.

        Raises:
            DataError: the file is missing, not UTF-8, or no vocabulary.
        """
        path = Path(path).expanduser()
        try:
            # Not splitlines(): some pieces are characters that it takes for the end of a line.
            lines = path.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 text (byte {error.start:,}): it is no vocabulary") from None
        return cls([line.rstrip("\r") for line in lines if line], lower=lower, name=str(path))

    def __len__(self) -> int:
        return len(self.numbers)

    def pieces(self, text: str) -> list[int]:
        """The numbers of the pieces of ``text``, without ``[CLS]`` and ``[SEP]``."""
        out: list[int] = []
        for word in text.translate(self._cleaned).split():
            if word not in self._known:
                self._known[word] = tuple(n for part in self._split(word) for n in self._matched(part))
            out += self._known[word]
        return out

    def encode(
        self, first: Sequence[str], second: Sequence[str] | None = None, *, length: int
    ) -> dict[str, np.ndarray]:
        """Texts, or pairs of them, as a BERT takes them: ``[CLS] first [SEP]`` or ``[CLS] first [SEP] second [SEP]``.

        Args:
            first: texts.
            second: as many again.
            length: pieces a sample, with the special ones. Longer ones are cut at the end, of pairs the longer text
                first, piece by piece (the second where they are as long); shorter ones are filled up with ``[PAD]``.

        Returns:
            ``input_ids``, ``attention_mask`` (1 but for ``[PAD]``) and ``token_type_ids`` (1 in the second text and its
            ``[SEP]``), ``(N, length)`` int64 each.

        Raises:
            SpecError: ``length`` leaves no room for a piece of each text.
        """
        texts = 1 if second is None else 2
        if isinstance(length, bool) or not isinstance(length, int) or length < 1 + 2 * texts:
            raise SpecError(
                f"length={length!r} must be an integer of at least {1 + 2 * texts}, [CLS] and [SEP] included"
            )
        shape = (len(first), length)
        ids, mask, kind = np.full(shape, self._pad, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        room = length - 1 - texts
        for row, text in enumerate(first):
            a = self.pieces(text)
            b = [] if second is None else self.pieces(second[row])
            of_a, of_b = _kept(len(a), len(b), room)
            whole = [self._start, *a[:of_a], self._end]
            if second is not None:
                kind[row, len(whole) : len(whole) + of_b + 1] = 1
                whole += [*b[:of_b], self._end]
            ids[row, : len(whole)] = whole
            mask[row, : len(whole)] = 1
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": kind}

    def _split(self, word: str) -> Iterator[str]:
        """The parts of ``word`` between punctuation, and the punctuation; lower-cased, without accents."""
        if self.lower:
            apart = (c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
            # Character by character: of a whole word Python would end Greek ones on another letter.
            word = "".join(c.lower() for c in apart)
        start = 0
        for place, character in enumerate(word):
            if _is_punctuation(character):
                if place > start:
                    yield word[start:place]
                yield character
                start = place + 1
        if start < len(word):
            yield word[start:]

    def _matched(self, word: str) -> list[int]:
        if len(word) > _LONGEST:
            return [self._unknown]
        out, start = [], 0
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                number = self.numbers.get(("##" if start else "") + word[start:end])
                if number is not None:
                    break
            else:
                return [self._unknown]
            out.append(number)
            start = end
        return out


def _kept(a: int, b: int, room: int) -> tuple[int, int]:
    """How many pieces of two texts of ``a`` and ``b`` stay in ``room``."""
    over = max(a + b - room, 0)
    # First the longer one down to the other, then both in turn, the second first.
    alone = min(over, abs(a - b))
    a, b = (a - alone, b) if a > b else (a, b - alone)
    both = over - alone
    return a - both // 2, b - (both + 1) // 2


def _is_punctuation(character: str) -> bool:
    # All of ASCII that is neither letter, digit, space nor control, such as $ and ^, which Unicode calls symbols.
    code = ord(character)
    ascii_symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_symbol or unicodedata.category(character).startswith("P")


class _Cleaned(dict[int, str]):
    """What becomes of each character, found out when it first comes; for ``str.translate``."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in "\t\n\r" or unicodedata.category(character) == "Zs":
            out = " "
        elif code in (0, 0xFFFD) or unicodedata.category(character).startswith("C"):
            out = ""
        elif any(low <= code <= high for low, high in _CJK):
            out = f" {character} "
        else:
            out = character
        self[code] = out
        return out
