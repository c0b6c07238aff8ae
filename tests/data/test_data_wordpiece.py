"""Pieces of words: as the slow twin splits them, and as the library that everybody uses."""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import wordpiece as slow

from mho import data
from mho.data import WordPiece
from mho.data.glue_rows import rows
from mho.errors import DataError, SpecError

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LETTERS = [*"abcnoruv", "ab", "abc", "un", "run", "##a", "##b", "##c", "##ab", "##n", "##ning", "##r", "i", "##o"]
PIECES = [*SPECIAL, *LETTERS, *"!.,'$-", "中", "文", "。", "ß", "ı", "σ", "##σ"]
REAL = Path(os.environ.get("MHO_DATA", "missing")) / "glue/bert-base-uncased/vocab.txt"
TEXT_LETTERS = st.sampled_from("abcnoruvABCNORUVáÀñ ß.,!'$-^\t\n\x07\u00a0\u200b中文。ΣİẞÅ")
TEXTS = st.text(alphabet=TEXT_LETTERS, max_size=40)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_pieces_are_those_of_the_slow_twin(text: str) -> None:
    ours = WordPiece(PIECES)
    assert [PIECES[n] for n in ours.pieces(text)] == slow.pieces(text, PIECES)


@settings(max_examples=80, deadline=None)
@given(texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3), length=st.integers(5, 24))
def test_pairs_are_cut_piece_by_piece(texts: list[tuple[str, str]], length: int) -> None:
    first, second = zip(*texts, strict=True)
    got = WordPiece(PIECES).encode(first, second, length=length)
    for row, (a, b) in enumerate(texts):
        want = slow.pair(slow.pieces(a, PIECES), slow.pieces(b, PIECES), length)
        ids = [PIECES[n] for n in got["input_ids"][row]]
        assert ids == want + ["[PAD]"] * (length - len(want))
        assert got["attention_mask"][row].tolist() == [int(place < len(want)) for place in range(length)]
        start = want.index("[SEP]") + 1
        assert got["token_type_ids"][row].tolist() == [int(start <= place < len(want)) for place in range(length)]


def test_a_sentence_alone() -> None:
    got = WordPiece(PIECES).encode(["un running!", "abc"], length=6)
    assert [[PIECES[n] for n in row] for row in got["input_ids"]] == [
        ["[CLS]", "un", "run", "##ning", "!", "[SEP]"],
        ["[CLS]", "abc", "[SEP]", "[PAD]", "[PAD]", "[PAD]"],
    ]
    assert got["attention_mask"].tolist() == [[1] * 6, [1, 1, 1, 0, 0, 0]]
    assert not got["token_type_ids"].any()
    assert {value.dtype.name for value in got.values()} == {"int64"}
    assert WordPiece(PIECES).pieces("a" * 101) == [1]
    assert len(WordPiece(PIECES).pieces("a" * 100)) > 1


def test_a_cased_vocabulary_keeps_case_and_accents() -> None:
    cased = WordPiece([*SPECIAL, "É", "E", "e", "##a"], lower=False)
    assert cased.pieces("É E e Éa ea") == [4, 5, 6, 4, 7, 6, 7]


def test_vocabularies_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes("\r\n".join([*SPECIAL, "a", "\u2028", "b"]).encode() + b"\r\n")
    assert WordPiece.read(path).numbers == {**{p: n for n, p in enumerate(SPECIAL)}, "a": 4, "\u2028": 5, "b": 6}
    assert len(WordPiece.read(path)) == 7


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), (b"\xff\xfe", "is not UTF-8"), (b"a\nb\n", "has no [PAD]")],
)
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        WordPiece.read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [2, 4, 0, True, 8.0])
def test_a_length_without_room_is_refused(length: object) -> None:
    with pytest.raises(SpecError, match=r"length=.* must be an integer of at least 5"):
        WordPiece(PIECES).encode(["a"], ["b"], length=length)  # type: ignore[arg-type]


# Characters that have not changed for long: the library's tables of Unicode are older than Python's.
SETTLED = [
    c
    for c in map(chr, range(1, 0x3400))
    if unicodedata.category(c) == unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs", "Co")
]
REAL_TEXTS = st.text(alphabet=st.sampled_from(SETTLED) | TEXT_LETTERS, max_size=60)


@cache
def both() -> tuple[Any, WordPiece]:
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.BertWordPieceTokenizer(str(REAL), lowercase=True), WordPiece.read(REAL)


@pytest.mark.skipif(not REAL.exists(), reason="no vocabulary of bert-base-uncased below MHO_DATA")
class TestBesideTheLibrary:
    @settings(max_examples=300, deadline=None)
    @given(
        text=REAL_TEXTS | st.sampled_from(["Ἀρχιμήδης ΟΔΟΣ", "naïve façade — 50 €", "東京 tower", "don't", "x" * 101])
    )
    def test_texts(self, text: str) -> None:
        library, ours = both()
        assert ours.pieces(text) == library.encode(text, add_special_tokens=False).ids

    def test_real_sentences(self) -> None:
        library, _ = both()
        root = REAL.parents[2]
        for name in ("sst2", "mrpc", "cola"):
            if not list((root / "glue" / data.GLUE[name].folder).glob("dev.tsv*")):
                continue
            library.enable_padding(length=128)
            library.enable_truncation(128)
            texts = [row[0] for row in rows(data.GLUE[name], "test", root, None)[1]]
            want = library.encode_batch([t if len(t) > 1 else t[0] for t in texts])
            got = data.glue(name, root=root, length=128).inputs
            assert isinstance(got, dict)
            assert got["input_ids"].tolist() == [row.ids for row in want]
            assert got["attention_mask"].tolist() == [row.attention_mask for row in want]
            assert got["token_type_ids"].tolist() == [row.type_ids for row in want]
        library.no_padding()
        library.no_truncation()
