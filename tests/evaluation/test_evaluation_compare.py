"""Comparisons are paired: common chips, common images, one way of sampling."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from reference import nets
from torch import nn

import mho
from mho.devices import PCM, RRAM1
from mho.errors import SpecError
from mho.evaluation import Bench, Comparison, mean_interval
from mho.memory import Memory, deploy

X, Y = nets.inputs(200, 6), torch.arange(200) % 3
MODEL = nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
A, B = (deploy(MODEL, Memory(device=RRAM1(sigma=s))) for s in (0.3, 0.1))


def test_plain_comparisons_are_differences_of_plain_evaluations() -> None:
    found = mho.compare(A, B, (X, Y), n_chips=40, percentiles=(50,))
    a, b = (mho.evaluate(c, (X, Y), n_chips=40).values[0, 0] for c in (A, B))
    assert np.allclose(found.differences, b - a, atol=1e-15)
    assert found.mean == pytest.approx(mean_interval(b - a))
    assert found.percentile(50).value == pytest.approx(np.percentile(b, 50) - np.percentile(a, 50))
    assert found.spent == 2 * 40 * 200


def test_a_deployment_does_not_differ_from_itself() -> None:
    found = mho.compare(A, A, (X, Y), precision=0.01)
    assert (found.differences == 0).all()
    assert 0 < found.mean.half_width <= 0.01


def test_adaptive_comparisons_stop_when_narrow_and_survive_json() -> None:
    found = mho.compare(A, B, (X, Y), precision={"mean": 0.02, "p50": 0.15})
    assert found.mean.half_width <= 0.02
    assert found.percentile(50).half_width <= 0.15
    assert found.missed == ()
    again = mho.compare(A, B, (X, Y), precision={"mean": 0.02, "p50": 0.15})
    assert np.array_equal(again.differences, found.differences)
    after = Comparison.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert str(after) == str(found)
    assert after.rows() == found.rows()
    assert [row["difference"] for row in found.rows()] == ["mean", "p50"]
    assert "paired, seed 0" in str(found)


def test_if_one_is_sampled_by_cell_both_are() -> None:
    pcm = deploy(MODEL, Memory(device=PCM()))
    plain, by_cell = (Bench(A, (X, Y), by_cell=how).lot(None, 0.0, 9).measure(range(9))[0] for how in (False, True))
    other = Bench(pcm, (X, Y)).lot(None, 0.0, 9)
    assert other.by_cell
    found = mho.compare(A, pcm, (X, Y), n_chips=9)
    assert np.array_equal(found.values[0], by_cell)
    assert not np.array_equal(plain, by_cell)
    assert np.array_equal(found.values[1], other.measure(range(9))[0])


def test_other_seeds_are_refused() -> None:
    with pytest.raises(SpecError, match="a has seed 0 and b seed 1; deploy both with one seed"):
        mho.compare(A, deploy(MODEL, Memory(device=RRAM1(sigma=0.1)), seed=1), (X, Y))
