"""Pulsed cells: what is fixed in each, where pulses take it, and what a spec refuses."""

from __future__ import annotations

import math

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import mho
from mho import devices
from mho.devices import PULSED, ConstantStep, Crosspoints, LinearStep, PulsedCell, SoftBounds
from mho.errors import SpecError, UnknownNameError
from mho.rng import Draws
from mho.spec import from_dict, references

QUIET = {"bounds_dtod": 0.0, "step_dtod": 0.0, "asymmetry_dtod": 0.0, "ctoc": 0.0}
N = 40_000


def built(cell: PulsedCell, shape: tuple[int, int] = (200, 200), chips: int = 1, seed: int = 0) -> Crosspoints:
    return cell.build(Draws(seed, "w", torch.arange(chips), shape, torch.device("cpu")))


def one_pulse(v: float, up: bool, a_up: float, a_down: float, high: float, low: float, slopes, noise: float) -> float:
    """Spelled out for one cell; additive noise."""
    if up:
        v += a_up * (1 - (slopes[0] * v / high if high else 0.0) + noise)
    else:
        v -= a_down * (1 - (slopes[1] * v / low if low else 0.0) + noise)
    return min(max(v, low), high)


def at(points: Crosspoints, i: int) -> tuple[float, float, float, float]:
    up, down, high, low = (t.flatten()[i].item() for t in (points.up, points.down, points.high, points.low))
    return up, down, high, low


def test_the_papers_cell() -> None:
    """[rasch2024fast]: 20 states over a range of 2 are steps of 0.1; 100 are 0.02."""
    assert SoftBounds().step == 0.1
    assert SoftBounds(n_states=100).step == 0.02
    assert SoftBounds().slopes == (1.0, 1.0)
    assert ConstantStep().slopes == (0.0, 0.0)
    assert LinearStep(slope_up=0.2, slope_down=0.7).slopes == (0.2, 0.7)


def test_distribution_of_what_is_built() -> None:
    """Moments of the published laws; at n = 40,000, four standard errors of a mean and of a standard deviation."""
    cell = SoftBounds(bounds_dtod=0.1, asymmetry=0.05)
    points = built(cell)
    for bound, mean in ((points.high, 1.0), (points.low, -1.0)):
        assert float(bound.mean()) == pytest.approx(mean, abs=4 * 0.1 / math.sqrt(N))
        assert float(bound.std()) == pytest.approx(0.1, abs=4 * 0.1 / math.sqrt(2 * N))
    gamma, rho = (points.up + points.down) / (2 * cell.step), (points.up - points.down) / (2 * cell.step)
    assert float(gamma.log().mean()) == pytest.approx(0.0, abs=4 * 0.3 / math.sqrt(N))
    assert float(gamma.log().std()) == pytest.approx(0.3, abs=4 * 0.3 / math.sqrt(2 * N))
    assert float(rho.mean()) == pytest.approx(0.05, abs=4 * 0.1 / math.sqrt(N))
    assert float(rho.std()) == pytest.approx(0.1, abs=4 * 0.1 / math.sqrt(2 * N))
    four = torch.stack([points.high.flatten(), points.low.flatten(), gamma.log().flatten(), rho.flatten()])
    off = torch.corrcoef(four) - torch.eye(4)
    assert float(off.abs().max()) < 4 / math.sqrt(N), "each has numbers of its own"


def test_steps_may_spread_normally() -> None:
    points = built(SoftBounds(step_law="normal", step_dtod=0.2, asymmetry_dtod=0.0))
    assert torch.equal(points.up, points.down)
    assert float(points.up.mean()) == pytest.approx(0.1, abs=4 * 0.02 / math.sqrt(N))
    assert float(points.up.std()) == pytest.approx(0.02, abs=4 * 0.02 / math.sqrt(2 * N))


def test_no_step_is_negative_and_bounds_lie_around_zero() -> None:
    points = built(SoftBounds(step_law="normal", step_dtod=0.8, asymmetry_dtod=0.8, bounds_dtod=0.8))
    assert float(points.up.min()) >= 0
    assert float(points.down.min()) >= 0
    assert float(points.high.min()) == 0.0, "some bounds would be on the wrong side: they are at 0"
    assert float(points.low.max()) == 0.0
    assert points.stuck is None


