"""In-situ training: a chip that starts unverified and is rewritten as a whole in every iteration."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
import torch
from reference import teaching
from torch import Tensor, nn

import mho
from mho import data, training, zoo
from mho.devices import RRAM1, Device, FeFET2, LogNormal, Racetrack, Skyrmion, Stack, StuckAt
from mho.errors import MhoError, ModelError, SpecError
from mho.mapping import Analog, SlicedMagnitude, Tracks
from mho.memory import Memory, deploy
from mho.programming import WriteVerify
from mho.training import Monitor, NoiseInjection, Recipe, SigmaSearch, in_situ
from mho.training.rewriting import Cells
from mho.training.run import derived

NOISY = Memory(device=RRAM1(sigma=0.2, convention="direct"), mapping=Analog())


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def points(n: int = 23) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 5, generator=seeded(0)) + targets.view(-1, 1), targets


def linear(seed: int = 1) -> nn.Linear:
    model = nn.Linear(5, 3)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=seeded(seed))
    return model.eval()


def normed() -> nn.Module:
    return nn.Sequential(linear(), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.2), nn.Linear(3, 3)).eval()


@pytest.fixture(scope="module")
def mlp() -> nn.Module:
    train = data.digits(split="train", size=8)
    start = zoo.build("mlp", inputs=64, hidden=[32])
    return training.train(start, train, recipe=Recipe(epochs=8, batch_size=32, lr=5e-3))


def test_a_chip_is_taught_as_a_slow_loop_teaches_it() -> None:
    inputs, targets = points()
    chips = deploy(linear(), NOISY, seed=4)

    def written(step: int, weight: Tensor, bias: Tensor, part: list[int]) -> Tensor:
        now = linear()
        now.weight.data = weight.float()
        return Cells(deploy(now, NOISY, seed=4), None, 2).write(step + 1)["weight"]

    def order():
        forever = teaching.batches(23, 8, 100, derived(4, "in-situ training of chip 2"))
        for _ in range(5):
            yield next(forever)

    weight, bias = teaching.taught(
        linear().weight.detach(), linear().bias.detach(), inputs, targets, order(), written, lr=0.2, momentum=0.9
    )
    last = written(5, weight, bias, [])
    right = [
        max(range(3), key=teaching.scores(last, bias, x).__getitem__) == y
        for x, y in zip(inputs, targets.tolist(), strict=True)
    ]
    said = in_situ(
        chips, (inputs, targets), (inputs, targets), iterations=5, n_chips=1, first_chip=2, lr=0.2, batch_size=8
    )
    assert said.iterations == (0, 5)
    assert said.values[0, 1] == pytest.approx(sum(right) / 23)
    assert said.values[0, 0] != said.values[0, 1]


@pytest.mark.parametrize("make", [linear, normed])
@pytest.mark.parametrize(
    "memory",
    [
        NOISY,
        Memory(device=FeFET2(sigma=0.3), mapping=SlicedMagnitude(weight_bits=4, cell_bits=2)),
        Memory(device=LogNormal(sigma=0.5)),
        Memory(device=RRAM1(sigma=0.3)),
    ],
    ids=lambda m: m.label,
)
def test_it_starts_from_the_chips_that_evaluate_judges(make, memory: Memory) -> None:
    chips = deploy(make(), memory, seed=1)
    said = in_situ(chips, points(), points(), iterations=1, n_chips=6, first_chip=3, sigma=0.4)
    judged = mho.evaluate(chips, points(), n_chips=6, first_chip=3, sigma=0.4, show_progress=False)
    np.testing.assert_allclose(said.values[:, 0], judged.values.ravel(), atol=1e-12)


def test_a_verified_memory_starts_unverified() -> None:
    verified = NOISY.replace(programming=WriteVerify(tolerance=0.02))
    a, b = (in_situ(deploy(linear(), m), points(), points(), iterations=2, n_chips=3) for m in (NOISY, verified))
    np.testing.assert_array_equal(a.values, b.values)


def test_a_chip_is_the_same_whichever_others_are_taught() -> None:
    chips, before = deploy(normed(), NOISY), torch.random.get_rng_state()
    model = copy.deepcopy(chips.model)
    options = {"iterations": 7, "every": 3, "batch_size": 8, "lr": 0.05}
    whole = in_situ(chips, points(), points(), n_chips=4, **options)
    assert whole.iterations == (0, 3, 6, 7)
    assert whole.values.shape == (4, 4)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    part = in_situ(chips, points(), points(), n_chips=2, first_chip=2, **options)
    np.testing.assert_array_equal(whole.values[2:], part.values)
    other = in_situ(deploy(normed(), NOISY, seed=1), points(), points(), n_chips=4, **options)
    assert not np.array_equal(whole.values, other.values)
    for a, b in zip(model.state_dict().values(), chips.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), "the deployment stays as it was"
    torch.random.set_rng_state(before)


@pytest.mark.parametrize(
    "memory", [Memory(device=RRAM1(sigma=0.1)), Memory(device=LogNormal(sigma=0.2))], ids=lambda m: m.label
)
def test_every_write_has_errors_of_its_own(memory: Memory) -> None:
    model = nn.Linear(200, 50).eval()
    model.weight.data = torch.randn(50, 200, generator=seeded(0))
    chips = deploy(model, memory)
    cells = Cells(chips, None, 3)
    first, second, again = (cells.write(cycle)["weight"] for cycle in (1, 2, 1))
    assert torch.equal(first, again)
    torch.testing.assert_close(first, chips.weights(3)["weight"][0])
    ideal = chips.ideal().weight.detach()
    errors = torch.stack([(first - ideal).flatten(), (second - ideal).flatten()])
    spread = errors.std(1)
    # 10,000 errors each: standard deviations agree (heavy tails: four times five standard errors), errors do not.
    assert float(spread[1] / spread[0]) == pytest.approx(1, abs=20 / math.sqrt(2 * 10_000))
    assert abs(float(torch.corrcoef(errors)[0, 1])) < 5 / math.sqrt(10_000)


def test_defects_of_cells_survive_a_write() -> None:
    device = Stack(stages=(RRAM1(sigma=0.0), StuckAt.at_rate(0.3)))
    chips = deploy(linear(), Memory(device=device))
    cells = Cells(chips, None, 0)
    assert torch.equal(cells.write(1)["weight"], cells.write(7)["weight"])
    assert not torch.equal(cells.write(1)["weight"], Cells(chips, None, 1).write(1)["weight"])


def test_chips_get_better(mlp: nn.Module) -> None:
    train, test = data.digits(split="train", size=8), data.digits(size=8)
    chips = deploy(mlp, NOISY)
    before = mho.evaluate(chips, test, n_chips=100, show_progress=False).values.ravel()
    said = in_situ(chips, train, test, iterations=200, every=10, n_chips=6, lr=1e-2)
    # Every write has fresh errors: the mean over the last eight is what a chip has become.
    after = said.values[:, -8:].mean(1)
    error = math.sqrt(before.var(ddof=1) / 100 + after.var(ddof=1) / 6)
    assert after.mean() - before.mean() > 5 * error, "better by five standard errors over chips"


def test_what_it_returns_is_data() -> None:
    said = in_situ(deploy(linear(), NOISY), points(), points(), iterations=20, every=10, n_chips=2)
    np.testing.assert_array_equal(said.writes, [0, 10, 20])
    np.testing.assert_allclose(said.nwc(10), [0, 1, 2])
    kept = json.loads(json.dumps(said.to_dict()))
    assert kept["values"] == said.values.tolist()
    assert kept["lr"] == 1e-4
    assert "in-situ training on data, accuracy in %, 2 chips x 23 samples, seed 0" in str(said)
    assert mho.cite(said).count("@") == 1
    with pytest.raises(AttributeError):
        said.seed = 3  # type: ignore[misc]
    with pytest.raises(SpecError, match=r"mean_cycles=0\.5 must be at least 1"):
        said.nwc(0.5)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"iterations": 0}, SpecError, "iterations=0 must be one or more"),
        ({"every": 1.5}, SpecError, "every=1.5 is a float"),
        ({"n_chips": 0}, SpecError, "n_chips=0"),
        ({"first_chip": -1}, SpecError, "first_chip=-1"),
        ({"lr": 0.0}, SpecError, "lr=0.0 must be positive"),
        ({"momentum": 1.0}, SpecError, "momentum=1.0 must be in [0, 1)"),
        ({"sigma": -0.1}, SpecError, "sigma=-0.1 must be zero or more"),
        ({"metric": "acuracy"}, MhoError, "did you mean 'accuracy'?"),
        ({"device": "gpu"}, SpecError, "device='gpu' cannot be used"),
        ({"data": (torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64))}, ModelError, "does not take inputs"),
        ({"test": (torch.zeros(3, 5), torch.tensor([0, 1, 3]))}, ModelError, "label 3"),
        ({"chips": linear()}, SpecError, "in_situ takes chips, not a Linear"),
    ],
)
def test_bad_requests_are_one_line(options: dict, error: type[MhoError], words: str) -> None:
    asked = {"chips": deploy(linear(), NOISY), "data": points(), "test": points()} | options
    chips, train, test = (asked.pop(key) for key in ("chips", "data", "test"))
    with pytest.raises(error) as caught:
        in_situ(chips, train, test, **asked)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def block() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()


@pytest.mark.parametrize("device", [Racetrack(), Skyrmion(slip_rate=0.01)], ids=["Racetrack", "Skyrmion"])
def test_racetracks_are_refused_wherever_chips_are_seen_freshly_written(device: Device) -> None:
    """Nothing has slipped then: training would see chips without errors, and say nothing."""
    memory = Memory(device=device, mapping=Tracks(weight_bits=8))
    samples, images = points(), (torch.randn(6, 1, 4, 4, generator=seeded(0)), torch.arange(6) % 3)
    search = SigmaSearch(high=0.1, held_out=0.5)
    own = {"noise": training.GaussianNoise(), "sigma": search}
    number = "leave out memory= and give the method a number, such as sigma=0.1"
    asked = [
        (lambda: in_situ(deploy(linear(), memory), samples, samples), "in_situ", "mho.racetrack.protect"),
        (lambda: training.compensate(linear(), samples, memory, layers=[""]), "compensate", "mho.racetrack.protect"),
        (lambda: training.share_block(block(), images, memory), "share_block", "mho.racetrack.protect"),
        (lambda: mho.train(linear(), samples, method=NoiseInjection(), memory=memory), "train", number),
        (lambda: mho.train(linear(), samples, method=NoiseInjection(**own), memory=memory), "train", number),
        (
            lambda: mho.train(linear(), samples, monitor=Monitor(memory=memory), validation=samples),
            "Monitor",
            "give it memory= of another device",
        ),
    ]
    for ask, who, remedy in asked:
        with pytest.raises(SpecError) as caught:
            ask()
        said = str(caught.value)
        assert said.startswith(f"{who}: memory= has device={device.label}, whose bits slip only when they are read"), (
            said
        )
        assert remedy in said
        assert "\n" not in said
