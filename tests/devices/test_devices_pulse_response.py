"""Measured pulse responses: the likelihood against a dense twin, what a fit recovers, files and their refusals."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mho.devices import LinearStep, SoftBounds, fit_response
from mho.devices.pulse_files import read_responses
from mho.devices.pulse_likelihood import _filter, fit_run
from mho.errors import DataError


def run_of(rng, n: int, step: float, shrinks: float, noise: float, read: float, start: float = -1.0) -> np.ndarray:
    """A slow loop: conductances after each of ``n`` pulses up, with additive noise, in whatever unit."""
    out, v = [], start
    for _ in range(n):
        v += step * (1 - shrinks * v) + noise * rng.normal()
        out.append(v + read * rng.normal())
    return np.array(out)


def device(rng, n: int = 400, up: float = 0.02, down: float = 0.02, high: float = 1.0, low: float = -1.0, read=0.02):
    """A run up that starts low and a run down that starts high, step noise 0.3 of the step."""
    return (
        run_of(rng, n, up, 1 / high, 0.3 * up, read, 0.9 * low),
        -run_of(rng, n, down, -1 / low, 0.3 * down, read, -0.9 * high),
    )


def dense(reads: np.ndarray, step: float, shrinks: float, ratio: float, wander: float, memory: float) -> tuple:
    """The same likelihood from the covariance of all reads, the first conductance from a very wide prior."""
    n, keep, wide = len(reads), 1 - step * shrinks, 1e7
    mean, cell = np.zeros(n), np.zeros((n, n))
    mean[0], cell[0, 0] = reads[0], wide
    for t in range(1, n):
        mean[t] = keep * mean[t - 1] + step
        cell[t, :t] = cell[:t, t] = keep * cell[t - 1, :t]
        cell[t, t] = keep * keep * cell[t - 1, t - 1] + ratio
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    cov = cell + wander * memory**lag + np.eye(n)
    # Given the first read, the others are Gaussian with the usual conditional moments.
    left = cov[1:, 1:] - np.outer(cov[1:, 0], cov[1:, 0]) / cov[0, 0]
    off = reads[1:] - mean[1:]
    variance = off @ np.linalg.solve(left, off) / (n - 1)
    return math.log(variance) + np.linalg.slogdet(left)[1] / (n - 1), variance


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99),
    n=st.integers(20, 40),
    step=st.floats(0.01, 0.1),
    shrinks=st.floats(0.0, 1.2),
    ratio=st.floats(1e-3, 10.0),
    wander=st.sampled_from([0.0, 0.5, 3.0]),
    memory=st.floats(0.05, 0.95),
)
def test_the_filter_is_the_dense_gaussian(seed, n, step, shrinks, ratio, wander, memory) -> None:
    """The prior of variance 1e7 is worth 1e-6 of what it is compared with."""
    reads = np.random.default_rng(seed).normal(0, 1, n).cumsum()
    got = _filter(reads, step, shrinks, ratio, wander, memory)
    assert got == pytest.approx(dense(reads, step, shrinks, ratio, wander, memory), rel=1e-4, abs=1e-4)


def test_a_fit_recovers_what_made_the_run() -> None:
    """Ten runs: estimates scatter around the truth, which is within four standard errors of their mean."""
    truth = {"step": 0.02, "shrinks": 0.9, "noise": 0.01, "read_noise": 0.05}
    rng = np.random.default_rng(1)
    found = [fit_run(run_of(rng, 300, *truth.values()), (0.2, 1.25)) for _ in range(10)]
    for name, value in truth.items():
        got = np.array([getattr(run, name) for run in found])
        # The likelihood of a variance is skewed: its estimate is low by about the number of other parameters over n.
        assert abs(got.mean() - value) < 4 * got.std(ddof=1) / math.sqrt(10) + 0.02 * value, name
        assert got.mean() == pytest.approx(value, rel=0.15), name
    assert sum(run.flicker == 0 for run in found) >= 9, "nothing wanders here but the cell"


def test_reads_that_wander_are_not_taken_for_the_cell() -> None:
    rng = np.random.default_rng(2)
    wander, run = [0.0], run_of(rng, 600, 0.004, 0.5, 0.0, 0.05)
    for _ in range(599):
        wander.append(0.8 * wander[-1] + 0.1 * 0.6 * rng.normal())  # standard deviation 0.1
    found = fit_run(run + np.array(wander), (0.0, 1.25))
    # Runs of memory m count as n (1 - m) / (1 + m) = 67 values: a standard deviation is known to 9 %, a memory to
    # sqrt((1 - m^2) / n) = 0.025, each somewhat worse beside read noise.
    assert found.flicker == pytest.approx(0.1, rel=0.45)
    assert found.memory == pytest.approx(0.8, abs=0.15)
    assert found.read_noise == pytest.approx(0.05, rel=0.3)
    assert found.noise < 0.01, "without the wander 0.04"


def test_noise_free_curves_are_found_exactly() -> None:
    rng = np.random.default_rng(0)
    up = run_of(rng, 60, 0.1, 1 / 1.1, 0.0, 0.0, -0.9)
    down = -run_of(rng, 60, 0.05, 1 / 1.05, 0.0, 0.0, -1.0)
    fit = fit_response([up], [down])
    unit = [fit.centre + fit.scale * w for w in (fit.cell.w_min, fit.cell.w_max)]
    assert unit == pytest.approx([-1.05, 1.1], rel=1e-3)
    at_zero = [0.1 * (1 - fit.centre / 1.1), 0.05 * (1 + fit.centre / 1.05)]
    step, rho = fit.cell.step * fit.scale, fit.cell.asymmetry
    assert [step * (1 + rho), step * (1 - rho)] == pytest.approx(at_zero, rel=1e-2)
    assert fit.cell.ctoc < 0.01
    assert fit.read_noise < 0.01


def test_units_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    up, down = device(rng, 200)
    plain, siemens = fit_response([up], [down]), fit_response([3e-6 * up + 2e-5], [3e-6 * down + 2e-5])
    assert siemens.centre == pytest.approx(2e-5 + 3e-6 * plain.centre)
    assert siemens.scale == pytest.approx(3e-6 * plain.scale)
    for name in ("n_states", "w_max", "w_min", "asymmetry", "ctoc"):
        assert getattr(siemens.cell, name) == pytest.approx(getattr(plain.cell, name), rel=1e-2, abs=1e-3), name


def test_one_device_says_nothing_of_others() -> None:
    up, down = device(np.random.default_rng(5), 200)
    cell = fit_response([up], [down]).cell
    for name in ("bounds_dtod", "step_dtod", "asymmetry_dtod"):
        assert getattr(cell, name) == getattr(SoftBounds(), name)


def test_spreads_from_many_devices() -> None:
    """Sixteen devices of known spreads: a standard deviation of 16 is known to 18 %, and fits add their own errors."""
    rng = np.random.default_rng(6)
    gamma, rho = np.exp(rng.normal(0, 0.3, 16)), rng.normal(0.1, 0.1, 16)
    bounds = 1 + rng.normal(0, 0.15, (2, 16))
    many = [
        device(rng, 200, 0.04 * (g + r), 0.04 * (g - r), a, -b, 0.01)
        for g, r, a, b in zip(gamma, rho, *bounds, strict=True)
    ]
    fit = fit_response(*zip(*many, strict=True))
    cell = fit.cell
    assert fit.devices == 16
    # Against the spreads that were drawn, not those of the law: what is left is the error of the fits.
    assert cell.step_dtod == pytest.approx(np.log(gamma).std(ddof=1), rel=0.25)
    assert cell.asymmetry_dtod == pytest.approx(rho.std(ddof=1), rel=0.35)
    assert cell.asymmetry == pytest.approx(rho.mean(), abs=4 * 0.1 / 4)
    drawn = math.sqrt((bounds.std(1, ddof=1) ** 2).mean())
    assert cell.bounds_dtod == pytest.approx(drawn, rel=0.35)
    assert cell.ctoc == pytest.approx(0.3, rel=0.25)


def test_a_straight_line_is_no_soft_bound() -> None:
    rng = np.random.default_rng(7)
    up, down = run_of(rng, 200, 0.01, 0.0, 0.0, 0.02), -run_of(rng, 200, 0.01, 0.0, 0.0, 0.02)
    with pytest.warns(
        UserWarning, match="the upper bound .3 times half the range. of device 1.* limit of the search"
    ) as said:
        soft = fit_response([up], [down]).cell
    assert len(said) == 1
    assert "\n" not in str(said[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear = fit_response([up], [down], law="linear-step").cell
    assert isinstance(soft, SoftBounds)
    assert soft.w_max == pytest.approx(3.0, rel=0.02), "the farthest it may be"
    assert isinstance(linear, LinearStep)
    assert linear.w_max == pytest.approx(1.0)
    assert max(linear.slopes) < 0.15


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_files_with_and_without_a_header(tmp_path) -> None:
    up, down = device(np.random.default_rng(8), 100)
    bare = write(tmp_path / "bare.csv", "".join(f"{a:.9g},{b:.9g}\n" for a, b in zip(up, down, strict=True)))
    named = write(
        tmp_path / "named.csv",
        "# one device\ndown1, up1\n" + "".join(f"{b:.9g},{a:.9g}\n" for a, b in zip(up, down, strict=True)),
    )
    assert SoftBounds.from_csv(bare) == SoftBounds.from_csv(named)
    assert isinstance(LinearStep.from_csv(bare), LinearStep)
    short = write(tmp_path / "short.csv", "up,down\n1,5\n2,4\n3,\n")
    ups, downs = read_responses(short)
    assert [len(ups[0]), len(downs[0])] == [3, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has 0 columns"),
        ("1,2,3\n", "has 3 columns; it takes a pair up,down for each device"),
        ("x,y\n1,2\n", "its header says x,y"),
        ("up,down\n1,2\n1,two\n", "line 3: column 2 is 'two', not a number"),
        ("up,down\n1,2\n,2\n1,2\n", "line 4: column 1 goes on after a blank"),
        ("up,down\n1,2\n2,1\n", "run up of device 1 has 2 pulses; 20 or more"),
        ("up,down\n" + "1,2\n" * 30, "up must raise and down must lower"),
        ("up,down\n" + "".join(f"{30 - i},{i}\n" for i in range(30)), "are the columns swapped?"),
        ("up,down\n" + "".join(f"{i},{'nan' if i == 7 else -i}\n" for i in range(30)), "holds NaN"),
    ],
)
def test_bad_files_are_one_line(tmp_path, text: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        SoftBounds.from_csv(write(tmp_path / "x.csv", text))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_refusals(tmp_path) -> None:
    with pytest.raises(DataError, match="no such file"):
        SoftBounds.from_csv(tmp_path / "none.csv")
    with pytest.raises(DataError, match="as many runs up as down; got 0 and 0"):
        fit_response([], [])
    rng = np.random.default_rng(9)
    good, high = device(rng, 60, 0.1, 0.1), device(rng, 60, 0.1, 0.1)
    away = [tuple(run + shift for run in pair) for pair, shift in ((good, 0.0), (high, 40.0))]
    with pytest.raises(DataError, match="device 1 never reaches the middle"):
        fit_response(*zip(*away, strict=True))
