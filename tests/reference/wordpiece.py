"""WordPiece by the letter: no tables kept, every prefix tried, pairs cut piece by piece."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

CJK = [
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
]


def pieces(text: str, vocabulary: Sequence[str]) -> list[str]:
    clean = ""
    for c in text:
        kind = unicodedata.category(c)
        if c in "\t\n\r " or kind == "Zs":
            clean += " "
        elif c in "\0\ufffd" or kind[0] == "C":
            continue
        elif any(a <= ord(c) <= b for a, b in CJK):
            clean += " " + c + " "
        else:
            clean += c
    plain = ""
    for c in unicodedata.normalize("NFD", clean):
        if unicodedata.category(c) != "Mn":
            plain += c.lower()
    words = [""]
    for c in plain:
        if c.isspace():
            words.append("")
        elif c in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" or unicodedata.category(c)[0] == "P":
            words += [c, ""]
        else:
            words[-1] += c
    return [piece for word in words if word for piece in _word(word, vocabulary)]


def _word(word: str, vocabulary: Sequence[str]) -> list[str]:
    if len(word) > 100:
        return ["[UNK]"]
    out: list[str] = []
    rest = word
    while rest:
        fitting = [p for n in range(1, len(rest) + 1) if (p := ("##" if out else "") + rest[:n]) in vocabulary]
        if not fitting:
            return ["[UNK]"]
        longest = max(fitting, key=len)
        rest = rest[len(longest) - (2 if out else 0) :]
        out.append(longest)
    return out


def pair(a: list[str], b: list[str], length: int) -> list[str]:
    a, b = list(a), list(b)
    while len(a) + len(b) > length - 3:
        if len(a) > len(b):
            a.pop()
        else:
            b.pop()
    return ["[CLS]", *a, "[SEP]", *b, "[SEP]"]
