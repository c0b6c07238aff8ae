"""The tasks of GLUE: columns, labels, headers, places; small files of our own, and the real ones if there are any."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mho import data
from mho.data import WordPiece, roots, sentences
from mho.errors import DataError, MhoError, SpecError, UnknownNameError
from mho.evaluation import METRICS

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh", '"', "'"]
WORDS = WordPiece(PIECES)
REAL = Path(os.environ.get("MHO_DATA", "missing"))

FILES = {
    "sst2": ("SST-2/dev.tsv", 'sentence\tlabel\na b \t1\n"c\t0\n', [("a b", None), ('"c', None)], [1, 0]),
    "cola": ("CoLA/dev.tsv", "gj04\t1\t\ta\ngj04\t0\t*\tb c\n", [("a", None), ("b c", None)], [1, 0]),
    "mrpc": (
        "MRPC/dev.tsv",
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t10\t11\ta "b\tc\r\n0\t12\t13\td\te"\r\n',
        [('a "b', "c"), ("d", 'e"')],
        [1, 0],
    ),
    "stsb": (
        "STS-B/dev.tsv",
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tg\tf\t2012\t1\tn\tn\ta\tb\t5.000\n1\tg\tf\t2012\t1\tn\tn\tc\td\t0.4\n",
        [("a", "b"), ("c", "d")],
        [5.0, 0.4],
    ),
    "qqp": (
        "QQP/dev.tsv",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t0\n4\t5\t6\tbroken\n4\t5\t6\tc\td\t1\n",
        [("a", "b"), ("c", "d")],
        [0, 1],
    ),
    "mnli": (
        "MNLI/dev_matched.tsv",
        "index\tpairID\tsentence1\tsentence2\tlabel1\tgold_label\n0\tx\ta\tb\tneutral\tneutral\n"
        "1\tx\tc\td\tneutral\tcontradiction\n2\tx\te\tf\tneutral\tentailment\n",
        [("a", "b"), ("c", "d"), ("e", "f")],
        [1, 2, 0],
    ),
    "mnli-mm": (
        "MNLI/dev_mismatched.tsv",
        "index\tsentence1\tsentence2\tgold_label\n0\ta\tb\tentailment\n",
        [("a", "b")],
        [0],
    ),
    "qnli": (
        "QNLI/dev.tsv",
        "index\tquestion\tsentence\tlabel\n0\ta\tb\tentailment\n1\tc\td\tnot_entailment\n",
        [("a", "b"), ("c", "d")],
        [0, 1],
    ),
    "rte": (
        "RTE/dev.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tnot_entailment\n1\tc\u2028d\te\tentailment\n",
        [("a", "b"), ("c\u2028d", "e")],
        [1, 0],
    ),
    "wnli": (
        "WNLI/dev.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t0\n1\tc\td\t1\n",
        [("a", "b"), ("c", "d")],
        [0, 1],
    ),
}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root that is the only one."""
    monkeypatch.setattr(roots, "search_path", lambda root: (Path(root),))
    return tmp_path


