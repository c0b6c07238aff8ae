"""What programming does to a weight: the published standard deviations, and one Gaussian that equals all its cells."""

from __future__ import annotations

import math

import pytest
import torch
from reference.cells import CellByCell
from scipy import stats

from mho.devices import (
    PCM,
    RRAM1,
    Device,
    FeFET2,
    LevelGaussian,
    LogNormal,
    MeasuredTable,
    PowerLawDrift,
    ReadNoise,
    Stack,
    StuckAt,
    kappa,
)
from mho.errors import SpecError
from mho.mapping import Analog, Differential, Mapping, Offset, SlicedMagnitude, program

CHIPS = 40_000
MAPPINGS = [SlicedMagnitude(), Differential(), Offset(), Offset(weight_bits=6, cell_bits=3), Analog()]
WEIGHT = torch.tensor([[1.0, -0.6, 0.31], [0.0, 0.004, -0.09]])
TABLE = MeasuredTable(states=(0.0, 0.4, 1.0), mean=((0.02, 0.38, 0.95),), std=((0.01, 0.06, 0.03),))


def sample(mapping: Mapping, device: Device, weight: torch.Tensor = WEIGHT, age: float = 0.0, chips: int = CHIPS):
    return program(mapping, device, weight, layer="w", age=age).sample(0, torch.arange(chips)).double()


def error_of_std(n: int) -> float:
    """Four standard errors of a relative standard deviation over n Gaussian samples."""
    return 4 / math.sqrt(2 * (n - 1))


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_sampled_cells_have_the_mapping_s_kappa(mapping: Mapping) -> None:
    """std / (sigma S) = kappa, from individually sampled cells of a level-independent device."""
    got = sample(mapping, CellByCell(cell=RRAM1(sigma=0.1)), 2 * WEIGHT)
    assert torch.allclose(got.std(0), torch.tensor(0.1 * 2 * mapping.kappa).double(), rtol=error_of_std(CHIPS))
    off = (got.mean(0) - mapping.quantise(2 * WEIGHT)).abs().max()
    assert off < 4.5 * 0.2 * mapping.kappa / math.sqrt(CHIPS)  # the largest of six at 4.5 standard errors


@pytest.mark.parametrize("scope", ["device", "weight"])
@pytest.mark.parametrize("convention", ["fullscale", "levels", "swim", "direct"])
@pytest.mark.parametrize("mapping", [SlicedMagnitude(), SlicedMagnitude(weight_bits=8, cell_bits=1), Differential()])
def test_every_convention_gives_its_published_weight_error(mapping, convention, scope) -> None:
    """Std of a programmed weight is kappa sigma S with the paper's kappa, to 1 % (the sampling error is 1.4 %/4)."""
    device = RRAM1(sigma=0.1, convention=convention, level_scope=scope)
    published = kappa(convention, mapping.weight_bits, mapping.cell_bits)
    if convention == "fullscale":
        published = mapping.kappa  # what the mapping makes of a cell's own range
    got = sample(mapping, device, 3 * WEIGHT)
    assert got.std(0).numpy() == pytest.approx(0.1 * 3 * published, rel=error_of_std(CHIPS))
    assert float(got.std(0).mean()) == pytest.approx(0.1 * 3 * published, rel=0.01)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("convention", ["fullscale", "levels", "swim", "direct"])
@pytest.mark.parametrize("scope", ["device", "weight"])
def test_a_sigma_that_is_accepted_can_be_programmed(mapping, convention, scope) -> None:
    """The factor of a mapping can lift sigma = 1 above one; that is no percentage."""
    assert torch.isfinite(sample(mapping, RRAM1(sigma=1.0, convention=convention, level_scope=scope), chips=2)).all()


LEVEL_DEPENDENT = [
    FeFET2(sigma=0.1),
    FeFET2(sigma=0.1, level_scope="weight"),
    TABLE,
    ReadNoise(q=0.1, exponent=0.5),
    Stack(stages=(RRAM1(sigma=0.1), StuckAt(sa0=0.0, sa1=0.0))),
]


@pytest.mark.parametrize("device", LEVEL_DEPENDENT, ids=lambda d: d.label)
@pytest.mark.parametrize("mapping", MAPPINGS[:3], ids=lambda m: type(m).__name__)
def test_one_gaussian_equals_its_cells_in_distribution(mapping: Mapping, device: Device) -> None:
    """Gaussian path against per-cell sampling, weight by weight.

    Means to five standard errors of a difference, variances to the F ratio, and a two-sample Kolmogorov-Smirnov test
    at 1e-4 for each of the six weights (the cells sum to an exact Gaussian, so any n may be tested).
    """
    whole = program(mapping, device, WEIGHT, layer="w", age=1.0)
    assert whole.mean is not None, "the fast path was not taken"
    one = whole.sample(0, torch.arange(CHIPS)).double()
    cell = sample(mapping, CellByCell(cell=device), age=1.0)
    error = (one.var(0) / CHIPS + cell.var(0) / CHIPS).sqrt()
    assert ((one.mean(0) - cell.mean(0)).abs() <= 5 * error + 1e-6).all()
    assert torch.allclose(one.std(0), cell.std(0), rtol=2**0.5 * error_of_std(CHIPS), atol=1e-6)
    for a, b, spread in zip(one.flatten(1).T, cell.flatten(1).T, one.std(0).flatten(), strict=True):
        if spread > 1e-6:
            assert stats.ks_2samp(a.numpy(), b.numpy()).pvalue > 1e-4


