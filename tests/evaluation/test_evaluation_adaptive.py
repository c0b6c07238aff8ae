"""Adaptive evaluation on tables of hits that are known entirely: coverage, economy, and the same numbers every time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from reference import nets, sampling
from scipy import stats
from torch import nn

import mho
from mho.devices import RRAM1
from mho.errors import SpecError
from mho.evaluation import Result, Sampled, percentile_interval
from mho.evaluation.adaptive import Asked, explore
from mho.evaluation.betting import betting_interval
from mho.evaluation.cohort import Cohort
from mho.evaluation.quantities import Mean, Percentile, Yield
from mho.evaluation.sequential import chip_error
from mho.memory import Memory, deploy

IMAGES, CHIPS = 800, 3000
RNG = np.random.default_rng(0)
SKILL = np.clip(RNG.normal(0.75, 0.08, (CHIPS, 1)) - 0.03 * RNG.exponential(1, (CHIPS, 1)), 0, 1)
TABLE = RNG.random((CHIPS, IMAGES)) < SKILL
WHOLE = TABLE.mean(axis=1)


class Known:
    """Chips drawn with replacement from the table."""

    def __init__(self, seed: int) -> None:
        self.rows = np.random.default_rng(seed).integers(0, CHIPS, 50_000)

    def hits(self, chips, images):
        return TABLE[self.rows[np.asarray(chips)][:, None], images]

    def measure(self, chips):
        return WHOLE[self.rows[np.asarray(chips)]][None]


def cohort(seed: int, k: float = 1, counted: bool = True) -> Cohort:
    return Cohort([Known(seed)], seed=seed, images=IMAGES, error=chip_error([k]), counted=counted)


def asked(quantity, precision: float, cap: int = 50_000, images: int | None = None) -> Asked:
    return Asked({"it": quantity}, {"it": precision}, 0.95, cap, images, 16 if isinstance(quantity, Mean) else 64)


CASES = [  # quantity, precision, truth, runs
    (Mean(), 0.012, WHOLE.mean(), 300),
    (Percentile(5), 0.06, np.sort(WHOLE)[math.ceil(0.05 * CHIPS) - 1], 150),
    (Yield(0.7), 0.09, (WHOLE >= 0.7).mean(), 150),
]


@pytest.mark.parametrize(("quantity", "precision", "truth", "runs"), CASES, ids=["mean", "p5", "yield"])
def test_intervals_cover_and_are_as_narrow_as_asked(quantity, precision: float, truth: float, runs: int) -> None:
    """Populations, chips and images afresh: a right 95 % interval shows less coverage for one seed in 10,000."""
    covered = 0
    for seed in range(runs):
        known = cohort(seed, 5)
        found = quantity.interval(known, explore(known, asked(quantity, precision), 30.0))
        assert found.half_width <= precision
        covered += found.low <= truth <= found.high
    assert covered >= stats.binom.ppf(1e-4, runs, 0.95)


def test_bounds_hold_and_most_chips_are_hardly_looked_at() -> None:
    known = cohort(0)
    explore(known, asked(Percentile(1), 0.05), 30.0)
    whole = WHOLE[known.sources[0].rows[: len(known)]]
    wrong = (known.low[0] > whole).sum() + (known.high[0] < whole).sum()
    assert wrong <= stats.binom.isf(1e-4, len(known), 2 * chip_error([1]))
    assert known.spent == known.seen.sum() + (64 * 64 if known.m != 64 else 0)
    assert np.median(known.seen) <= 256
    everything = known.seen[0] == IMAGES
    assert np.array_equal(known.values[0][everything], whole[everything])


def test_racing_ends_where_knowing_every_chip_would() -> None:
    """With the last chips made, limits are those of full evaluation at the same ranks but for the stated slack."""
    known = cohort(3, 5)
    looks = explore(known, asked(Percentile(5), 0.001, cap=800), 30.0)
    found = Percentile(5).interval(known, looks)
    whole = WHOLE[known.sources[0].rows[:800]]
    exact = Cohort([Known(3)], seed=3, images=IMAGES, error=chip_error([5]))
    exact.grow(800, IMAGES)
    wanted = Percentile(5).interval(exact, looks)
    assert np.array_equal(exact.values[0], whole)
    assert found.low <= wanted.low
    assert found.high >= wanted.high
    assert found.half_width - wanted.half_width <= 0.04 * found.half_width
    plain = percentile_interval(whole, 5)
    assert wanted.low <= plain.low
    assert wanted.high >= plain.high


def test_the_same_call_is_the_same_numbers_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = cohort(1), cohort(1)
    looks = [explore(first, asked(Percentile(5), 0.04), 30.0)]
    monkeypatch.setattr("mho.evaluation.cohort.JUDGED", 5000)
    monkeypatch.setattr("mho.evaluation.orders.CELLS", 20_000)
    looks.append(explore(second, asked(Percentile(5), 0.04), 30.0))
    assert looks[0] == looks[1]
    for name in ("y", "hits", "seen", "low", "high"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_the_spread_between_chips_is_free_of_the_noise_of_images() -> None:
    known = cohort(0)
    known.grow(3000, 32)
    whole = WHOLE[known.sources[0].rows[:3000]]
    # The variance of y is known to 2 sqrt(2 / n) of itself, twice its standard error.
    assert abs(known.between - whole.var()) < 2 * math.sqrt(2 / 3000) * known.y.var()
    assert known.y.mean() == pytest.approx(whole.mean(), abs=4 * math.sqrt(known.noise / 3000))


X, Y = nets.inputs(60, 6), torch.arange(60) % 3
MODEL = nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
MEMORY = Memory(device=RRAM1(sigma=0.2))


def test_all_images_are_the_plain_evaluation() -> None:
    chips = deploy(MODEL, MEMORY)
    result = mho.evaluate(chips, (X, Y), precision=0.02, percentiles=(20,), images=60, n_chips=150, first_chip=5)
    made = result.chips
    plain = mho.evaluate(chips, (X, Y), n_chips=made, first_chip=5)
    assert np.array_equal(result.values, plain.values)
    assert result.spent == made * 60 == result.plain or result.spent >= result.plain
    point = result.at()
    assert isinstance(point, Sampled)
    assert point.minimum == plain.at().minimum
    assert point.std == pytest.approx(plain.at().std)


def test_a_metric_of_the_whole_set_is_adaptive_in_chips_alone() -> None:
    chips = deploy(MODEL, MEMORY)
    result = mho.evaluate(chips, (X, Y), metric="f1", precision={"mean": 0.02})
    plain = mho.evaluate(chips, (X, Y), metric="f1", n_chips=result.chips)
    assert np.allclose(result.values, plain.values, rtol=1e-12)
    assert (result.images_per_chip == 60).all()
    assert result.at().mean.half_width <= 0.02


def test_results_survive_json_and_say_what_they_cost() -> None:
    result = mho.evaluate(
        deploy(MODEL, MEMORY), (X, Y), precision={"mean": 0.03, "p20": 0.04}, sigma=[0.05, 0.3], threshold=0.4
    )
    after = Result.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert str(after) == str(result)
    assert str(after.rows()) == str(result.rows())
    assert after.spent == result.spent
    assert result.percentiles == (20.0,)
    assert result.ekl is None
    assert "chip-images" in str(result)
    assert "precision={'mean': 0.03, 'p20': 0.04}" in str(result)
    assert "seed=0" in str(result)
    assert result.rows()[0]["chips"] == len(result.at(sigma=0.05).values)


def test_the_call_that_is_printed_repeats_the_result() -> None:
    result = mho.evaluate(deploy(MODEL, MEMORY, seed=3), (X, Y), precision=0.04, percentiles=(10,), confidence=0.9)
    line = next(line for line in str(result).splitlines() if line.startswith("again: "))
    names = {"mho": mho, "model": MODEL, "memory": MEMORY, "data": (X, Y)}
    again = eval(line.removeprefix("again: "), names)
    assert np.array_equal(again.values, result.values, equal_nan=True)
    assert str(again) == str(result)


def test_too_few_chips_are_said() -> None:
    result = mho.evaluate(deploy(MODEL, MEMORY), (X, Y), precision=0.0001, n_chips=30)
    assert result.chips == 30
    assert "mean is known to ±" in str(result)
    assert "30 chips were the most allowed (n_chips)" in str(result)


@pytest.mark.parametrize("precision", [0.01, 0.1])
def test_chips_that_do_not_differ_still_cannot_exclude_one_that_fails(precision: float) -> None:
    """n chips alike leave room for a failing part of about log(2 / error) / n, however small their variance is."""
    result = mho.evaluate(deploy(MODEL, MEMORY), (X, Y), precision=precision, sigma=0.0, images=60)
    assert result.at().mean.half_width <= precision
    assert 0.5 * math.log(2 / 0.05) / (2 * precision) <= result.chips <= 8 * math.log(2 / 0.05) / (2 * precision) + 64


class Rare:
    """Chips that are all alike, but for a few that fail; every image counts the same."""

    def __init__(self, seed: int, part: float, good: float) -> None:
        self.accuracy = np.where(np.random.default_rng(seed).random(20_000) < part, 0.1, good)

    def hits(self, chips, images) -> np.ndarray:
        return images < self.accuracy[np.asarray(chips)][:, None] * IMAGES

    def measure(self, chips) -> np.ndarray:
        return self.accuracy[np.asarray(chips)][None]


@pytest.mark.parametrize(("part", "good", "precision"), [(0.01, 1.0, 0.01), (0.02, 0.95, 0.01), (0.0, 0.995, 0.01)])
def test_rare_failures_are_covered_though_a_pilot_hardly_sees_them(part: float, good: float, precision: float) -> None:
    """Student's interval covered half as often as it said: it is narrow just where no failing chip was drawn."""
    runs, covered = 60, 0
    truth = (1 - part) * good + part * 0.1
    for seed in range(runs):
        known = Cohort([Rare(seed, part, good)], seed=seed, images=IMAGES, error=chip_error([]))
        found = Mean().interval(known, explore(known, asked(Mean(), precision), 30.0))
        assert found.half_width <= precision
        covered += found.low <= truth <= found.high
    assert covered >= stats.binom.ppf(1e-4, runs, 0.95)