def write(root: Path, name: str, content: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = content.encode() if path.suffix != ".xz" else lzma.compress(content.encode())
    path.write_bytes(packed)
    return path


def test_every_task_has_a_file_here_and_a_metric() -> None:
    assert list(FILES) == list(data.GLUE)
    assert {data.glue_metric(name) for name in data.GLUE} == {"accuracy", "f1", "mcc", "spearman"} <= set(METRICS)
    assert [data.glue_metric(name) for name in ("cola", "mrpc", "stsb", "sst2")] == [
        "mcc",
        "f1",
        "spearman",
        "accuracy",
    ]


@pytest.mark.parametrize("name", FILES)
def test_columns_and_labels(tmp_path: Path, name: str) -> None:
    file, content, texts, labels = FILES[name]
    write(tmp_path, f"glue/{file}", content)
    got = data.load(name, root=tmp_path, vocabulary=WORDS, length=9)
    second = [b for _, b in texts if b is not None] or None
    want = WORDS.encode([a for a, _ in texts], second, length=9)
    assert isinstance(got.inputs, dict)
    assert list(got.inputs) == ["input_ids", "attention_mask", "token_type_ids"]
    for key, value in want.items():
        assert torch.equal(got.inputs[key], torch.from_numpy(value)), key
    assert got.targets.tolist() == pytest.approx(labels)
    assert got.targets.dtype == (torch.float32 if name == "stsb" else torch.int64)
    assert (got.name, got.classes) == (name, len(data.GLUE[name].labels) or None)
    if got.classes:
        assert len(data.classes(name)) == data.DATASETS[name].classes == got.classes
    first = data.glue(name, root=tmp_path, vocabulary=WORDS, limit=1)
    assert len(first) == 1
    assert first.inputs["input_ids"].shape == (1, 64 if second is None else 128)  # type: ignore[call-overload]
    assert data.DATASETS[name].shape == tuple(first.inputs["input_ids"].shape[1:])  # type: ignore[call-overload]


@pytest.mark.parametrize("below", ["glue/", "glue_data/", ""])
@pytest.mark.parametrize("ending", ["", ".xz"])
def test_the_usual_places(tmp_path: Path, below: str, ending: str) -> None:
    write(tmp_path, f"{below}SST-2/train.tsv{ending}", FILES["sst2"][1])
    write(tmp_path, f"{below}bert-base-uncased/vocab.txt", "\n".join(PIECES))
    got = data.glue("sst2", root=tmp_path, split="train")
    assert got.inputs["input_ids"][0, :5].tolist() == [2, 4, 5, 3, 0]  # type: ignore[call-overload]
    own = write(tmp_path, "own.txt", "\n".join(PIECES[::-1]))
    got = data.glue("sst2", root=tmp_path, split="train", vocabulary=own)
    assert got.inputs["input_ids"][0, :4].tolist() == [11, 9, 8, 10]  # type: ignore[call-overload]


def test_questions_without_a_header(tmp_path: Path) -> None:
    write(tmp_path, "QQP/dev.tsv", FILES["qqp"][1].partition("\n")[2])
    assert data.glue("qqp", root=tmp_path, vocabulary=WORDS).targets.tolist() == [0, 1]


def test_a_vocabulary_that_changes_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "SST-2/dev.tsv", FILES["sst2"][1])
    own = write(tmp_path, "own.txt", "\n".join(PIECES))
    before = data.glue("sst2", root=tmp_path, vocabulary=own)
    write(tmp_path, "own.txt", "\n".join(PIECES[::-1]))
    os.utime(own, ns=(1, 1))
    after = data.glue("sst2", root=tmp_path, vocabulary=own)
    assert not torch.equal(before.inputs["input_ids"], after.inputs["input_ids"])  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("sst2", "index\tsentence\n0\ta\n", "line 1 names no columns sentence, label"),
        ("sst2", "sentence\tlabel\na\t2\n", "the label '2' is none of 0, 1"),
        ("sst2", "sentence\tlabel\na\t1\nb\n", "line 3: 1 fields, and 2 in line 1"),
        ("sst2", "sentence\tlabel\n", "has no sample"),
        ("sst2", "", "line 1 names no columns"),
        ("cola", "a\tb\n", "line 1 names no columns sentence, label"),
        ("stsb", FILES["stsb"][1].replace("0.4", "nan"), "the label 'nan' is no number"),
        ("rte", FILES["rte"][1].replace("not_ent", "ent"), None),
    ],
)
def test_broken_files_are_one_line(tmp_path: Path, name: str, content: str, words: str | None) -> None:
    path = write(tmp_path, FILES[name][0], content)
    if words is None:
        assert data.glue(name, root=tmp_path, vocabulary=WORDS).targets.tolist() == [0, 0]
        return
    with pytest.raises(DataError) as caught:
        data.glue(name, root=tmp_path, vocabulary=WORDS)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "options", "error", "words"),
    [
        ("SST-2", {}, UnknownNameError, "unknown GLUE task 'SST-2': did you mean 'sst2'?"),
        ("sst2", {"split": "dev"}, UnknownNameError, "unknown split 'dev'"),
        ("sst2", {"limit": 0}, SpecError, "limit=0"),
        ("sst2", {"length": 2}, SpecError, "length=2 must be an integer of at least 3"),
        ("sst2", {"vocabulary": "none.txt"}, DataError, "none.txt cannot be read"),
    ],
)
def test_bad_requests_are_one_line(tmp_path: Path, task: str, options: dict, error: type[MhoError], words: str) -> None:
    write(tmp_path, "SST-2/dev.tsv", FILES["sst2"][1])
    with pytest.raises(error) as caught:
        data.glue(task, root=tmp_path, **({"vocabulary": WORDS} | options))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_have_no_class_names() -> None:
    with pytest.raises(DataError, match="stsb: its targets are values, not classes"):
        data.classes("stsb")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A network of the pages in this dictionary."""
    pages: dict[str, bytes] = {}

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        return io.BytesIO(pages[url])

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return pages


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_download_is_checked_and_unpacked(
    alone: Path, web: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("SST-2/dev.tsv", FILES["sst2"][1])
        file.writestr("SST-2/original/large.txt", "x")
    vocabulary = "\n".join(PIECES).encode()
    task = data.GLUE["sst2"]
    web |= {task.url: packed.getvalue(), sentences._VOCABULARY.urls[0]: vocabulary}
    with pytest.raises(DataError, match=f"sha256 {sha256(packed.getvalue())} instead of {task.sha256}"):
        data.glue("sst2", root=alone)
    assert not [path for path in alone.rglob("*") if path.is_file()]
    monkeypatch.setattr(sentences, "glue_task", lambda name: replace(data.GLUE[name], sha256=sha256(packed.getvalue())))
    monkeypatch.setattr(sentences, "_VOCABULARY", replace(sentences._VOCABULARY, sha256=sha256(vocabulary)))
    got = data.glue("sst2", root=alone)
    assert got.targets.tolist() == [1, 0]
    assert (alone / "glue/SST-2/dev.tsv").is_file()
    assert (alone / "glue/bert-base-uncased/vocab.txt").is_file()


def test_paraphrases_are_split_by_the_list(alone: Path) -> None:
    pairs = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta\tb\n0\t3\t4\tc\td\n1\t5\t6\te\tf\n"
    write(alone, "glue/MRPC/msr_paraphrase_train.txt", pairs)
    write(alone, "glue/MRPC/dev_ids.tsv", "3\t4\n")
    assert data.glue("mrpc", root=alone, vocabulary=WORDS).targets.tolist() == [0]
    train = data.glue("mrpc", root=alone, split="train", vocabulary=WORDS)
    assert train.targets.tolist() == [1, 1]


def test_checksums_have_their_length() -> None:
    for task in data.GLUE.values():
        assert len(task.sha256) == 64 * bool(task.archive)
        assert roots.Remote(urls=(task.url,), sha256=task.sha256, target="x").md5 == ""


@pytest.mark.skipif(not REAL.exists(), reason="MHO_DATA is not set")
@pytest.mark.parametrize("name", list(data.GLUE))
def test_real_files_if_there_are_any(name: str) -> None:
    row = data.DATASETS[name]
    for split, size in (("train", row.train), ("test", row.test)):
        task = data.GLUE[name]
        file = "train" if split == "train" else task.development
        if name == "qqp" or not list((REAL / row.folder).glob(f"{file}.tsv*")):
            continue
        got = data.load(name, root=REAL, split=split, vocabulary=WORDS, length=8)
        assert len(got) == size
        if got.classes:
            assert len(got.targets.unique()) == got.classes
        else:
            assert 0 <= got.targets.min() < got.targets.max() == 5
