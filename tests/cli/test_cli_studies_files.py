"""``mho new``, ``mho check`` and ``mho schema``: a study from nothing, and what they say to a wrong one."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

from mho.studies.document import parse

TEMPLATES = ("devices", "memory-sweep", "checkpoint", "precision", "verify", "worst-case")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_study_is_right_and_named_after_its_file(mho, nets, tmp_path, template) -> None:
    (tmp_path / "lenet.safetensors").write_bytes((nets / "lenet.safetensors").read_bytes())
    said = mho("new", "my study.yaml", "--template", template)
    assert (said.code, said.err) == (0, "")
    assert "next: mho check 'my study.yaml'" in said.out
    assert "# " in (tmp_path / "my study.yaml").read_text(), "it is commented"
    said = mho("check", "my study.yaml")
    assert said.code == 0, said.err
    assert said.out.startswith("my-study: ")
    assert "no fault found" in said.out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lenet.safetensors", "my study.yaml"]


def test_new_writes_study_yaml_and_replaces_nothing_unasked(mho, tmp_path) -> None:
    assert mho("new").code == 0
    (tmp_path / "study.yaml").write_text("mine")
    said = mho("new")
    assert (said.code, said.err) == (2, "mho: study.yaml is there already; --force replaces it, or give another name\n")
    assert (tmp_path / "study.yaml").read_text() == "mine"
    assert mho("new", "--force").code == 0
    assert mho("check", "study.yaml").code == 0
    assert "does not exist" in mho("new", "nowhere/study.yaml").err
    assert "devices" in mho("new", "a.yaml", "--template", "devises").err
    assert [p.name for p in tmp_path.iterdir()] == ["study.yaml"]


def test_the_schema_is_written_where_the_study_points_to(mho, tmp_path) -> None:
    assert mho("new", "--schema").code == 0
    text = (tmp_path / "study.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./mho-study.schema.json\n# ")
    schema = json.loads((tmp_path / "mho-study.schema.json").read_text())
    assert Draft202012Validator(schema).is_valid(parse(text.encode()).value)
    assert json.loads(mho("schema").out) == schema
    assert "other.json" in mho("schema", "other.json").out
    assert json.loads((tmp_path / "other.json").read_text()) == schema


def test_check_says_how_much_it_is(mho) -> None:
    mho("new")
    said = mho("check", "study.yaml").out
    assert said.startswith("devices: 4 combinations x 5 sigma x 100 chips = 2,000 chips\n")
    assert "memory.device  RRAM1, FeFET2" in said
    assert "trains one network: lenet" in said


def test_check_reads_a_pipe(mho, tmp_path, monkeypatch) -> None:
    mho("new")
    content = (tmp_path / "study.yaml").read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert mho("check", "-").out.splitlines()[-1] == "no fault found"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.replace(b"chips: 100", b"chips: -1"))))
    assert mho("check", "-").err.startswith("mho: standard input:")


HEAD = "name: a\nmodel: {architecture: mlp, data: {name: digits}}\ndata: {name: digits}\n"
RRAM = HEAD + "memory:\n  device: {kind: RRAM1, sigma: 0.1}\n"
TABLE = "{kind: MeasuredTable, states: [0, 1], mean: [[0, 1], [0, 1]], std: [[0.1, 0.1], [0.1, 0.1]], ages: [0, 9]}"
WRONG = [
    # what only a rehearsal finds, before any training
    (HEAD.replace("architecture: mlp, data: {name: digits}", "path: lenett.safetensors") + RRAM[len(HEAD) :],
     "study.yaml:2: model.path: no file lenett.safetensors: did you mean 'lenet.safetensors'?"),
    (HEAD.replace("architecture: mlp, data: {name: digits}", "path: ~nobody-here/x") + RRAM[len(HEAD) :],
     "study.yaml:2: model.path: no file ~nobody-here/x"),
    (HEAD + "memory: {device: {kind: PCM}}\nsigma: 0.1\n", "study.yaml:5: sigma: PCM has no stage with a sigma"),
    (RRAM + "sigma: [0.1, 5]\n", "study.yaml:6: sigma", "5 % is written 0.05"),
    (HEAD + f"memory: {{device: {TABLE}}}\nage: [0, 1h]\n", "study.yaml:5: age: age 1h is beyond the measurement"),
    (RRAM + "axes:\n  memory.mapping.weight_bits: [8, 4]\n  memory.mapping.cell_bits: [2, 8]\n",
     "cell_bits=8", "(at memory.mapping.weight_bits 4, memory.mapping.cell_bits 8)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), [(row[0], row[1:]) for row in WRONG], ids=[row[1] for row in WRONG])
def test_check_finds_what_would_stop_a_run_later(mho, tmp_path, text, words) -> None:
    (tmp_path / "study.yaml").write_text(text)
    (tmp_path / "lenet.safetensors").write_bytes(b"")
    said = mho("check", "study.yaml")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said
    for word in words:
        assert word in said.err
    assert len(list(tmp_path.iterdir())) == 2, "nothing is written"


def test_a_huge_study_is_checked_axis_by_axis(mho, tmp_path) -> None:
    many = f"[{', '.join(map(str, range(300)))}]"
    (tmp_path / "study.yaml").write_text(f"{RRAM}axes: {{seed: {many}, model.seed: {many}}}\n")
    said = mho("check", "study.yaml")
    assert "90,000 combinations x 100 chips = 9,000,000 chips" in said.out
    assert "too many to try each" in said.out
