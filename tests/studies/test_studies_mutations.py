"""Thousands of spoilt studies: each is still right, or refused in one line; no traceback, nothing written."""

from __future__ import annotations

import contextlib
import io
import random
import re
import subprocess
import sys
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from mutations import mutate

from mho.cli import main

TEMPLATES = [p.read_text(encoding="utf-8") for p in sorted(Path(str(files("mho") / "studies/templates")).iterdir())]
OTHERS = [
    """\
kind: Study
name: anchors
model: &net {kind: Trained, architecture: mlp, data: &digits {name: digits, split: train}, options: {hidden: [16]}}
data: {<<: *digits, split: test, limit: 50}
memory: {rules: {fc1: &cells {kind: Memory, device: {kind: PCM}}, "*": *cells}}
age: 1h
axes:
  model: {small: {<<: *net, seed: 1}, large: {<<: *net, options: {hidden: [64]}}}
  dtype: [float32, bfloat16]
""",
    """\
name: measured
model: {path: net.safetensors}
data: {name: mnist}
memory:
  device: {kind: MeasuredTable, states: [0, 1], mean: [[0, 1], [0.1, 0.9]], std: [[0.1, 0.1], [0.2, 0.2]], ages: [0, 1]}
  mapping: {kind: Differential, granularity: channel}
metric: f1
percentiles: 5
age: [0, 1]
""",
    """\
name: ranked
model: {architecture: mlp, data: {name: digits, split: train}, method: {kind: AdversarialWeights, bound: 0.1}}
data: {name: digits}
calibration: {name: digits, split: train}
memory:
  rules:
    fc1: {kind: Memory, device: {kind: PCM}, programming: {kind: WriteVerify, tolerance: 0.1, model: pulse, step: 0.1}}
    "*":
      kind: Memory
      device: {kind: RRAM1, sigma: 0.1}
      programming: {kind: Selective, ranking: layer, fraction: 0.2, verify: {kind: WriteVerify, tolerance: 0.1}}
axes:
  calibration.limit: {some: 10, all: null}
  model.method: {plain: null, noise: {kind: NoiseInjection, sigma: 0.1}}
""",
    """\
name: asked
model: {path: net.safetensors}
data: {name: mnist}
calibration: {name: mnist, split: train}
memory: {device: {kind: PCM}, programming: {kind: Selective, target_drop: 0.1}}
question: {kind: Verify, rankings: [saliency, random], fractions: [0, 0.5, 1]}
axes: {question.target_drop: [0.1, null], memory.programming.verify.tolerance: [0.1, 0.2]}
""",
    """\
name: searched
model: {path: net.safetensors}
data: {name: mnist}
calibration: {name: mnist, split: train}
memory: {device: {kind: PCM}}
question: {kind: WorstCase, bounds: [0.01, 0.1], method: {kind: SignedDescent, losses: [hinge], starts: [zero]}}
axes: {question.method.steps: [3, 4], question.images: {few: 10, all: null}}
""",
]
BASES = [*TEMPLATES, *OTHERS]
HOW_MANY = 1200


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where the mutants lie, beside the networks that they name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MHO_DEBUG", raising=False)
    for name in ("net.safetensors", "lenet.safetensors"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def everything(folder: Path) -> dict[str, float]:
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*")}


def answer(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


def test_the_studies_that_are_spoilt_were_right(folder) -> None:
    for text in BASES:
        Path("study.yaml").write_text(text)
        assert answer("check", "study.yaml")[0] == 0


def test_a_spoilt_study_is_right_or_refused_in_one_line(folder) -> None:
    draw, codes = random.Random(0), Counter()
    path = Path("study.yaml")
    for number in range(HOW_MANY):
        content = mutate(draw.choice(BASES), draw)
        path.write_bytes(content)
        before = everything(folder)
        code, out, err = answer("check", "study.yaml")
        told = f"mutant {number}: {code} {err!r}\n{content!r}"
        assert code in (0, 2), told
        assert (code == 0) == (not err), told
        if code == 2:
            assert re.fullmatch(r"mho: study\.yaml(:\d+)?: \S[^\n\r\x00-\x1f]*\n", err), told
            assert len(err) < 400, told
            assert out == "", told
        assert everything(folder) == before, told
        codes[code] += 1
    assert min(codes.values()) > HOW_MANY // 30, f"both answers are exercised: {codes}"


def test_the_command_itself_says_the_same(folder) -> None:
    draw = random.Random(1)
    for number in range(2):
        Path(f"{number}.yaml").write_bytes(mutate(draw.choice(BASES), draw))
        here = answer("check", f"{number}.yaml")
        entry = [sys.executable, "-c", "from mho.cli import entry; entry()", "check", f"{number}.yaml"]
        said = subprocess.run(entry, capture_output=True, check=False, timeout=60)
        assert (said.returncode, said.stdout.decode(), said.stderr.decode()) == here
