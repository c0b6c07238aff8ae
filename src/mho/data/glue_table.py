"""The nine tasks of GLUE: files, columns, labels, metric, where to get them. Torch-free, so that listing is instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mho.errors import unknown

_HOME = "https://dl.fbaipublicfiles.com/glue/data"
_TRUTH = ("not_entailment", "entailment")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of GLUE.

    Attributes:
        name: what :func:`mho.data.glue` is asked for.
        folder: GLUE's name of its folder.
        texts: names of the columns with the sentence, or the two.
        label: name of the column with the label.
        positions: where these columns are in a file without a header, texts first and label last; empty where GLUE's
            file always has one.
        labels: class names in the order of their indices; empty where targets are values.
        codes: what the file says for each class; numbers unless it writes names.
        metric: name in ``mho.evaluation.METRICS`` that GLUE judges by; where it has two, the one of [li2024zerospace].
        train: samples in the training split.
        test: samples in the development split.
        development: name of the file that "test" means, without ``.tsv``.
        skips: leave out lines with another number of fields, as everybody does for Quora's questions.
        archive: name of the download.
        sha256: its published checksum.
        licence: terms, as its authors or distributors state them.
        source: paper of the task.
    """

    name: str
    folder: str
    texts: tuple[str, ...]
    label: str = "label"
    positions: tuple[int, ...] = ()
    labels: tuple[str, ...]
    codes: tuple[str, ...] = ()
    metric: str
    train: int
    test: int
    development: str = "dev"
    skips: bool = False
    archive: str
    sha256: str
    licence: str = "none stated"
    source: str

    @property
    def length(self) -> int:
        """Pieces that a sample is cut or filled up to unless told."""
        return 64 * len(self.texts)

    @property
    def url(self) -> str:
        """Where the download is."""
        return f"{_HOME}/{self.archive}"

    def written(self) -> tuple[str, ...]:
        """What the file says for each class."""
        return self.codes or tuple(map(str, range(len(self.labels))))


def _mnli(name: str, part: str, test: int) -> Task:
    classes = ("entailment", "neutral", "contradiction")
    return Task(
        name=name,
        folder="MNLI",
        texts=("sentence1", "sentence2"),
        label="gold_label",
        labels=classes,
        codes=classes,
        metric="accuracy",
        train=392_702,
        test=test,
        development=f"dev_{part}",
        archive="MNLI.zip",
        sha256="e7c1d896d26ed6caf700110645df426cc2d8ebf02a5ab743d5a5c68ac1c83633",
        licence="OANC and others, by genre",
        source=f"Williams, Nangia, Bowman, NAACL 2018 ({part}; GLUE)",
    )


_ROWS = (
    Task(
        name="sst2",
        folder="SST-2",
        texts=("sentence",),
        labels=("negative", "positive"),
        metric="accuracy",
        train=67_349,
        test=872,
        archive="SST-2.zip",
        sha256="d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa",
        source="Socher et al., EMNLP 2013 (sentiment; GLUE)",
    ),
    Task(
        name="cola",
        folder="CoLA",
        texts=("sentence",),
        positions=(3, 1),
        labels=("unacceptable", "acceptable"),
        metric="mcc",
        train=8_551,
        test=1_043,
        archive="CoLA.zip",
        sha256="f212fcd832b8f7b435fb991f101abf89f96b933ab400603bf198960dfc32cbff",
        source="Warstadt, Singh, Bowman, TACL 2019 (acceptability; GLUE)",
    ),
    Task(
        name="mrpc",
        folder="MRPC",
        texts=("#1 String", "#2 String"),
        label="Quality",
        labels=("not_equivalent", "equivalent"),
        metric="f1",
        train=3_668,
        test=408,
        archive="",
        sha256="",
        source="Dolan, Brockett, IWP 2005 (paraphrases; GLUE)",
    ),
    Task(
        name="stsb",
        folder="STS-B",
        texts=("sentence1", "sentence2"),
        label="score",
        labels=(),
        metric="spearman",
        train=5_749,
        test=1_500,
        archive="STS-B.zip",
        sha256="e60a6393de5a8b5b9bac5020a1554b54e3691f9d600b775bd131e613ac179c85",
        licence="by part, see its LICENSE.txt",
        source="Cer et al., SemEval 2017 (similarity, 0 to 5; GLUE)",
    ),
    Task(
        name="qqp",
        folder="QQP",
        texts=("question1", "question2"),
        label="is_duplicate",
        positions=(3, 4, 5),
        labels=("not_duplicate", "duplicate"),
        metric="f1",
        train=363_846,
        test=40_430,
        skips=True,
        archive="QQP-clean.zip",
        sha256="40e7c862c04eb26ee04b67fd900e76c45c6ba8e6d8fab4f8f1f8072a1a3fbae0",
        licence="Quora's terms of service",
        source="Iyer, Dandekar, Csernai, Quora Question Pairs, 2017 (GLUE)",
    ),
    _mnli("mnli", "matched", 9_815),
    _mnli("mnli-mm", "mismatched", 9_832),
    Task(
        name="qnli",
        folder="QNLI",
        texts=("question", "sentence"),
        labels=_TRUTH[::-1],
        codes=_TRUTH[::-1],
        metric="accuracy",
        train=104_743,
        test=5_463,
        archive="QNLIv2.zip",
        sha256="e634e78627a29adaecd4f955359b22bf5e70f2cbd93b493f2d624138a0c0e5f5",
        licence="CC BY-SA 4.0 (SQuAD)",
        source="Rajpurkar et al., EMNLP 2016, as pairs (GLUE)",
    ),
    Task(
        name="rte",
        folder="RTE",
        texts=("sentence1", "sentence2"),
        labels=_TRUTH[::-1],
        codes=_TRUTH[::-1],
        metric="accuracy",
        train=2_490,
        test=277,
        archive="RTE.zip",
        sha256="6bf86de103ecd335f3441bd43574d23fef87ecc695977a63b82d5efb206556ee",
        source="Dagan et al. 2006 to Bentivogli et al. 2009 (entailment; GLUE)",
    ),
    Task(
        name="wnli",
        folder="WNLI",
        texts=("sentence1", "sentence2"),
        labels=_TRUTH,
        metric="accuracy",
        train=635,
        test=71,
        archive="WNLI.zip",
        sha256="ae0e8e4d16f4d46d4a0a566ec7ecceccfd3fbfaa4a7a4b4e02848c0f2561ac46",
        source="Levesque, Davis, Morgenstern, KR 2012, as pairs (GLUE)",
    ),
)

GLUE: Mapping[str, Task] = MappingProxyType({row.name: row for row in _ROWS})
"""Every task of GLUE by name; ``mnli`` twice, once with each of its development sets [wang2019glue]."""


def glue_task(name: str) -> Task:
    """The task called ``name``.

    Raises:
        UnknownNameError: no such task.
    """
    if name not in GLUE:
        raise unknown("GLUE task", str(name), GLUE)
    return GLUE[name]


def glue_metric(name: str) -> str:
    """The metric that a task is judged by: "accuracy", "f1", "mcc" or "spearman", as :func:`mho.evaluate` takes it.

    Raises:
        UnknownNameError: no such task.
    """
    return glue_task(name).metric
