"""Every example runs and prints numbers."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
NEEDED = {"bert": ["transformers"]}
"""Packages beyond mho's own; without them an example is skipped."""


@pytest.fixture(autouse=True)
def _as_it_was():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
    assert set(NEEDED) <= {e.stem for e in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.stem for e in EXAMPLES])
def test_example(example, tmp_path, monkeypatch, capsys) -> None:
    for package in NEEDED.get(example.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example)])
    runpy.run_path(str(example), run_name="__main__")
    said = capsys.readouterr()
    assert said.err == ""
    assert "accuracy in %" in said.out
    assert "nan" not in said.out
    assert list(tmp_path.iterdir()) == [], "an example leaves nothing behind"