def test_nothing_varies_where_nothing_is_to() -> None:
    points = built(SoftBounds(**QUIET, asymmetry=0.2), (3, 4))
    for held, wanted in ((points.up, 0.12), (points.down, 0.08), (points.high, 1.0), (points.low, -1.0)):
        assert torch.allclose(held, torch.tensor(wanted))
        assert held.shape == (1, 3, 4)
        assert held.dtype == torch.float32


def test_a_chip_is_a_number() -> None:
    cell = SoftBounds(stuck_rate=0.3)
    many, one = built(cell, (5, 7), 3), cell.build(Draws(0, "w", torch.tensor([2]), (5, 7), torch.device("cpu")))
    for name in ("up", "down", "high", "low", "stuck"):
        assert torch.equal(getattr(many, name)[2:].nan_to_num(9), getattr(one, name).nan_to_num(9))
    assert not torch.equal(many.up[0], many.up[1])
    assert not torch.equal(many.up, built(cell, (5, 7), 3, seed=1).up)


def test_stuck_cells() -> None:
    cell = SoftBounds(stuck_rate=0.1, bounds_dtod=0.0)
    points = built(cell)
    assert points.stuck is not None
    stuck = ~points.stuck.isnan()
    assert float(stuck.float().mean()) == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / N))
    value = points.stuck[stuck]
    n = len(value)
    assert float(value.mean()) == pytest.approx(0.0, abs=4 * math.sqrt(1 / 3 / n))  # uniform within -1 and 1
    assert float(value.square().mean()) == pytest.approx(1 / 3, abs=4 * math.sqrt(4 / 45 / n))
    assert float(value.abs().max()) <= 1
    assert not points.up[stuck].any()
    assert not points.down[stuck].any()
    assert torch.equal(points.clip(0.3)[stuck], value)
    assert torch.equal(points.symmetry_point(cell.slopes)[stuck], value), "that is where pulses leave it"
    sound = built(cell.replace(stuck_rate=0.0))
    assert torch.equal(points.up[~stuck], sound.up[~stuck])
    assert torch.equal(points.high[~stuck], sound.high[~stuck])
    worse = built(cell.replace(stuck_rate=0.2)).stuck
    assert worse is not None
    assert torch.equal(worse[stuck], value), "what is stuck at one rate is stuck at every higher one"


@settings(max_examples=40, deadline=None)
@given(
    up=st.floats(0.005, 0.03),
    ratio=st.floats(0.7, 1.4),
    high=st.floats(0.3, 1.5),
    low=st.floats(-1.5, -0.3),
    slopes=st.sampled_from([(1.0, 1.0), (0.4, 1.0), (0.9, 0.3)]),
)
def test_pairs_of_pulses_end_at_the_symmetry_point(
    up: float, ratio: float, high: float, low: float, slopes: tuple[float, float]
) -> None:
    """A slow loop. Between up and down, v differs by one step at most, and both are within that of the fixed point.

    Where the symmetry point is beyond a bound, that bound is where pairs end, likewise to a step. A pair draws back by
    0.0037 of the way at least: after 2000 a distance of 1.5 is less than 0.001.
    """
    down = up * ratio
    points = Crosspoints(*(torch.tensor([x], dtype=torch.float64) for x in (up, down, high, low)))
    point = points.symmetry_point(slopes).item()
    v = 0.0
    for _ in range(2000):
        v = one_pulse(one_pulse(v, True, up, down, high, low, slopes, 0.0), False, up, down, high, low, slopes, 0.0)
    if low < point < high:
        step_there = up * (1 - slopes[0] * point / high)
        assert step_there == pytest.approx(down * (1 - slopes[1] * point / low), rel=1e-9, abs=1e-12)
    assert abs(v - point) <= 1.5 * max(up, down)