@given(
    values=npst.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)),
    error=st.sampled_from([0.3, 0.05, 1e-3]),
)
def test_the_gambler_s_limits_are_those_of_a_search_through_all_means(values, error: float) -> None:
    found = betting_interval(values, error)
    low, high = sampling.betting(values.tolist(), error)
    assert found.low == pytest.approx(low, abs=2e-3)
    assert found.high == pytest.approx(high, abs=2e-3)
    moved = betting_interval(4 * values - 2, error, (-2.0, 2.0))
    assert moved.low == pytest.approx(4 * found.low - 2, abs=1e-9)


WRONG = [
    ({"precision": 0}, "precision is 0; a half-width must be more than zero"),
    ({"precision": -0.1}, "precision is -0.1; a half-width must be more"),
    ({"precision": math.nan}, "precision is nan; a half-width"),
    ({"precision": 2}, "precision is 2, but is a fraction: 0.2 points are written 0.002"),
    ({"precision": "0.002"}, "precision is '0.002', a str; it takes a half-width"),
    ({"precision": {"maen": 0.1}}, "precision names 'maen': did you mean 'mean'?"),
    ({"precision": {"p0": 0.1}}, "percentile 0 must lie between"),
    ({"precision": {"pp": 0.1}}, "precision names 'pp'"),
    ({"precision": {"yield": 0.1}}, "give threshold= too"),
    ({"precision": {}}, "precision is an empty mapping"),
    ({"precision": {"p1": 1.5}}, "precision of p1 is 1.5, but is a fraction"),
    ({"images": 10}, "images= is the first look of an adaptive evaluation; give precision= too"),
    ({"precision": 0.1, "images": 0}, "images=0 must be one or more"),
]


@pytest.mark.parametrize(("options", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_is_refused(options: dict, says: str) -> None:
    with pytest.raises(SpecError) as raised:
        mho.evaluate(deploy(MODEL, MEMORY), (X, Y), **options)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
