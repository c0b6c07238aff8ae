"""Pulses in numbers: what one, several and whole trains of them do on average, against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from reference.pulsed import normal
from scipy import stats

from mho import analog, devices
from mho.analog import Tile
from mho.kernels import cpu_pulses
from mho.kernels import pulses as kernel

SAME = {"bounds_dtod": 0.0, "step_dtod": 0.0, "asymmetry_dtod": 0.0}
"""Cells that are all alike."""
IDEAL = devices.ConstantStep(n_states=2000, ctoc=0.0, **SAME)
SIGMAS = 5.0
"""Of what a mean or a variance may be off: one test in a million, were the keys not fixed."""


def pressed(cell: Any, start: float, counts: Any, *, exact: bool, chips: int = 1, width: int = 20_000) -> np.ndarray:
    """Cells at ``start`` after so many pulses each, ``(chips, 1, width)``."""
    algorithm = analog.InMemorySGD(cell=cell, pulses=analog.PulseTrain(exact=exact))
    tile = Tile(algorithm, (1, width), chips=range(chips))
    tile.program(torch.full((1, width), start))
    wanted = np.ascontiguousarray(np.broadcast_to(np.asarray(counts, np.int32), (chips, 1, width)))
    kernel.press(tile.weight, tile.cells("weight"), wanted, tile.chip_numbers, 7)
    return tile.weight.numpy().astype(np.float64)


@pytest.mark.parametrize("start", [-0.4, 0.0, 0.3])
@pytest.mark.parametrize("n", [1, -1, 2, 5, -13])
def test_n_pulses_have_the_mean_and_variance_of_the_closed_form(start: float, n: int) -> None:
    cell = devices.SoftBounds(n_states=100, ctoc=0.3, **SAME)
    found = pressed(cell, start, n, exact=False).ravel()
    a, sigma, bound = cell.step, cell.ctoc, math.copysign(1.0, n)
    keep = (1 - a) ** abs(n)
    mean = bound - (bound - start) * keep
    variance = (a * sigma) ** 2 * sum((1 - a) ** (2 * k) for k in range(abs(n)))
    assert abs(found.mean() - mean) < SIGMAS * math.sqrt(variance / found.size)
    assert abs(found.var() / variance - 1) < SIGMAS * math.sqrt(2 / found.size)


@pytest.mark.parametrize("noise", ["additive", "multiplicative"])
@pytest.mark.parametrize("start", [0.0, 0.55, 0.93])
@pytest.mark.parametrize("n", [3, 11])
def test_at_once_and_one_by_one_have_one_distribution(noise: Any, start: float, n: int) -> None:
    cell = devices.SoftBounds(n_states=20, ctoc=0.3, noise=noise, **SAME)
    at_once = pressed(cell, start, n, exact=False).ravel()
    # Another chip, so that the two samples have no numbers in common.
    one_by_one = pressed(cell, start, n, exact=True, chips=2)[1].ravel()
    assert stats.ks_2samp(at_once, one_by_one).pvalue > 1e-4


def test_devices_of_all_kinds_at_once_and_one_by_one() -> None:
    """Cells that differ, every count and both directions: Kolmogorov-Smirnov on what each moved beyond its mean."""
    cell = devices.SoftBounds(n_states=30)
    draw = np.random.default_rng(0)
    counts = draw.integers(-6, 7, 20_000)
    quiet = pressed(cell.replace(ctoc=0.0), 0.1, counts, exact=True).ravel()
    moved = np.abs(counts) > 1
    found = [pressed(cell, 0.1, counts, exact=exact, chips=2)[int(exact)].ravel() for exact in (False, True)]
    at_once, one_by_one = ((f - quiet)[moved] for f in found)
    # Chip 1 has other cells than chip 0, of the same law: the two samples are independent.
    other = pressed(cell.replace(ctoc=0.0), 0.1, counts, exact=True, chips=2)[1].ravel()
    assert stats.ks_2samp(at_once, (found[1] - other)[moved]).pvalue > 1e-4
    assert not np.array_equal(at_once, one_by_one)


def test_single_pulses_are_the_same_either_way() -> None:
    counts = np.random.default_rng(0).integers(-1, 2, 500)
    cell = devices.SoftBounds(n_states=5)
    several, singly = (pressed(cell, 0.1, counts, exact=exact, width=500) for exact in (False, True))
    assert np.array_equal(several, singly)
    still = several.ravel()[counts == 0]
    assert np.array_equal(still, np.full(still.shape, np.float32(0.1), np.float64))


@pytest.mark.parametrize("width", [1, 4, 7])
def test_normals_have_the_addresses_of_the_reference(width: int) -> None:
    key = (np.uint32(5), np.uint32(9))
    for row, column, sample in ((0, 0, 0), (3, width - 1, 9), (1, width // 2, (1 << 33) + 5)):
        fast = cpu_pulses.normal(row, column, width, sample, 4, key)
        assert fast == normal((5, 9), 4, sample, row, column, width, 0)


@pytest.mark.parametrize("managed", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
def test_an_ideal_array_makes_the_outer_product_on_average(managed: bool, balanced: bool) -> None:
    trains = analog.PulseTrain(length=10, length_management=managed, update_management=balanced)
    rate, many = 0.004, 20_000
    tile = Tile(analog.InMemorySGD(cell=IDEAL, pulses=trains), (3, 4), chips=range(many), counted=False)
    x, d = torch.tensor([[0.3, -0.7, 1.0, 0.0]]), torch.tensor([[0.9, -0.2, 0.5]])
    tile.update(x, d, rate)
    moved, wanted = tile.weight.double().mean(0), -rate * (d.T @ x).double()
    slots = 10 if not managed else math.ceil(rate * 1.0 * 0.9 / IDEAL.step)
    chance = wanted.abs() / (IDEAL.step * slots)
    spread = IDEAL.step * (slots * chance * (1 - chance) / many).sqrt()
    assert ((moved - wanted).abs() <= SIGMAS * spread + 1e-9).all()


def test_coincidences_have_the_moments_of_shared_bits() -> None:
    """n ~ Binomial(BL, p q), and crosspoints of one row share its bits: Cov = BL q (1 - q) p p'."""
    slots, many = 8, 40_000
    trains = analog.PulseTrain(length=slots, length_management=False, update_management=False)
    x, d = np.full((1, many, 2), 0.6, np.float32), np.full((1, many, 1), 0.5, np.float32)
    rate = IDEAL.step * slots
    plan = kernel.plan(x, d, np.zeros((1, 2)), rate=rate, step=IDEAL.step, **trains.options)
    made = kernel.draw(plan, x, d, np.zeros(1, np.int64), 0, ((1, 2), (3, 4)))
    n = np.bitwise_count(made.words[:, 0] & made.row_words[:, 0]).astype(float)
    p, q = 0.6, 0.5
    assert abs(n.mean() - slots * p * q) < SIGMAS * math.sqrt(slots * p * q * (1 - p * q) / (2 * many))
    expected = stats.binom.pmf(np.arange(slots + 1), slots, p * q) * many
    assert stats.chisquare(np.bincount(n[:, 0].astype(int), minlength=slots + 1), expected).pvalue > 1e-4
    covariance = np.cov(n.T)[0, 1]
    variance = slots * p * q * (1 - p * q)
    assert abs(covariance - slots * q * (1 - q) * p * p) < SIGMAS * math.sqrt(2) * variance / math.sqrt(many)


