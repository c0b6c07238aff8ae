"""One cell: every published number, and what reads back of a written level."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from mho import devices
from mho.devices import (
    PCM,
    PRESETS,
    RRAM1,
    RRAM2,
    Device,
    FeFET1,
    FeFET2,
    LevelGaussian,
    LogNormal,
    MeasuredQuantiles,
    MeasuredTable,
    PCMDrift,
    PCMProgramming,
    PowerLawDrift,
    ReadNoise,
    Stack,
    StuckAt,
    kappa,
)
from mho.devices.pcm import G_MAX
from mho.errors import SpecError, UnknownNameError
from mho.rng import Draws

N = 100_000
FOUR = torch.tensor([0, 1 / 3, 2 / 3, 1])


def draws(shape: tuple[int, ...], chips: int = 1, layer: str = "w") -> Draws:
    return Draws(0, layer, torch.arange(chips), shape, torch.device("cpu"))


def read(device: Device, level: torch.Tensor, age: float = 0.0, n: int = N) -> torch.Tensor:
    """``(n, *level.shape)`` read-backs of n chips."""
    out = device.written_and_read(level, draws(tuple(level.shape), n), age)
    return out.expand(n, *level.shape).double()


@pytest.mark.parametrize(
    ("convention", "weight_bits", "cell_bits", "published"),
    [  # 66.098 / 255, 66.098 / 85, sqrt(sum 4^-i)
        ("levels", 8, 2, 0.25921),
        ("fullscale", 8, 2, 0.77763),
        ("swim", 8, 1, 0.57735),
        ("swim", 8, 2, 0.25820),
        ("direct", 8, 2, 1.0),
        ("levels", 8, 8, 1 / 255),
        ("fullscale", 8, 8, 1.0),
    ],
)
def test_kappa(convention, weight_bits: int, cell_bits: int, published: float) -> None:
    assert kappa(convention, weight_bits, cell_bits) == pytest.approx(published, abs=1e-5)


SIGMAS = [
    (RRAM1, 1.0000, 1.0000),
    (FeFET1, 0.6742, 1.3484),
    (RRAM2, 0.3780, 1.5119),
    (FeFET2, 0.2582, 1.5492),
]


@pytest.mark.parametrize(("make", "end", "middle"), SIGMAS, ids=lambda v: getattr(v, "__name__", v))
def test_sigma_of_every_level(make, end: float, middle: float) -> None:
    """The published table, and the same from samples to 1 % (four standard errors at n = 10^5 are 0.9 %)."""
    wanted = torch.tensor([end, middle, middle, end]).double()
    mean, std = make(sigma=1.0).gaussian(FOUR, 0.0)
    assert torch.allclose(std.double(), wanted, atol=1e-4)
    assert torch.equal(mean, FOUR)
    got = read(make(sigma=0.1), FOUR)
    assert torch.allclose(got.std(0), 0.1 * wanted, rtol=0.01)
    assert ((got.mean(0) - FOUR).abs() < 4 * 0.1 * wanted / math.sqrt(N)).all()


def test_the_third_fefet_of_the_published_code() -> None:
    _, std = LevelGaussian(sigma=1.0, mid_factor=3.0).gaussian(FOUR, 0.0)
    assert std.tolist() == pytest.approx([0.4880, 1.4639, 1.4639, 0.4880], abs=1e-4)


@pytest.mark.parametrize("make", [row[0] for row in SIGMAS], ids=lambda m: m.__name__)
def test_normalised_devices_have_sigma_over_the_assumed_population(make) -> None:
    """40 % of the cells on middle levels, 60 % on the ends: root mean square sigma."""
    _, std = make(sigma=0.2).gaussian(FOUR, 0.0)
    assert math.sqrt(0.6 * float(std[0]) ** 2 + 0.4 * float(std[1]) ** 2) == pytest.approx(0.2, rel=1e-6)


def test_normalisation_reverses_the_ranking_at_the_ends() -> None:
    """As printed (no normalisation) FeFET2 > RRAM2 > FeFET1 > RRAM1 everywhere; normalised, the ends turn round."""
    order = [RRAM1, FeFET1, RRAM2, FeFET2]
    ends = [float(m(sigma=0.1).gaussian(FOUR, 0.0)[1][0]) for m in order]
    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 4
    printed = [m(sigma=0.1, normalised=False).gaussian(FOUR, 0.0)[1].tolist() for m in order]
    factors = (1, 2, 4, 6)
    assert [p[1] for p in printed] == pytest.approx([0.1 * f for f in factors])
    assert [p[0] for p in printed] == pytest.approx([0.1] * 4)


@pytest.mark.parametrize("cell_bits", [1, 2, 3, 4, 8, 10])
def test_only_the_two_end_levels_are_no_middle_levels(cell_bits: int) -> None:
    top = 2**cell_bits - 1
    levels = torch.arange(top + 1).float() / top
    _, std = LevelGaussian(sigma=0.1, mid_factor=2.0, normalised=False).gaussian(levels, 0.0)
    assert torch.allclose(std, torch.tensor([0.1] + [0.2] * (top - 1) + [0.1]))


def test_weight_scope_judges_the_whole_weight() -> None:
    device = FeFET2(sigma=0.1, level_scope="weight", normalised=False)
    levels = torch.tensor([0.0, 0.25, 0.2501, 0.5, 0.7499, 0.75, 1.0])
    assert device.gaussian(levels, 0.0)[1].tolist() == pytest.approx([0.1, 0.1, 0.6, 0.6, 0.6, 0.1, 0.1])
    assert device.per_weight
    assert not FeFET2(sigma=0.1).per_weight


def test_log_normal() -> None:
    """``ln(g / level) ~ N(0, sigma^2)``; the mean grows by exp(sigma^2 / 2), uncorrected; zero stays zero."""
    got = read(LogNormal(sigma=0.3), torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(got[:, 0], torch.zeros(N).double())
    logs = (got[:, 1:] / torch.tensor([0.5, 1.0])).log()
    assert torch.allclose(logs.std(0), torch.tensor(0.3).double(), rtol=0.01)
    assert (logs.mean(0).abs() < 4 * 0.3 / math.sqrt(N)).all()
    spread = math.sqrt(math.exp(0.09) - 1) * math.exp(0.045)
    assert float(got[:, 2].mean()) == pytest.approx(math.exp(0.045), abs=4 * spread / math.sqrt(N))


def test_pcm_programming_by_hand() -> None:
    """max(-1.1731 g^2 + 1.9650 g + 0.2635, 0) uS over 25 uS at g = 0, 0.5, 1."""
    assert G_MAX == 25e-6
    _, std = PCMProgramming().gaussian(torch.tensor([0.0, 0.5, 1.0]), 0.0)
    assert (25 * std).tolist() == pytest.approx([0.2635, 0.952725, 1.0554], rel=1e-5)
    assert PCMProgramming(scale=0.5).gaussian(torch.tensor([1.0]), 0.0)[1].item() == pytest.approx(0.5 * 1.0554 / 25)
    got = read(PCMProgramming(), torch.tensor([0.5]))
    assert float(25 * got.std()) == pytest.approx(0.952725, rel=0.01)


@pytest.mark.parametrize(
    ("level", "nu", "nu_std"),
    [  # mean clip(-0.0155 ln g + 0.0244, 0.049, 0.1), std clip(-0.0125 ln g - 0.0059, 0.008, 0.045)
        (1.0, 0.049, 0.008),
        (0.1, 0.0155 * math.log(10) + 0.0244, 0.0125 * math.log(10) - 0.0059),
        (0.001, 0.1, 0.045),
    ],
)
def test_pcm_drift_by_hand(level: float, nu: float, nu_std: float) -> None:
    """``ln(g(t)/g) = -nu ln(t / t0)`` with t0 = 20 s."""
    got = read(PCMDrift(), torch.tensor([level]), age=20 * math.e)
    exponents = -(got / level).log()
    assert float(exponents.mean()) == pytest.approx(nu, abs=4 * nu_std / math.sqrt(N) + 1e-6)
    assert float(exponents.std()) == pytest.approx(nu_std, rel=0.01)
    assert torch.equal(read(PCMDrift(), torch.tensor([level]), age=20.0, n=3), torch.full((3, 1), level).double())


@pytest.mark.parametrize("g", [1.0, 0.3, 0.001])
@pytest.mark.parametrize("age", [1e-3, 1.0, 86400.0])
def test_read_noise_by_hand(g: float, age: float) -> None:
    """PCM: std = g min(0.0088 / g^0.65, 0.2) sqrt(ln((t + 250 ns) / 500 ns))."""
    device = PCM().stages[2]
    wanted = g * min(0.0088 / g**0.65, 0.2) * math.sqrt(math.log((age + 250e-9) / 500e-9))
    assert float(device.std(torch.tensor([g]), age)) == pytest.approx(wanted, rel=1e-5)
    assert float(read(device, torch.tensor([g]), age).std()) == pytest.approx(wanted, rel=0.01)


def test_read_noise_is_silent_at_the_moment_of_programming() -> None:
    assert float(ReadNoise(q=0.1).std(torch.tensor([1.0]), 0.0)) == 0
    assert float(ReadNoise(q=0.1, exponent=0.5).std(torch.tensor([0.0]), 1.0)) == pytest.approx(0, abs=1e-6)


def test_drift_is_a_power_law_with_one_exponent_a_cell() -> None:
    device = PowerLawDrift(nu=0.05, nu_std=0.02, t0=10.0)
    level = torch.tensor([0.25, 1.0])
    assert torch.equal(read(device, level, age=9.0, n=2), level.double().expand(2, 2))
    early, late = (read(device, level, age=10 * math.e**k) for k in (1, 2))
    exponents = -(early / level).log()
    assert torch.allclose(-(late / level).log(), 2 * exponents, atol=1e-5), "the same cells at both ages"
    assert ((exponents.mean(0) - 0.05).abs() < 4 * 0.02 / math.sqrt(N)).all()
    assert torch.allclose(exponents.std(0), torch.tensor(0.02).double(), rtol=0.01)


def test_ageing_adds_to_the_programming_error_and_does_not_replace_it() -> None:
    """Peer trap 10. The variances of independent stages add: programming 0.1 at any age, read noise on top of it."""
    programming, noise = RRAM1(sigma=0.1), ReadNoise(q=0.05)
    stack = Stack(stages=(programming, PowerLawDrift(nu=0.1), noise))
    level = torch.tensor([0.6])
    fresh, old = (read(stack, level, age=a) for a in (0.0, 1e4))
    decay = 1e4**-0.1
    extra = float(noise.std(level * decay, 1e4))
    assert float(fresh.std()) == pytest.approx(0.1, rel=0.01)
    # Noise is relative to the drifted, disturbed level: E g^2 = mean^2 + var.
    enlarged = extra * math.sqrt(1 + (0.1 / 0.6) ** 2)
    assert float(old.std()) == pytest.approx(math.hypot(0.1 * decay, enlarged), rel=0.01)
    assert float(old.mean()) == pytest.approx(0.6 * decay, abs=4 * 0.1 / math.sqrt(N))
    held, five = programming.write(level, draws((1,), 5)), draws((1,), 5)
    by_hand = noise.read(level, PowerLawDrift(nu=0.1).read(level, held, five, 1e4), five, 1e4)
    assert torch.equal(by_hand, stack.written_and_read(level, five, 1e4))


def test_pcm_has_all_three() -> None:
    assert [type(s).__name__ for s in PCM().stages] == ["PCMProgramming", "PCMDrift", "ReadNoise"]
    level = torch.tensor([1.0])
    day = read(PCM(), level, age=86400.0)
    assert float(day.mean()) == pytest.approx((86400 / 20) ** -0.049, rel=0.01)
    assert float(day.std()) > float(read(PCM(), level, age=20.0).std()) * 0.6


RATES = [  # cell bits, device, expected sa0, sa1
    (2, StuckAt(sa0=0.10, sa1=0.0), 0.10, 0.0),
    (2, StuckAt(sa0=0.01, sa1=0.01), 0.01, 0.01),
    (2, StuckAt(sa0=0.05, sa1=0.02, binary_sa0=0.2, binary_sa1=0.3), 0.05, 0.02),
    (1, StuckAt(sa0=0.05, sa1=0.02, binary_sa0=0.2, binary_sa1=0.3), 0.2, 0.3),
    (1, StuckAt(sa0=0.05, sa1=0.02), 0.05, 0.02),
    (1, StuckAt(sa0=0.05, sa1=0.02, binary_sa1=0.4), 0.05, 0.4),
    (0, StuckAt(sa0=0.05, sa1=0.02, binary_sa0=0.2), 0.05, 0.02),
    (2, StuckAt.at_rate(0.1), 0.1 * 1.75 / 10.79, 0.1 * 9.04 / 10.79),
    (2, StuckAt(sa0=1.0, sa1=0.0), 1.0, 0.0),
    (2, StuckAt(sa0=0.0, sa1=1.0), 0.0, 1.0),
]


@pytest.mark.parametrize(("cell_bits", "device", "sa0", "sa1"), RATES, ids=str)
def test_stuck_rates_are_the_rates_asked_for(cell_bits: int, device: StuckAt, sa0: float, sa1: float) -> None:
    """Peer trap 5: 10 % became 1.0 %. Counts to four binomial standard errors; every other cell reads what was written.

    A level of 0.5 keeps the two faults and the healthy cells apart.
    """
    written = device.written_to(cell_bits=cell_bits, weight_bits=8, kappa=1.0)
    got = read(written, torch.full((10,), 0.5), n=N // 10).flatten()
    for value, rate in ((0.0, sa0), (1.0, sa1), (0.5, 1 - sa0 - sa1)):
        count = int((got == value).sum())
        assert abs(count - N * rate) <= 4 * math.sqrt(N * rate * (1 - rate)), (value, count)


def test_stuck_cells_are_nested_over_the_rate_and_fixed_in_age() -> None:
    level = torch.full((5000,), 0.5)
    rates = [0.01, 0.05, 0.2, 0.9]
    faults = [read(StuckAt.at_rate(r), level, n=1) for r in rates]
    for few, many in itertools.pairwise(faults):
        stuck = few != 0.5
        assert torch.equal(many[stuck], few[stuck])
    assert torch.equal(read(StuckAt.at_rate(0.2), level, age=1e6, n=1), faults[2])


def test_a_stuck_cell_forgets_what_was_programmed_but_is_still_read_with_noise() -> None:
    stack = Stack(stages=(RRAM1(sigma=0.1), StuckAt(sa0=0.3, sa1=0.3)))
    got = read(stack, torch.full((10,), 0.5), n=1000)
    assert abs(int((got == 0).sum()) - 3000) < 4 * math.sqrt(1e4 * 0.21)
    assert abs(int((got == 1).sum()) - 3000) < 4 * math.sqrt(1e4 * 0.21)
    noisy = read(Stack(stages=(StuckAt(sa0=0.0, sa1=1.0), ReadNoise(q=0.1))), torch.tensor([0.5]), age=1.0)
    assert float(noisy.mean()) == pytest.approx(1, abs=0.01)
    assert float(noisy.std()) > 0.1


def test_stack_varies_the_first_sigma_and_names_its_stages() -> None:
    stack = Stack(stages=(PCMProgramming(), FeFET1(sigma=0.1), LogNormal(sigma=0.2), StuckAt(sa0=0.1, sa1=0.0)))
    assert stack.label == "PCMProgramming+FeFET1+LogNormal+StuckAt"
    assert stack.sigma == 0.1
    changed = stack.with_sigma(0.3)
    assert changed.stages == (stack.stages[0], FeFET1(sigma=0.3), *stack.stages[2:])
    assert stack.sigma == 0.1
    assert Stack(stages=(LevelGaussian(sigma=0.1, level_scope="weight"),)).per_weight


EVERY_KIND = [
    LevelGaussian(sigma=0.1),
    LogNormal(sigma=0.1),
    StuckAt(sa0=0.1, sa1=0.1),
    PowerLawDrift(nu=0.1, nu_std=0.1),
    ReadNoise(q=0.1),
    PCMProgramming(),
    PCMDrift(),
    MeasuredTable(states=(0.5,), mean=((0.5,),), std=((0.1,),)),
    MeasuredQuantiles(states=(0.5,), probabilities=(0.0, 1.0), errors=(((-0.1, 0.1),),)),
]


def test_no_two_kinds_of_device_draw_for_one_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any two may be stages of one stack; with a purpose in common their errors would be the same numbers."""
    drawn_for: list[str] = []
    for name in ("normal", "bits", "arrivals"):
        drawn = getattr(Draws, name)
        monkeypatch.setattr(
            Draws,
            name,
            lambda self, purpose, *at, drawn=drawn, **_: (drawn_for.append(purpose), drawn(self, purpose, *at))[1],
        )
    purposes: set[str] = set()
    for device in EVERY_KIND:
        drawn_for.clear()
        read(device, torch.tensor([0.5]), age=1e6, n=2)
        assert drawn_for
        assert not purposes & set(drawn_for)
        purposes |= set(drawn_for)
    kinds = {k for k in vars(devices).values() if isinstance(k, type) and issubclass(k, Device)}
    # What slips along a track draws by events, not by cells.
    on_tracks = {devices.Racetrack, devices.Skyrmion}
    assert {k for k in kinds if issubclass(k, Device)} - {Device, Stack} - on_tracks == {type(d) for d in EVERY_KIND}


