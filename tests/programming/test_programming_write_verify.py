"""Write-verify: cell by cell against a loop over one cell, and on average against the closed form."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import write_verify as slow
from torch import nn

import mho
from mho import kernels
from mho.devices import (
    PCM,
    RRAM1,
    Device,
    FeFET2,
    LevelGaussian,
    LogNormal,
    MeasuredTable,
    PowerLawDrift,
    Stack,
    StuckAt,
)
from mho.errors import SpecError
from mho.kernels import cpu_redraw
from mho.kernels.redraw import in_torch
from mho.programming import OpenLoop, Scheme, WriteVerify
from mho.programming.expected import Expected
from mho.programming.moments import redrawn, simulated
from mho.rng import Draws

CPU = torch.device("cpu")
CELLS = 400_000
FOUR = torch.linspace(0, 1, 4)


def draws(*shape: int, chips: int = 1, layer: str = "w") -> Draws:
    return Draws(0, layer, torch.arange(chips), shape, CPU)


@pytest.mark.parametrize(("sigma", "cycles"), [(0.1, 2.21), (0.15, 3.22), (0.2, 4.24), (0.3, 6.31), (0.477, 9.99)])
def test_redrawing_has_the_mean_cycles_and_the_residual_of_the_closed_form(sigma: float, cycles: float) -> None:
    scheme, level = WriteVerify(tolerance=0.06, max_cycles=1000), torch.full((CELLS,), 1 / 3)
    written = scheme.write(RRAM1(sigma=sigma), level, draws(CELLS))
    mean, residual = slow.closed_form(sigma, 0.06)
    assert mean == pytest.approx(cycles, abs=0.006), "the published table"
    # A geometric number has a standard deviation below its mean: 1 % are six standard errors of 400,000 cells.
    assert float(written.cycles.double().mean()) == pytest.approx(mean, rel=0.01)
    assert float((written.read - level).double().std()) == pytest.approx(residual, rel=0.01)
    assert not written.failed.any()
    known = scheme.moments(RRAM1(sigma=sigma), level[:1])
    assert float(known.cycles) == pytest.approx(mean, rel=1e-5)
    assert float(known.error) == pytest.approx(residual**2, rel=1e-4)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_cells_that_do_not_converge_are_counted_and_keep_their_error(most: int) -> None:
    device, level = RRAM1(sigma=0.3), torch.full((CELLS,), 0.0)
    scheme = WriteVerify(tolerance=0.06, max_cycles=most)
    written, known = scheme.write(device, level, draws(CELLS)), scheme.moments(device, level[:1])
    outside = (written.read - level).abs() > 0.06
    assert torch.equal(outside, written.failed)
    assert bool((written.cycles[written.failed] == most).all())
    q = 1 - math.erf(0.2 / math.sqrt(2))
    assert float(known.failed) == pytest.approx(q**most, rel=1e-5)
    for counted, expected in ((written.failed, known.failed), (written.cycles, known.cycles)):
        assert float(counted.double().mean()) == pytest.approx(float(expected), rel=0.01)
    assert float((written.read - level).double().square().mean()) == pytest.approx(float(known.error), rel=0.02)


SHIFTED = MeasuredTable(states=(0.0, 1.0), mean=((0.05, 0.9),), std=((0.1, 0.15),), name="shifted")
MODELS = [
    WriteVerify(tolerance=0.06, max_cycles=7),
    WriteVerify(tolerance=0.06, max_cycles=7, model="pulse"),
    WriteVerify(tolerance=0.02, max_cycles=30, model="pulse", step=0.01, step_spread=0.5),
]
DEVICES = [
    RRAM1(sigma=0.2),
    LogNormal(sigma=0.3),
    Stack(stages=(FeFET2(sigma=0.15), PowerLawDrift(nu=0.05, nu_std=0.01), StuckAt(sa0=0.2, sa1=0.1))),
]


@pytest.mark.parametrize("scheme", MODELS, ids=lambda s: f"{s.model} {s.tolerance:g}")
@pytest.mark.parametrize("device", DEVICES, ids=lambda d: d.label)
def test_every_cell_is_what_a_loop_over_that_cell_gives(scheme: WriteVerify, device: Device) -> None:
    level = FOUR.repeat(5)
    written = scheme.write(device, level, draws(20, chips=3))
    for chip in range(3):
        for cell in range(20):
            alone = OneCell(chip, cell)
            more = () if scheme.model == "redraw" else (scheme._step, scheme.step_spread)
            run = slow.redraw if scheme.model == "redraw" else slow.pulses
            read, cycles, failed = run(device, float(level[cell]), alone, scheme.tolerance, scheme.max_cycles, *more)
            assert float(written.read[chip, cell]) == pytest.approx(read, abs=1e-6)
            assert (int(written.cycles[chip, cell]), bool(written.failed[chip, cell])) == (cycles, failed)


class OneCell(Draws):
    """The numbers of one cell of one chip of ``draws(20, chips=3)``, whatever position is asked for."""

    def __init__(self, chip: int, cell: int, cycle: int = 1) -> None:
        super().__init__(0, "w", torch.arange(3), (20,), CPU, cycle, torch.tensor([20 * chip + cell]))

    def write(self, cycle: int, at: torch.Tensor) -> Draws:
        return OneCell(*divmod(int(self.at), 20), cycle)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    chips=st.integers(1, 4),
    share=st.floats(0, 1),
    model=st.sampled_from(["redraw", "pulse"]),
)
def test_a_cells_fate_depends_neither_on_the_chosen_nor_on_other_chips(
    shape: list[int], chips: int, share: float, model: str
) -> None:
    scheme, device = WriteVerify(tolerance=0.05, max_cycles=9, model=model), RRAM1(sigma=0.2)  # type: ignore[arg-type]
    level = torch.linspace(0, 1, math.prod(shape)).view(shape)
    chosen = torch.rand(shape, generator=torch.Generator().manual_seed(1)) < share
    every = scheme.write(device, level, draws(*shape, chips=chips))
    once = OpenLoop().write(device, level, draws(*shape, chips=chips))
    some = scheme.write(device, level, draws(*shape, chips=chips), chosen=chosen)
    for name in ("read", "cycles", "failed"):
        assert torch.equal(getattr(some, name), torch.where(chosen, getattr(every, name), getattr(once, name)))
    last = Draws(0, "w", torch.tensor([chips - 1]), tuple(shape), CPU)
    assert torch.equal(scheme.write(device, level, last).read[0], every.read[chips - 1])


def test_a_chip_is_verified_when_it_is_young_and_read_when_it_is_old() -> None:
    device = Stack(stages=(RRAM1(sigma=0.2), PowerLawDrift(nu=0.1)))
    level, scheme = torch.full((1000,), 0.8), WriteVerify(tolerance=0.05)
    young, old = (scheme.write(device, level, draws(1000), age) for age in (0.0, 1e4))
    assert torch.equal(young.cycles, old.cycles)
    assert torch.allclose(old.read, young.read * 1e4**-0.1)


def test_a_measured_cell_keeps_its_rank_when_it_ages() -> None:
    table = MeasuredTable(
        states=(0.0, 1.0), mean=((0.0, 1.0), (0.0, 0.9)), std=((0.1, 0.1), (0.2, 0.2)), ages=(1.0, 1e6)
    )
    level, scheme = torch.full((1000,), 1.0), WriteVerify(tolerance=0.05)
    young, old = (scheme.write(table, level, draws(1000), age).read for age in (1.0, 1e6))
    assert torch.allclose(old, 0.9 + 2 * (young - 1.0), atol=1e-5)


@pytest.mark.parametrize("model", ["redraw", "pulse"])
def test_both_models_age_alike(model: str) -> None:
    """The rank that a cell keeps is that of what it holds, whatever wrote that: both stay tight, twice as wide."""
    rows = {"mean": ((0.0, 1.0), (0.0, 1.0)), "std": ((0.1, 0.1), (0.2, 0.2)), "ages": (0.0, 1e6)}
    table, level = MeasuredTable(states=(0.0, 1.0), **rows), torch.full((5000,), 0.5)
    scheme = WriteVerify(tolerance=0.02, model=model)  # type: ignore[arg-type]
    young, old = (scheme.write(table, level, draws(5000), age).read for age in (0.0, 1e6))
    assert float((young - level).abs().max()) <= 0.02 + 1e-6
    assert torch.allclose(old - level, 2 * (young - level), atol=1e-5)


def test_a_perfect_write_that_relaxes_can_be_evaluated() -> None:
    rows = {"mean": ((0.0, 1.0), (0.0, 1.0)), "std": ((0.0, 0.0), (0.1, 0.1)), "ages": (0.0, 1e6)}
    table = MeasuredTable(states=(0.0, 1.0), sigma=0.1, **rows)
    layer, data = nn.Linear(5, 3), (torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64))
    for scheme in (OpenLoop(), WriteVerify(tolerance=0.05)):
        chips = mho.deploy(layer, mho.Memory(device=table, programming=scheme))
        found = mho.evaluate(chips, data, n_chips=1, age=1e6)
        assert found.writing.cycles[0] == 60
        read = scheme.write(table, torch.full((20_000,), 0.5), draws(20_000), 1e6).read
        assert float(read.std()) == pytest.approx(0.1, rel=0.04)


@pytest.mark.parametrize("shift", [0.0, 0.3, -0.3])
def test_expected_cycles_where_hardly_any_write_succeeds(shift: float) -> None:
    std = torch.linspace(0.001, 0.1, 500)
    known = redrawn(torch.zeros(500), torch.full((500,), shift), std, 0.06, 100)
    assert float(known.cycles.min()) >= 1
    assert float(known.cycles.max()) <= 100
    if shift:
        hopeless = known.failed > 0.999999
        assert hopeless.any()
        assert bool((known.cycles[hopeless] > 99.99).all())


def test_stuck_cells_never_converge() -> None:
    device = Stack(stages=(RRAM1(sigma=0.1), StuckAt(sa0=0.1, sa1=0.1)))
    level = torch.full((20_000,), 0.5)
    written = WriteVerify(tolerance=0.06, max_cycles=60).write(device, level, draws(20_000))
    stuck = (written.read == 0) | (written.read == 1)
    assert torch.equal(stuck, written.failed)
    # 0.2 within six standard errors of 20,000 cells.
    assert float(stuck.double().mean()) == pytest.approx(0.2, abs=6 * math.sqrt(0.16 / 20_000))


@pytest.mark.parametrize("scheme", [OpenLoop(), MODELS[0], WriteVerify(tolerance=0.03)], ids=str)
@pytest.mark.parametrize(
    "device", [RRAM1(sigma=0.2), FeFET2(sigma=0.1), PCM().stages[0], SHIFTED], ids=lambda d: d.label
)
def test_moments_are_those_of_a_simulation(scheme: Scheme, device: Device) -> None:
    known, found = scheme.moments(device, FOUR), simulated(scheme, device, FOUR)
    # 65,536 cells a level: six standard errors of a mean square are 6 sqrt(2 / 65536) = 3 %.
    assert torch.allclose(known.error, found.error, rtol=0.04, atol=1e-6)
    assert torch.allclose(known.cycles, found.cycles, rtol=0.03)
    assert torch.allclose(known.failed, found.failed, atol=6 * math.sqrt(0.25 / 65_536))


def test_moments_of_analog_cells_are_interpolated() -> None:
    device, level = (
        Stack(stages=(FeFET2(sigma=0.2, level_scope="device"), PowerLawDrift(nu=0.1))),
        torch.linspace(0, 1, 500),
    )
    scheme = WriteVerify(tolerance=0.06)
    known, exact = scheme.moments(device, level), scheme.moments(FeFET2(sigma=0.2), level)
    # 4,032 cells a level of the grid; at the ends, where sigma jumps, the grid blurs.
    inner = slice(10, -10)
    assert torch.allclose(known.cycles[inner], exact.cycles[inner], rtol=0.15)


def test_a_known_number_of_cycles_replaces_the_models() -> None:
    known = WriteVerify(tolerance=0.06, mean_cycles=10.0).moments(RRAM1(sigma=0.1), FOUR)
    assert known.cycles.tolist() == [10.0] * 4
    assert float(known.error[0]) == pytest.approx(slow.closed_form(0.1, 0.06)[1] ** 2, rel=1e-4)


REFUSED = [
    ({"tolerance": 0.0}, "tolerance=0.0 must be more than zero"),
    ({"tolerance": 6.0}, "6 % is written 0.06"),
    ({"tolerance": 0.06, "max_cycles": 0}, "max_cycles=0 must be one or more"),
    ({"tolerance": 0.06, "step": 0.01}, "belongs to model: pulse"),
    ({"tolerance": 0.06, "model": "pulse", "step": 0.2}, "less than twice the tolerance, 0.12"),
    ({"tolerance": 0.06, "model": "pulse", "step_spread": -1.0}, "step_spread=-1.0 must be zero or more"),
    ({"tolerance": 0.06, "model": "pulses"}, "it takes 'redraw' or 'pulse'"),
    ({"tolerance": 0.06, "mean_cycles": 0.5}, "mean_cycles=0.5 must be one or more"),
    ({"tolerance": 0.06, "cycle_seconds": 0.0}, "cycle_seconds=0.0 must be more than zero"),
    ({"tolerance": 0.06, "cycle_joules": -1.0}, "cycle_joules=-1.0 must be more than zero"),
    ({"tolerance": float("nan")}, "tolerance=nan is not a finite number"),
]


@pytest.mark.parametrize(("fields", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_bad_schemes_are_refused_in_one_line(fields: dict, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        WriteVerify(**fields)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("device", [RRAM1(sigma=0.3), FeFET2(sigma=0.2), PCM().stages[0]], ids=lambda d: d.label)
@pytest.mark.parametrize("share", [None, 0.0, 0.4])
def test_the_compiled_redraw_gives_the_numbers_of_asking_the_device_again(device: Device, share: float | None) -> None:
    scheme, level = WriteVerify(tolerance=0.03, max_cycles=12), FOUR.repeat(5003)[:20001].view(3, -1)
    some = Draws(3, "layer", torch.tensor([0, 5, 2**40 + 3]), tuple(level.shape), CPU)
    chosen = None if share is None else torch.rand(level.shape, generator=torch.Generator().manual_seed(0)) < share
    fast, again = (write(device, level, some, 0.0, chosen) for write in (scheme.write, scheme._cycle_by_cycle))
    assert fast.failed.any() or share == 0.0 or device.label == "PCMProgramming"
    for name in ("read", "cycles", "failed"):
        assert torch.equal(getattr(fast, name), getattr(again, name))


def test_redrawing_in_torch_gives_the_numbers_of_the_compiled_one() -> None:
    level, chips = FOUR.repeat(50), torch.tensor([1, 2**33])
    std = 0.2 + 0 * level
    picked = torch.arange(200) % 3 > 0
    found = []
    for run in (in_torch, cpu_redraw.redraw):
        read, cycles = torch.empty(2, 200), torch.ones(2, 200, dtype=torch.int32)
        kernels.fill_normal(read, (1, 1), chips, level, std)
        failed = run(read, cycles, level, level, std, [(2, 2), (3, 3)], chips, picked, 0.05)
        found.append((read, cycles, failed))
    assert found[0][2].any()
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@settings(max_examples=25, deadline=None)
@given(steps=st.sampled_from([0, 1, 3, 15]), cells=st.integers(1, 4), n=st.integers(1, 6), mid=st.floats(1, 4))
def test_what_is_expected_of_a_layer_is_that_of_its_cells(steps: int, cells: int, n: int, mid: float) -> None:
    generator = torch.Generator().manual_seed(cells * n)
    levels = torch.rand(cells, n, generator=generator)
    levels = (levels * steps).round() / steps if steps else levels
    device = LevelGaussian(sigma=0.2, mid_factor=mid)
    scheme = WriteVerify(tolerance=0.06, max_cycles=5)
    known, each = Expected.of(scheme, device, levels, steps), scheme.moments(device, levels)
    shares = torch.arange(1.0, cells + 1)
    by_weight, by_cell = torch.arange(n) % 2 == 0, torch.rand(cells, n, generator=generator) < 0.5
    for name in ("error", "cycles", "failed"):
        one = getattr(each, name)
        assert torch.allclose(known.each(name), one)
        total = (shares[:, None] * one).sum(0)
        assert torch.allclose(known.by_weight(name, shares).expand(n), total)
        for chosen in (None, by_weight, by_cell):
            expected = one if chosen is None else one * chosen
            assert known.summed(name, chosen) == pytest.approx(float(expected.sum()), rel=1e-5, abs=1e-9)
    assert [known.count(c) for c in (None, by_weight, by_cell)] == [
        cells * n, cells * int(by_weight.sum()), int(by_cell.sum()),
    ]  # fmt: skip