def test_pairs_decay_by_two_steps() -> None:
    """[rasch2024fast]: a pair takes w of a symmetric cell to w (1 - 2 delta), up to delta squared."""
    delta = SoftBounds(n_states=200).step
    v, w = 0.5, 0.5
    for _ in range(100):
        v = one_pulse(one_pulse(v, True, delta, delta, 1, -1, (1, 1), 0), False, delta, delta, 1, -1, (1, 1), 0)
        w *= 1 - 2 * delta
    # Each pair differs from the law by -delta^2 (1 - v) at most, which later pairs shrink: a geometric series.
    assert abs(v - w) <= 2 * delta**2 / (2 * delta)
    assert abs(w) < 0.2 * 0.5, "most of the way is gone"


def test_noisy_pairs_stay_around_the_symmetry_point() -> None:
    """The built cells of the paper with step noise: the mean over time of a slow loop, cell by cell."""
    cell = SoftBounds(n_states=200.0)
    points = built(cell, (4, 5))
    wanted = points.symmetry_point(cell.slopes).flatten()
    generator = torch.Generator().manual_seed(3)
    pairs, skipped = 4000, 1500
    noise = (cell.ctoc * torch.randn(20, pairs, 2, generator=generator)).tolist()
    for i in range(20):
        up, down, high, low = at(points, i)
        v, total = wanted[i].item(), 0.0
        for n in range(pairs):
            v = one_pulse(v, True, up, down, high, low, cell.slopes, noise[i][n][0])
            first = v
            v = one_pulse(v, False, up, down, high, low, cell.slopes, noise[i][n][1])
            total += (first + v) / 2 if n >= skipped else 0.0
        # A pair draws back by 2 theta and adds the noise of two pulses; the mean of an autoregression over T pairs has
        # the standard error noise / (theta T^(1/2)). Half a step is what the order of pulses may shift.
        theta = up / high - down / low
        error = cell.ctoc * math.hypot(up, down) / (theta * math.sqrt(pairs - skipped))
        assert abs(total / (pairs - skipped) - wanted[i].item()) < 4 * error + 0.5 * max(up, down)


def test_symmetry_points_of_special_cells() -> None:
    points = built(ConstantStep(), (30, 30))
    assert not points.symmetry_point((0.0, 0.0)).any(), "there is none"
    one = {"up": torch.tensor([0.1]), "down": torch.tensor([0.05]), "low": torch.tensor([-1.0])}
    assert Crosspoints(**one, high=torch.tensor([0.0])).symmetry_point((1.0, 1.0)).item() == 0.0
    # Steps: 0.1 (1 - v/1) and 0.05 (1 + v/1) are equal at v = 1/3.
    assert Crosspoints(**one, high=torch.tensor([1.0])).symmetry_point((1.0, 1.0)).item() == pytest.approx(1 / 3)
    # 0.1 (1 - v/4) = 0.05 (1 + v/4) at v = 4/3; a bound of 1 comes first.
    near = Crosspoints(**one, high=torch.tensor([1.0])).symmetry_point((0.25, 0.25)).item()
    assert near == 1.0
    for cell in (SoftBounds(), LinearStep(), reram_om := devices.reram_om(stuck_rate=0.1)):
        points = built(cell)
        point = points.symmetry_point(cell.slopes)
        assert point.isfinite().all()
        assert (point <= points.high).all()
        assert (point >= points.low).all()
    assert reram_om.stuck_rate == 0.1


def test_symmetry_points_spread_as_to_first_order() -> None:
    """rho / gamma with equal bounds: 2 rho / (2 gamma)."""
    points = built(SoftBounds(bounds_dtod=0.0))
    wanted = (points.up - points.down) / (points.up + points.down)
    assert torch.allclose(points.symmetry_point((1.0, 1.0)), wanted, atol=1e-6)