def test_the_same_cells_at_every_severity() -> None:
    """Common random numbers: twice the sigma is twice the error of every cell."""
    level = torch.rand(50, generator=torch.Generator().manual_seed(0))
    one, two = (read(RRAM1(sigma=s), level, n=3) - level for s in (0.1, 0.2))
    assert torch.allclose(two, 2 * one, atol=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_say_where_they_were_published(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert preset.summary
    assert preset.place
    device = devices.get(name.lower(), **({} if name == "PCM" else {"sigma": 0.1}))
    assert preset.reference in {r for d in (getattr(device, "stages", None) or [device]) for r in d.references}
    assert device.label == name


def test_both_names_of_a_device() -> None:
    assert devices.get("RRAM4", sigma=0.1) == RRAM2(sigma=0.1)
    assert devices.get("fefet6", sigma=0.1) == FeFET2(sigma=0.1)
    assert devices.get("FeFET2", sigma=0.1).mid_factor == 6, "the paper's name, not the code's"


BAD = [
    (lambda: RRAM1(sigma=-0.1), "sigma=-0.1 must be zero or more"),
    (lambda: RRAM1(sigma=float("nan")), "sigma=nan is not a finite number"),
    (lambda: RRAM1(sigma=10), "10 % is written 0.1"),
    (lambda: RRAM1(sigma="0.1"), "is a str; it takes a number"),
    (lambda: RRAM1(sigma=True), "is a bool; it takes a number"),
    (lambda: RRAM1(sigma=0.1, normalised="False"), "normalised='False' is a str; it takes true or false"),
    (lambda: RRAM1(sigma=0.1, normalised=0), "it takes true or false"),
    (lambda: RRAM1(sigma=0.1, convention="neft"), "'fullscale' or 'levels' or 'swim' or 'direct'"),
    (lambda: RRAM1(sigma=0.1, level_scope="cell"), "it takes 'device' or 'weight'"),
    (lambda: LevelGaussian(sigma=0.1, mid_factor=0.0), "mid_factor=0.0 must be more than zero"),
    (lambda: LogNormal(sigma=20.0), "20 % is written 0.2"),
    (lambda: StuckAt(sa0=1.2, sa1=0.0), "is a probability"),
    (lambda: StuckAt(sa0=0.6, sa1=0.6), "add up to more than 1"),
    (lambda: StuckAt(sa0=0.1, sa1=0.5, binary_sa0=0.9), "add up to 1.4"),
    (lambda: StuckAt(sa0=0.1, sa1=0.1, binary_sa1=-0.1), "is a probability"),
    (lambda: PowerLawDrift(nu=0.1, t0=0.0), "t0=0.0 must be more than zero"),
    (lambda: PowerLawDrift(nu=0.1, nu_std=-1.0), "nu_std=-1.0 must be zero or more"),
    (lambda: ReadNoise(q=-1.0), "q=-1.0 must be zero or more"),
    (lambda: PCMProgramming(scale=-1.0), "scale=-1.0 must be zero or more"),
    (lambda: PCM(t0=-1.0), "t0=-1.0 must be more than zero"),
    (lambda: Stack(stages=()), "is empty"),
    (lambda: Stack(stages=(PowerLawDrift(nu=0.1), RRAM1(sigma=0.1))), "put programming first"),
    (lambda: Stack(stages=[RRAM1(sigma=0.1)]), "is a list"),
    (lambda: Stack(stages=(RRAM1(sigma=0.1), FeFET2(sigma=0.1))), "LevelGaussian appears twice"),
    (lambda: Stack(stages=(PCM(), ReadNoise(q=0.1))), "ReadNoise appears twice"),
    (lambda: PCM().with_sigma(0.1), "PCM has no stage with a sigma"),
    (lambda: PowerLawDrift(nu=0.1).with_sigma(0.1), "PowerLawDrift has no sigma to vary"),
    (lambda: devices.get("RRAM1", sgima=0.1), "has no field 'sgima': did you mean 'sigma'?"),
    (lambda: devices.get("RRAM1"), "sigma"),
]


@pytest.mark.parametrize(("make", "says"), BAD, ids=[says for _, says in BAD])
def test_bad_input_is_one_line(make, says: str) -> None:
    with pytest.raises(SpecError) as error:
        make()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown device 'FeFT2': did you mean 'FeFET2'"):
        devices.get("FeFT2", sigma=0.1)


def test_a_nested_stack_s_sigma_is_the_one_it_has() -> None:
    """The nested stack has no sigma; the axis goes to the stage that has one."""
    both = Stack(stages=(Stack(stages=(PCMProgramming(),)), RRAM1(sigma=0.1)))
    assert both.sigma == 0.1
    assert both.with_sigma(0.2).stages[1] == RRAM1(sigma=0.2)
    with pytest.raises(SpecError, match="no stage with a sigma"):
        PCM().with_sigma(0.2)


def test_kappa_refuses_what_it_does_not_know() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'fullscale'"):
        kappa("fulscale")
    with pytest.raises(SpecError, match="not divisible"):
        kappa("fullscale", 8, 3)