def test_update_management_gives_the_largest_equal_chances() -> None:
    small, step = 2.0**-9, 2.0**-10
    x, d = np.array([[[0.1, 4.0]]], np.float32), np.array([[[small, small / 2]]], np.float32)
    plan = kernel.plan(x, d, np.zeros((1, 2)), rate=1.0, step=step, longest=31)
    assert plan.lengths[0, 0] == 8
    assert 4.0 * plan.scales[0, 0, 0] == pytest.approx(small * plan.scales[0, 0, 1])
    assert 4.0 * plan.scales[0, 0, 0] == pytest.approx(1.0)
    # Beyond the longest train chances are cut: of both sides, or of errors alone.
    both = kernel.plan(x, d, np.zeros((1, 2)), rate=9.0, step=step, longest=31)
    errors = kernel.plan(x, d, np.zeros((1, 2)), rate=9.0, step=step, longest=31, saturates=True)
    assert 4.0 * both.scales[0, 0, 0] == pytest.approx(math.sqrt(72 / 31))
    assert 4.0 * errors.scales[0, 0, 0] == pytest.approx(1.0)
    assert small * errors.scales[0, 0, 1] == pytest.approx(72 / 31)


def test_the_rate_of_gradients_follows_running_maxima() -> None:
    x, d = np.ones((1, 3, 2), np.float32), np.ones((1, 3, 2), np.float32)
    x[0, 1], d[0, 2] = 3.0, 5.0
    means = np.zeros((1, 2))
    plan = kernel.plan(x, d, means, rate=9.0, step=0.1, longest=5, fast=0.5, memory=0.9)
    mx, md = [1.0, 0.9 + 0.3, 0.9 * 1.2 + 0.1], [1.0, 1.0, 0.9 + 0.5]
    np.testing.assert_allclose(plan.rates[0], [0.5 * 5 * 0.1 / (a * b) for a, b in zip(mx, md, strict=True)])
    np.testing.assert_allclose(means[0], [mx[-1], md[-1]])


