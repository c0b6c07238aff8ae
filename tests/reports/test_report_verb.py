"""``mho.report`` derives from results and chips what the page needs, and refuses what does not belong together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import mho
from mho import devices
from mho.errors import SpecError
from mho.evaluation import Result
from mho.memory import Chips


@pytest.fixture(scope="module")
def made() -> tuple[Result, Chips]:
    torch.manual_seed(0)
    chips = mho.deploy(nn.Sequential(nn.Linear(8, 4)).eval(), mho.Memory(device=devices.RRAM1(sigma=0.1)), seed=3)
    data = (torch.randn(20, 8), torch.randint(0, 4, (20,)))
    return mho.evaluate(chips, data, n_chips=5, sigma=[0.1, 0.3], show_progress=False), chips


def test_one_result_needs_nothing_else(made: tuple[Result, Chips], tmp_path: Path) -> None:
    result, chips = made
    page = mho.report(tmp_path / "r.html", result, chips).read_text()
    assert "Sequential on RRAM1" in page
    assert "mho.evaluate(mho.deploy(model, memory, seed=3), data, n_chips=5, sigma=[0.1, 0.3], age=[0.0])" in page
    assert "kind: LevelGaussian" in page
    assert "@inproceedings{salmon2011random" in page


def test_several_results_are_told_apart_by_label(made: tuple[Result, Chips], tmp_path: Path) -> None:
    result, chips = made
    other = replace(result, label="other")
    page = mho.report(
        tmp_path / "r.html", [result, other], [chips, chips], title="Two", command="make them"
    ).read_text()
    assert "other" in page
    assert "make them" in page
    with pytest.raises(SpecError, match="two results are labelled 'RRAM1'"):
        mho.report(tmp_path / "no.html", [result, result], [chips, chips])
    with pytest.raises(SpecError, match="got 2 results and 1 chips"):
        mho.report(tmp_path / "no.html", [result, other], chips)
    assert not (tmp_path / "no.html").exists()
