"""Images of one's own, what they say about all of them, and what looking more than once costs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference import sampling
from scipy import stats

from mho.evaluation.boundaries import Looks, sequential_ranks, single
from mho.evaluation.bounds import hypergeometric_bounds
from mho.evaluation.orders import image_orders, remaining
from mho.evaluation.spending import Spending
from mho.evaluation.statistics import percentile_ranks


@pytest.mark.parametrize(("images", "m"), [(1, 1), (7, 7), (50, 20), (1000, 64)])
def test_orders_are_those_of_the_reference(images: int, m: int) -> None:
    chips = [0, 3, 2**33 + 1]
    assert image_orders(5, chips, m, images).tolist() == [sampling.order(5, c, m, images) for c in chips]


def test_orders_are_nested_addressed_and_without_repetition() -> None:
    whole = image_orders(1, range(40), 300, 300)
    assert np.array_equal(np.sort(whole, axis=1), np.tile(np.arange(300), (40, 1)))
    assert np.array_equal(image_orders(1, range(40), 17, 300), whole[:, :17])
    assert np.array_equal(image_orders(1, [39, 2], 300, 300), whole[[39, 2]])
    rest = remaining(whole[:, :120], 300)
    assert np.array_equal(np.sort(np.hstack([whole[:, :120], rest]), axis=1), np.sort(whole, axis=1))
    assert not np.array_equal(image_orders(2, range(40), 300, 300), whole)


def test_no_image_is_preferred_at_any_step() -> None:
    """20,000 chips x 8 steps over 20 images: chi-square of every step and of pairs, alarms at one in 10,000."""
    orders = image_orders(0, range(20_000), 8, 20)
    for step in orders.T:
        assert stats.chisquare(np.bincount(step, minlength=20)).pvalue > 1e-4
    pairs = np.bincount(orders[:, 0] * 20 + orders[:, 1], minlength=400).reshape(20, 20)
    assert stats.chisquare(pairs[~np.eye(20, dtype=bool)]).pvalue > 1e-4


@pytest.mark.parametrize(("m", "images"), [(1, 5), (3, 10), (9, 10), (10, 10), (12, 31)])
@pytest.mark.parametrize("error", [Fraction(1, 7), Fraction(1, 97), Fraction(1, 10_007)])
def test_bounds_are_those_of_the_reference(m: int, images: int, error: Fraction) -> None:
    low, high = hypergeometric_bounds(m, images, float(error))
    if m == images:
        assert low.tolist() == high.tolist() == list(range(m + 1))
        return
    assert list(zip(low, high, strict=True)) == [sampling.bounds(h, m, images, error) for h in range(m + 1)]


@pytest.mark.parametrize(("m", "images", "error"), [(16, 300, 5e-5), (256, 1000, 1e-3), (64, 10_000, 1e-5)])
def test_bounds_are_scipy_s(m: int, images: int, error: float) -> None:
    low, high = hypergeometric_bounds(m, images, error)
    h = np.arange(m + 1)
    assert (stats.hypergeom.sf(h - 1, images, low, m) > error).all()
    below = h[low > 0]
    assert (stats.hypergeom.sf(below - 1, images, low[below] - 1, m) <= error * (1 + 1e-9)).all()
    assert (stats.hypergeom.cdf(h, images, high, m) > error).all()


@pytest.mark.parametrize("error", [0.05, 1e-3])
def test_bounds_are_wrong_no_more_often_than_they_say(error: float) -> None:
    """Every number of hits among 60 images, every outcome of 11 draws: an enumeration, no simulation."""
    low, high = hypergeometric_bounds(11, 60, error)
    for k in range(61):
        p = stats.hypergeom.pmf(np.arange(12), 60, k, 11)
        assert p[low > k].sum() <= error
        assert p[high < k].sum() <= error


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_shares_sum_to_the_error(confidence: float) -> None:
    spending, shares = Spending(1 - confidence), []
    for step in ("planned", *["extension"] * 30, "rest"):
        share, spending = getattr(spending, step)()
        assert share >= 0
        shares.append(share)
    assert sum(shares) == pytest.approx(1 - confidence, abs=1e-12)
    assert sum(shares) <= 1 - confidence + 1e-12
    assert max(shares) == shares[0], "the look that is planned for has most of it"


@pytest.mark.parametrize("p", [Fraction(1, 10), Fraction(1, 2), Fraction(7, 8)])
@pytest.mark.parametrize("history", [((30, 0.05),), ((10, 0.01), (30, 0.2), (30, 0.01), (40, 0.05), (64, 0.02))])
def test_ranks_spend_what_they_may_at_every_look_and_no_rank_more_would_do(p, history) -> None:
    """Every path of the walk is followed, in fractions; from both ends."""
    allowed, lower, upper = Fraction(0), [], []
    for j, (chips, share) in enumerate(history):
        low, high = sequential_ranks(Looks(history[: j + 1]), float(p), float(p))
        allowed += Fraction(share) / 2
        for looks, rank, chance in ((lower, low, p), (upper, chips + 1 - high, 1 - p)):
            assert sampling.crossings([*looks, (chips, rank)], chance) <= allowed
            assert sampling.crossings([*looks, (chips, rank + 1)], chance) > allowed
            looks.append((chips, rank))


def test_one_look_has_the_ranks_of_a_plain_evaluation() -> None:
    for n in (20, 300, 465, 5000):
        for p in (0.01, 0.05, 0.5, 0.99):
            assert sequential_ranks(single(n, 0.05), p, p) == percentile_ranks(n, p, p, 0.025)


def test_a_look_beyond_the_plan_costs_less_than_errors_that_are_added_up() -> None:
    history = ((1000, 0.04), (1500, 0.005))
    low, high = sequential_ranks(Looks(history), 0.01, 0.01)
    apart = percentile_ranks(1500, 0.01, 0.01, 0.0025)
    assert apart[0] < low
    assert high < apart[1]
