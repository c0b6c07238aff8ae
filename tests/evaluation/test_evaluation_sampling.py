"""Images of one's own, what they say about all of them, and what looking more than once costs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference import sampling
from scipy import stats

from mho.evaluation.bounds import hypergeometric_bounds
from mho.evaluation.orders import image_orders, remaining
from mho.evaluation.spending import Spending, obrien_fleming


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
@pytest.mark.parametrize("fractions", [(), (0.5,), (0.3, 0.8)])
def test_shares_sum_to_the_error(confidence: float, fractions: tuple[float, ...]) -> None:
    spending, shares = Spending(1 - confidence), []
    steps = ["pilot", *fractions, 1.0, *["extension"] * 30, "rest"]
    for step in steps:
        share, spending = spending.planned(step) if isinstance(step, float) else getattr(spending, step)()
        assert share >= 0
        shares.append(share)
    assert sum(shares) == pytest.approx(1 - confidence, abs=1e-12)
    assert sum(shares) <= 1 - confidence + 1e-12
    late = max(fractions, default=0.0) > 0.5
    assert late or max(shares) == shares[len(fractions) + 1], "the look that is planned for has most of it"


def test_the_spending_function_is_the_published_one() -> None:
    assert obrien_fleming(0.05, 0.5) == pytest.approx(2 * stats.norm.sf(1.959964 / np.sqrt(0.5)), rel=1e-5)
    assert obrien_fleming(0.05, 1.0) == pytest.approx(0.05)
    assert obrien_fleming(0.05, 0.0) == 0
