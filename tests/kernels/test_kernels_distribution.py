"""Fixed keys, a million normals: what a right generator passes for all but one key in a thousand, this key passes.

Every tolerance is the sampling distribution of the statistic at n = 10^6, at four standard errors (6e-5 two-sided)
unless said otherwise. Nothing is drawn again.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from mho import kernels
from mho.rng import Draws, stream_key

N = 1_000_000


def sample(seed: int = 0, purpose: str = "programming", layer: str = "conv", chip: int = 0, n: int = N) -> np.ndarray:
    out = torch.empty(1, n)
    kernels.fill_normal(out, stream_key(seed, purpose, layer), torch.tensor([chip]))
    return out[0].double().numpy()


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    return sample()


@pytest.mark.parametrize(
    ("moment", "value", "variance"),
    [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)],  # Var(z^k) = E z^2k - (E z^k)^2
)
def test_moments(z: np.ndarray, moment: int, value: float, variance: float) -> None:
    assert abs((z**moment).mean() - value) < 4 * math.sqrt(variance / N)


def test_kolmogorov_smirnov(z: np.ndarray) -> None:
    """P(sqrt(n) D > x) = 2 exp(-2 x^2) for large x, so D < sqrt(ln(2 / 0.001) / 2 n) at one in a thousand."""
    assert stats.kstest(z, "norm").statistic < math.sqrt(math.log(2 / 0.001) / (2 * N))


@pytest.mark.parametrize(("beyond", "chips"), [(3, 1), (4, 1), (5, 64)])
def test_tails(beyond: float, chips: int) -> None:
    """The count beyond k sigma is binomial; a 99.99 % interval of it."""
    found = sum(int((np.abs(sample(chip=c)) > beyond).sum()) for c in range(chips))
    low, high = stats.binom.interval(0.9999, chips * N, 2 * stats.norm.sf(beyond))
    assert low <= found <= high
    assert low > 0  # a generator without tails would fail


STREAMS = [
    {"chip": 1},
    {"chip": 2**32},  # another upper word
    {"seed": 1},
    {"seed": -1},
    {"layer": "conv2"},
    {"purpose": "read noise"},
]


@pytest.mark.parametrize("other", STREAMS, ids=str)
def test_streams_are_uncorrelated(z: np.ndarray, other: dict) -> None:
    """The correlation of n independent pairs has standard error 1 / sqrt(n), that of their squares too."""
    w = sample(**other)
    assert abs(np.corrcoef(z, w)[0, 1]) < 4 / math.sqrt(N)
    assert abs(np.corrcoef(z**2, w**2)[0, 1]) < 4 / math.sqrt(N)


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 8])
def test_elements_are_uncorrelated(z: np.ndarray, lag: int) -> None:
    for a in (z, z**2):
        assert abs(np.corrcoef(a[:-lag], a[lag:])[0, 1]) < 4 / math.sqrt(N - lag)


def test_bits_are_uniform() -> None:
    """Chi-square over 256 bins of the upper and of the lower byte, below the quantile of one in ten thousand."""
    words = Draws(0, "conv", torch.tensor([0]), (N,), torch.device("cpu")).bits("stuck-at")[0]
    assert int(words.min()) >= 0
    assert int(words.max()) < 2**32
    for byte in (words >> 24, words & 255):
        counts = np.bincount(byte.numpy(), minlength=256)
        assert stats.chisquare(counts).statistic < stats.chi2.ppf(0.9999, 255)


def test_the_address_decides_and_only_the_address() -> None:
    keys = {stream_key(s, p, layer) for s in (0, 1, -1) for p in ("a", "b") for layer in ("", "x", "y")}
    assert len(keys) == 18
    assert stream_key(0, "a", "b") == stream_key(0, "a", "b")
    assert stream_key(1, "1", "") != stream_key(11, "", "")
    assert stream_key(0, "programming", "conv.weight") == (3_614_906_544, 202_349_465), "cached results would change"


def test_draws_do_not_touch_the_global_generators() -> None:
    torch.manual_seed(5)
    before, state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    sample(n=100)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002