@pytest.mark.parametrize(
    "device",
    [
        LogNormal(sigma=0.1),
        StuckAt(sa0=0.1, sa1=0.1),
        Stack(stages=(RRAM1(sigma=0.1), ReadNoise(q=0.1))),
        Stack(stages=(RRAM1(sigma=0.1), PowerLawDrift(nu=0.05))),
        PCM(),
    ],
    ids=lambda d: d.label,
)
@pytest.mark.parametrize("age", [0.0, 3600.0])
def test_what_is_no_sum_of_gaussians_is_sampled_cell_by_cell_at_every_age(device: Device, age: float) -> None:
    """At every age: the two ways draw different numbers, and a chip must stay the same chip as it grows older."""
    assert program(SlicedMagnitude(), device, WEIGHT, layer="w", age=age).mean is None


def test_a_chip_stays_itself_as_it_ages() -> None:
    """Age 0 and one second later differ by the ageing alone, not by another draw."""
    device = Stack(stages=(RRAM1(sigma=0.1), PowerLawDrift(nu=0.05, t0=1.0)))
    young, old = (sample(SlicedMagnitude(), device, age=a, chips=50) for a in (0.0, 10.0))
    assert torch.allclose(old, young * 10**-0.05, atol=1e-6)


@pytest.mark.parametrize("mapping", [SlicedMagnitude(), Offset()], ids=lambda m: type(m).__name__)
def test_clipping_is_off_unless_asked_for(mapping: Mapping) -> None:
    """Peer trap 3: clipped cells at level 0 are half-normal, which moves and shrinks weights.

    A magnitude of zero sits on four cells at level 0. Each has mean error 0 without clipping and sigma / sqrt(2 pi)
    with it, so the weight's mean moves by ``sum of coefficients x sigma / sqrt(2 pi)``: 0.4 sigma of the full scale.
    """
    weight = torch.tensor([[1.0, 0.0]]) if isinstance(mapping, SlicedMagnitude) else torch.tensor([[1.0, -1.0]])
    encoded, sigma = mapping.encode(weight), 0.05
    total = float((encoded.coefficients.sum() * encoded.gain.abs()).max())
    lowest = mapping.quantise(weight)[0, 1].item()
    standard_error = sigma * mapping.kappa / math.sqrt(CHIPS)
    free = sample(mapping, RRAM1(sigma=sigma), weight)[:, 0, 1]
    assert float(free.mean()) == pytest.approx(lowest, abs=4 * standard_error)
    clipped = sample(mapping.replace(clip_negative=True), RRAM1(sigma=sigma), weight)[:, 0, 1]
    assert float(clipped.mean()) == pytest.approx(
        lowest + total * sigma / math.sqrt(2 * math.pi), abs=4 * standard_error
    )
    half = math.sqrt(0.5 - 1 / (2 * math.pi))  # std of max(z, 0)
    assert float(clipped.std()) == pytest.approx(half * sigma * mapping.kappa, rel=0.03)
    assert bool((clipped >= lowest - 1e-6).all())


def test_noiseless_cells_hold_the_quantised_weights() -> None:
    for mapping in MAPPINGS:
        for device in (RRAM1(sigma=0.0), CellByCell(cell=RRAM1(sigma=0.0)), LogNormal(sigma=0.0)):
            got = sample(mapping, device, chips=3)
            torch.testing.assert_close(got, mapping.quantise(WEIGHT).double().expand(3, -1, -1), rtol=0, atol=1e-6)


def test_two_devices_of_one_cell_do_not_share_their_noise() -> None:
    """Independent stages add their variances; a shared stream would give (a + b)^2 = 4 / 2 times as much."""
    same = MeasuredTable(states=(0.0, 1.0), mean=((0.0, 1.0),), std=((0.1, 0.1),))
    stack = Stack(stages=(LevelGaussian(sigma=0.1), same))
    got = sample(Analog(), stack)
    assert got.std(0).numpy() == pytest.approx(0.1 * math.sqrt(2), rel=error_of_std(CHIPS))


def test_scaled_chips_are_chips_times_the_gain() -> None:
    gain = torch.tensor([[2.0], [-0.5]])
    for device in (RRAM1(sigma=0.1), LogNormal(sigma=0.1)):
        plain = program(SlicedMagnitude(), device, WEIGHT, layer="w", age=0.0)
        ids = torch.arange(5)
        torch.testing.assert_close(plain.scaled(gain).sample(1, ids), plain.sample(1, ids) * gain)


def test_a_buffer_is_filled_in_place() -> None:
    programmed = program(SlicedMagnitude(), RRAM1(sigma=0.1), WEIGHT, layer="w", age=0.0)
    out = torch.empty(3, 2, 3)
    assert programmed.sample(0, torch.arange(3), out) is out
    assert torch.equal(out, programmed.sample(0, torch.arange(3)))


def test_whole_weight_devices_see_the_weight_s_magnitude() -> None:
    """``level_scope="weight"``: the factor applies where 0.25 < |W|/S < 0.75, to the whole weight's error."""
    weight = torch.tensor([[1.0, -0.5, 0.2, 0.7, -0.8]])
    got = sample(SlicedMagnitude(), FeFET2(sigma=0.1, level_scope="weight", normalised=False), weight)
    factor = torch.tensor([1, 6, 1, 6, 1.0]).double()
    unit = 0.1 * SlicedMagnitude().kappa
    assert got.std(0)[0].numpy() == pytest.approx((unit * factor).numpy(), rel=error_of_std(CHIPS))


def test_whole_weight_models_refuse_what_acts_on_cells() -> None:
    """A published per-weight spread has no cells that could stick, drift apart or be clipped one by one."""
    whole = FeFET2(sigma=0.1, level_scope="weight")
    with pytest.raises(SpecError, match="level_scope='device'"):
        Stack(stages=(whole, StuckAt.at_rate(0.01)))
    with pytest.raises(SpecError, match="level_scope='device'"):
        sample(SlicedMagnitude(clip_negative=True), whole)
