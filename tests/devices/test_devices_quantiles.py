"""Measured quantiles: sampled errors follow the samples they were fitted to, tails included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from mho.devices import MeasuredQuantiles
from mho.devices.quantiles import PROBABILITIES
from mho.errors import SpecError
from mho.rng import Draws

CELLS = 20_000


def draws(chips: int = 1, cells: int = CELLS) -> Draws:
    return Draws(3, "layer", torch.arange(chips), (cells,), torch.device("cpu"))


def heavy_tailed(n: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Targets on four levels; errors of a Student t with 3 degrees of freedom, scaled and skewed by level."""
    generator = np.random.default_rng(0)
    target = generator.integers(0, 4, n) / 3
    return target, target + 0.02 * (1 + target) * generator.standard_t(3, n) + 0.05 * target


def test_reads_the_distribution_it_was_fitted_to() -> None:
    """Two-sample Kolmogorov-Smirnov per level: a true match fails once in 1e4; the Gaussian of equal moments fails."""
    target, read = heavy_tailed()
    device = MeasuredQuantiles.from_samples(target, read, states=4)
    for level in (0.0, 1 / 3, 2 / 3, 1.0):
        measured = (read - target)[np.isclose(target, level)]
        sampled = (device.written_and_read(torch.full((CELLS,), level), draws(), 0.0)[0] - level).numpy()
        assert stats.ks_2samp(measured, sampled).pvalue > 1e-4
        gaussian = measured.mean() + measured.std() * np.random.default_rng(1).standard_normal(CELLS)
        assert stats.ks_2samp(measured, gaussian).pvalue < 1e-4


def test_equals_the_slow_interpolation() -> None:
    """Cell by cell with numpy: inverse distribution at both neighbouring states, then between the states."""
    target, read = heavy_tailed(2000)
    age = np.repeat([1.0, 100.0], 1000)
    device = MeasuredQuantiles.from_samples(target, read, age, states=4)
    level = torch.linspace(-0.1, 1.1, 50)
    got = device.written_and_read(level, draws(2, 50), 10.0).numpy()
    rows = np.array(device.errors)
    table = 0.5 * rows[0] + 0.5 * rows[1]  # 10 s is half way from 1 s to 100 s in the logarithm
    u = (draws(2, 50).bits("measured quantiles").numpy() + 0.5) / 2**32
    for chip in range(2):
        for i, x in enumerate(level.numpy()):
            per_state = [np.interp(u[chip, i], PROBABILITIES, q) for q in table]
            assert got[chip, i] == pytest.approx(x + np.interp(x, device.states, per_state), abs=1e-5)


def test_a_cell_keeps_its_rank_as_it_ages() -> None:
    errors = (((-0.1, 0.0, 0.1),), ((-0.3, 0.0, 0.5),))
    device = MeasuredQuantiles(states=(0.5,), ages=(1.0, 10.0), probabilities=(0.0, 0.5, 1.0), errors=errors)
    young, old = (device.written_and_read(torch.full((200,), 0.5), draws(1, 200), age)[0] for age in (1.0, 10.0))
    assert torch.equal(young.argsort(), old.argsort())


def test_sigma_is_the_spread_at_the_last_age() -> None:
    target, read = heavy_tailed()
    device = MeasuredQuantiles.from_samples(target, read, states=4).with_sigma(0.1)
    states = torch.tensor(device.states).tolist()
    errors = [device.written_and_read(torch.full((CELLS,), s), draws(), 0.0)[0] - s for s in states]
    rms = float(torch.stack([e.var() for e in errors]).mean().sqrt())
    # Standard error of a variance with excess kurtosis k is sqrt((k + 2) / n); k is below 30 after cutting at extremes.
    assert rms == pytest.approx(0.1, rel=4 * 0.5 * (32 / (4 * CELLS)) ** 0.5)


BAD = [
    ({"states": (0.5, 0.5)}, "states"),
    ({"states": ()}, "states"),
    ({"ages": (-1.0,)}, "ages"),
    ({"probabilities": (0.1, 1.0)}, "probabilities"),
    ({"errors": (((0.0, 1.0),),)}, "errors"),
    ({"errors": (((0.0, 1.0, 0.5), (0.0, 0.0, 0.0)),)}, "errors"),
    ({"sigma": 10.0}, "10 % is written 0.1"),
]


@pytest.mark.parametrize(("changes", "says"), BAD, ids=[s for _, s in BAD])
def test_bad_input_is_one_line(changes: dict, says: str) -> None:
    good = {
        "states": (0.0, 1.0),
        "probabilities": (0.0, 0.5, 1.0),
        "errors": (((-0.1, 0.0, 0.1), (-0.1, 0.0, 0.1)),),
    }
    MeasuredQuantiles(**good)
    with pytest.raises(SpecError, match=says) as caught:
        MeasuredQuantiles(**(good | changes))
    assert "\n" not in str(caught.value)