def test_wider_bounds_keep_the_step() -> None:
    """[rasch2024fast Fig. 6]: within the old range steps become nearly constant, symmetry points spread further."""
    cell = SoftBounds(n_states=20)
    wide = cell.with_bounds(10)
    assert wide.step == pytest.approx(cell.step)
    assert (wide.w_max, wide.w_min, wide.n_states) == (10.0, -10.0, 200.0)
    near, far = built(cell, (3, 3)), built(wide, (3, 3))
    assert torch.allclose(far.up, near.up)
    assert torch.allclose(far.high, 10 * near.high)
    assert torch.allclose(far.symmetry_point(wide.slopes), 10 * near.symmetry_point(cell.slopes))
    with pytest.raises(SpecError, match="SoftBounds: bounds -1 times as far off; the factor must be above 0"):
        cell.with_bounds(-1)
    with pytest.raises(SpecError, match=r"n_states=1\.0 must be 2 or more"):
        cell.with_bounds(0.05)


def test_leaking() -> None:
    assert SoftBounds().kept == 1.0
    assert SoftBounds(lifetime=50.0).kept ** 50 == pytest.approx(1 / math.e)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: SoftBounds(n_states=1), "SoftBounds: n_states=1 must be 2 or more steps from bound to bound"),
        (lambda: SoftBounds(w_max=0.0), "w_max=0.0 must be above 0"),
        (lambda: SoftBounds(w_min=0.5), "w_min=0.5 must be below 0"),
        (lambda: SoftBounds(bounds_dtod=-0.1), "bounds_dtod=-0.1 is a spread"),
        (lambda: SoftBounds(step_dtod=-0.1), "step_dtod=-0.1 is a spread"),
        (lambda: SoftBounds(asymmetry_dtod=-1.0), "asymmetry_dtod=-1.0 is a spread"),
        (lambda: SoftBounds(ctoc=-1.0), "ctoc=-1.0 is a spread"),
        (lambda: SoftBounds(asymmetry=1.0), "asymmetry=1.0 must be within -1 and 1"),
        (lambda: SoftBounds(lifetime=0.0), "lifetime=0.0 must be more than 0 updates, or null"),
        (lambda: SoftBounds(stuck_rate=1.5), "stuck_rate=1.5 is a probability"),
        (lambda: SoftBounds(step_law="uniform"), "step_law"),
        (lambda: SoftBounds(noise="pink"), "noise"),
        (lambda: SoftBounds(n_states=math.inf), "not a finite number"),
        (lambda: LinearStep(slope_up=1.5), "slope_up=1.5 is the share of a step"),
        (lambda: LinearStep(slope_down=-0.5), "slope_down=-0.5 is the share of a step"),
        (lambda: SoftBounds().replace(n_state=3.0), "did you mean 'n_states'"),
        (lambda: from_dict({"kind": "PulsedCell"}), "abstract"),
        (lambda: mho.Memory(device=SoftBounds()), "train on the array"),
    ],
)
def test_refusals_are_one_line(made, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        made()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", PULSED)
def test_presets_are_named_and_say_where_from(name: str) -> None:
    preset = PULSED[name]
    cell = devices.get_pulsed(name.upper())
    assert cell == preset() == from_dict({"kind": name}) == from_dict(yaml.safe_load(cell.to_yaml()))
    assert preset.summary
    assert preset.place
    assert preset.reference == cell.source
    assert preset.reference in references(cell)
    assert mho.cite(cell)
    assert cell.replace(source="").digest() == cell.digest(), "a source decides no number"
    points = built(cell, (20, 20))
    assert float(points.up.median()) == pytest.approx(cell.step, rel=5 * 1.25 * max(cell.step_dtod, 0.01) / 20)


def test_presets_have_the_published_steps() -> None:
    steps = {"reram_om": 0.0949, "reram_hfo2": 0.4622, "ecram": 0.002, "ecram_oxide": 2.8214e-4, "capacitor": 0.005}
    for name, step in steps.items():
        assert devices.get_pulsed(name).step == pytest.approx(step)
    assert devices.rpu().n_states == 1200
    assert devices.reram(n_states=100).step == 0.02
    assert devices.capacitor(lifetime=500.0).lifetime == 500.0
    with pytest.raises(UnknownNameError, match="did you mean 'ecram'"):
        devices.get_pulsed("ecrm")


def test_the_ideal_cell_does_what_it_is_told() -> None:
    points = built(devices.ideal(), (4, 4))
    assert torch.equal(points.up, points.down)
    assert len(points.up.unique()) == len(points.high.unique()) == 1
