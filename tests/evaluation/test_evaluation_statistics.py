"""Intervals cover what they say, and results survive the trip through JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from mho.errors import SpecError
from mho.evaluation import Interval, Result, mean_interval, percentile_interval, yield_interval

RUNS = 2000


def at_least(nominal: float, runs: int = RUNS) -> float:
    """The lowest coverage that ``runs`` simulations of a right interval show for all but one seed in 10,000."""
    return float(stats.binom.ppf(1e-4, runs, nominal)) / runs


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 5, 100])
def test_the_mean_s_interval_is_student_s(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).normal(0.9, 0.02, n)
    found = mean_interval(values, confidence)
    wanted = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(wanted)
    assert found.value == values.mean()
    assert found.half_width == pytest.approx((wanted[1] - wanted[0]) / 2)


def test_the_mean_s_interval_covers() -> None:
    draws = np.random.default_rng(0).normal(0.5, 0.1, (RUNS, 8))
    covered = np.mean([i.low <= 0.5 <= i.high for i in map(mean_interval, draws)])
    assert covered >= at_least(0.95)
    assert stats.binom.cdf(round(covered * RUNS), RUNS, 0.95) < 1 - 1e-4, "no wider than it says"


def test_too_few_values_have_no_interval() -> None:
    assert all(map(math.isnan, mean_interval(np.array([math.nan]))))
    one = mean_interval(np.array([0.5, math.nan]))
    assert one.value == 0.5
    assert math.isnan(one.low)
    assert math.isnan(one.half_width)
    assert mean_interval(np.array([0.25, math.nan, 0.75])).value == 0.5


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(1000, 3.8, 16.2), (5000, 36, 64), (10_000, 80.5, 119.5)],  # the normal approximation n p +- 1.96 sqrt(n p q)
)
def test_ranks_of_the_first_percentile(n: int, low: float, high: float) -> None:
    found = percentile_interval(np.arange(1, n + 1).astype(float), 1)  # the value at rank r is r
    assert abs(found.low - low) <= 1.5
    assert abs(found.high - high) <= 2
    exact = stats.binom(n, 0.01)
    assert exact.cdf(found.low - 1) <= 0.025 < exact.cdf(found.low)
    assert exact.sf(found.high - 1) <= 0.025 < exact.sf(found.high - 2)


def test_three_hundred_chips_have_no_lower_limit_for_the_first_percentile() -> None:
    values = np.random.default_rng(0).random(300)
    found = percentile_interval(values, 1)
    assert math.isnan(found.low)
    assert found.value == pytest.approx(np.quantile(values, 0.01))
    assert found.high > found.value
    assert not math.isnan(percentile_interval(np.arange(400.0), 1).low)  # 0.99^400 < 0.025 < 0.99^300
    assert math.isnan(percentile_interval(values, 99).high)
    assert math.isnan(percentile_interval(np.array([1.0]), 50).low)


@pytest.mark.parametrize(("n", "k"), [(500, 1), (100, 5), (50, 50), (40, 90)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_percentile_intervals_cover_whatever_the_distribution(n: int, k: float, confidence: float) -> None:
    """Simulated for a continuous and for a coarse (accuracy-like) distribution; never below the nominal coverage."""
    rng = np.random.default_rng(1)
    for draw, truth in (
        (rng.exponential(1, (RUNS, n)), stats.expon.ppf(k / 100)),
        (rng.binomial(20, 0.9, (RUNS, n)) / 20, stats.binom.ppf(k / 100, 20, 0.9) / 20),
    ):
        intervals = [percentile_interval(row, k, confidence) for row in draw]
        covered = np.mean([not (i.low > truth) and not (i.high < truth) for i in intervals])
        assert covered >= at_least(confidence)


@pytest.mark.parametrize("n", [1, 7, 200])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_yield_s_interval_is_clopper_pearson(n: int, confidence: float) -> None:
    for good in {0, 1, n // 2, n}:
        values = np.array([0.9] * good + [0.8] * (n - good))
        exact = stats.binomtest(good, n).proportion_ci(confidence, method="exact")
        found = yield_interval(values, 0.9, confidence)
        assert found.value == good / n
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def result(**changes) -> Result:
    rng = np.random.default_rng(0)
    base = dict(  # noqa: C408 - the fields of a result
        values=rng.random((2, 3, 50)),
        ekl=rng.random((2, 3, 50)),
        sigma=(0.1, 0.2),
        age=(0.0, 3600.0, 31_557_600.0),
        metric="accuracy",
        ideal=0.95,
        digital=0.96,
        images=100,
        threshold=0.5,
        label="RRAM1",
        data="digits",
        first_chip=7,
        provenance={"torch": "2", "seconds": 1.5},
    )
    return Result(**{**base, **changes})


def same(a: Result, b: Result) -> bool:
    return all(
        np.array_equal(x, y, equal_nan=True) if isinstance(x, np.ndarray) else x == y
        for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


@pytest.mark.parametrize(
    "changes", [{}, {"ekl": None}, {"sigma": (None, 0.2)}, {"ekl": np.full((2, 3, 50), math.nan)}], ids=str
)
def test_results_survive_json(changes: dict) -> None:
    before = result(**changes)
    assert same(Result.from_dict(before.to_dict()), before)
    after = Result.from_dict(json.loads(json.dumps(before.to_dict(), allow_nan=False)))
    assert same(after, before)
    assert str(after) == str(before)
    assert after.rows() == before.rows() or changes.get("ekl") is not None


def test_a_population_is_one_point_of_the_grid() -> None:
    whole = result()
    point = whole.at(sigma=0.2, age=3600)
    assert np.array_equal(point.values, whole.values[1, 1])
    assert np.array_equal(point.ekl_values, whole.ekl[1, 1])
    assert (point.sigma, point.age) == (0.2, 3600.0)
    assert point.minimum == whole.values[1, 1].min()
    assert point.std == pytest.approx(whole.values[1, 1].std(ddof=1))
    assert point.mean == mean_interval(whole.values[1, 1])
    assert point.percentile(5) == percentile_interval(whole.values[1, 1], 5)
    assert point.yield_above(0.5) == yield_interval(whole.values[1, 1], 0.5)
    assert point.ekl == mean_interval(whole.ekl[1, 1])
    assert len(whole) == 6
    assert [(p.sigma, p.age) for p in whole.populations()][:2] == [(0.1, 0.0), (0.1, 3600.0)]
    assert whole.at(sigma=0.1 + 1e-12, age=0).sigma == 0.1
    assert whole.axes["chip"] == tuple(range(7, 57))
    assert math.isnan(result(values=whole.values[..., :1], ekl=None).at(sigma=0.1, age=0).std)


@pytest.mark.parametrize("point", [{"sigma": 0.15, "age": 0}, {"age": 0}, {"sigma": 0.1, "age": 60}, {"sigma": 0.1}])
def test_points_that_were_not_evaluated(point: dict) -> None:
    with pytest.raises(SpecError, match="in this result; it has") as error:
        result().at(**point)
    assert "\n" not in str(error.value)


def test_rows_are_flat_and_complete() -> None:
    rows = result().rows()
    assert len(rows) == 6
    assert rows[4]["sigma"] == 0.2
    assert rows[4]["age_s"] == 3600.0
    point = result().at(sigma=0.2, age=3600)
    assert (rows[4]["p1"], rows[4]["p1_low"], rows[4]["p1_high"]) == pytest.approx(point.percentile(1), nan_ok=True)
    assert {"mean", "std", "min", "p5_low", "yield>=0.5_high", "ekl", "label", "chips"} <= rows[0].keys()


def test_print_says_percent_only_where_it_is_one() -> None:
    text = str(result())
    assert "accuracy in %" in text
    assert "95.00" in text
    assert "1h" in text
    assert "yield≥50.00" in text
    other = str(result(metric="perplexity", bounded=False, ideal=23.4567, digital=20.0, ekl=None, threshold=30.0))
    assert "%" not in other.replace("95 % intervals", "")
    assert "23.4" in other
    assert "2345" not in other
    assert "EKL" not in other


def test_interval_is_a_tuple() -> None:
    value, low, high = Interval(1.0, 0.5, 2.0)
    assert (value, low, high) == (1.0, 0.5, 2.0)


def test_numbers_that_json_lacks_become_null() -> None:
    before = result(digital=math.inf, ideal=math.nan, values=np.full((2, 3, 50), math.inf))
    after = Result.from_dict(json.loads(json.dumps(before.to_dict(), allow_nan=False)))
    assert math.isnan(after.digital)
    assert math.isnan(after.ideal)
    assert np.isnan(after.values).all()