def test_pairs_of_pulses_take_a_cell_to_its_symmetry_point() -> None:
    """After an up-down pair w - w* is (1 - 2 delta) of what it was, to first order [rasch2024fast]."""
    cell = devices.SoftBounds(n_states=2000, ctoc=0.0, bounds_dtod=0.0, step_dtod=0.0, asymmetry_dtod=0.1)
    tile = Tile(analog.InMemorySGD(cell=cell), (1, 64))
    middle = tile.points("weight").symmetry_point(cell.slopes)
    tile.program(torch.full((1, 64), 0.5))
    pairs = 200
    for k in range(2 * pairs):
        wanted = np.full((1, 1, 64), 1 if k % 2 == 0 else -1, np.int32)
        kernel.press(tile.weight, tile.cells("weight"), wanted, tile.chip_numbers, k)
    kept = (tile.weight - middle) / (0.5 - middle)
    torch.testing.assert_close(kept, torch.full_like(kept, (1 - 2 * cell.step) ** pairs), rtol=0.02, atol=0.01)


def test_a_stuck_cell_stays_where_it_is() -> None:
    cell = devices.SoftBounds(stuck_rate=1.0)
    tile = Tile(analog.InMemorySGD(cell=cell), (5, 6))
    before = tile.weight.clone()
    tile.update(torch.ones(50, 6), torch.ones(50, 5), 0.5)
    torch.testing.assert_close(tile.weight, before, rtol=0, atol=1e-7)
    assert before.std() > 0.1


def test_used_cells_are_counted_once_a_pulse() -> None:
    tile = Tile(analog.InMemorySGD(cell=IDEAL), (6, 7))
    x, d = torch.rand(40, 7), -torch.rand(40, 6)
    before = tile.weight.clone()
    tile.update(x, d, 0.01)
    steps = (tile.weight - before) / IDEAL.step
    torch.testing.assert_close(steps, tile.pulses["weight"].float(), rtol=0, atol=0.02)
    assert replace(tile.cells("weight"), used=None).used is None


@pytest.mark.parametrize("offset", [0.8, -0.8])
def test_without_gradients_only_ttv2_takes_an_offset_for_one(offset: float) -> None:
    """With zero gradient TTv2 sends a pulse every ceil(1 / (rate_H |o|)) reads of a slice; the others stay at 0."""
    cell = devices.SoftBounds(n_states=40, ctoc=0.0, **SAME)
    common: dict[str, Any] = {"cell": cell, "transfer_every": 5, "granularity": 200.0}
    found = {}
    for algorithm in (
        analog.TTv2(**common),
        analog.ChoppedTTv2(**common, chopper="regular"),
        analog.AGAD(**common, differential=True, warm_up=True),
        analog.AGAD(**common),
    ):
        tile = Tile(algorithm.with_reference(offset, 0.0), (4, 5))
        tile.update(torch.zeros(6000, 5), torch.zeros(6000, 4), 0.1)
        found[algorithm] = tile.weight
        if isinstance(algorithm, analog.TTv2):
            per_read = 0.1 * 5 * 5 / (200.0 * cell.step) * abs(offset)
            assert (tile.pulses["weight"] == 6000 // 25 // math.ceil(1 / per_read)).all()
            assert (tile.weight * -math.copysign(1, offset) > 0.5).all()
        else:
            assert (tile.weight.abs() <= cell.step * 1.001).all(), algorithm.label


def test_nothing_that_an_array_starts_from_is_a_gradient() -> None:
    """Cells that differ have symmetry points of their own; without a gradient AGAD and TTv2 leave W alone."""
    for algorithm in (analog.AGAD(granularity=10.0), analog.AGAD(granularity=10.0, beta=1.0), analog.TTv2()):
        tile = Tile(algorithm, (8, 32))
        tile.update(torch.zeros(2000, 32), torch.zeros(2000, 8), 0.1)
        assert float(tile.arrays["gradient"].std()) > 0.01
        assert not tile.pulses["weight"].any(), algorithm


def test_random_choppers_only_wander() -> None:
    """Turns at random leave a walk of a few pulses without a direction, where TTv2 goes to its bound."""
    cell = devices.SoftBounds(n_states=40, ctoc=0.0, **SAME)
    algorithm = analog.ChoppedTTv2(cell=cell, transfer_every=5, granularity=200.0, reference_mean=0.8)
    tile = Tile(algorithm, (1, 5), chips=range(200), counted=False)
    tile.update(torch.zeros(6000, 5), torch.zeros(6000, 1), 0.1)
    assert abs(float(tile.weight.mean())) < SIGMAS * float(tile.weight.std()) / math.sqrt(1000)
    assert float(tile.weight.std()) < 0.4


def test_agad_never_looks_at_a_reference() -> None:
    """Nothing of it is left in a tile, so that every reference gives the same bits."""
    assert "reference" not in Tile(analog.AGAD().with_reference(0.8, 0.5), (3, 4)).arrays
    assert "reference" in Tile(analog.AGAD(differential=True).with_reference(0.8, 0.5), (3, 4)).arrays
