"""evaluate() against the slow loop: the same chips, the same counts, however the work is cut up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from reference import loop, nets
from torch import nn

import mho
from mho.devices import PCM, RRAM1, FeFET2, LogNormal, PowerLawDrift, Stack, StuckAt
from mho.evaluation import Bench, bench, plan
from mho.mapping import Offset, SlicedMagnitude
from mho.memory import Chips, Memory, deploy

CHIPS = 4
MEMORIES = {
    "gaussian": Memory(device=RRAM1(sigma=0.2)),
    "levels, per channel": Memory(device=FeFET2(sigma=0.2), mapping=Offset(granularity="channel")),
    "cell by cell": Memory(
        device=Stack(stages=(RRAM1(sigma=0.2), PowerLawDrift(nu=0.05), StuckAt(sa0=0.02, sa1=0.02)))
    ),
    "clipped": Memory(device=LogNormal(sigma=0.3), mapping=SlicedMagnitude(clip_negative=True)),
}


def labelled(name: str, n: int = 60) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network of the list, inputs, and the labels it gives them itself (so that noise costs accuracy)."""
    make, x = nets.EVERY_LAYER[name]
    model = nets.seeded(make())
    if x.is_floating_point():
        x = nets.inputs(n, *x.shape[1:])
    with torch.no_grad():
        return model, x, model(x).argmax(1)


@pytest.fixture(scope="module")
def small() -> tuple[Chips, torch.Tensor, torch.Tensor]:
    model, x, y = labelled("batch norms", 101)
    return deploy(model, MEMORIES["gaussian"], seed=11), x, y


def values(chips: Chips, x, y, **options) -> np.ndarray:
    return mho.evaluate(chips, (x, y), n_chips=options.pop("n_chips", CHIPS), **options).values[0, 0]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", nets.EVERY_LAYER)
def test_every_kind_of_layer_equals_the_slow_loop(name: str) -> None:
    model, x, y = labelled(name)
    chips = deploy(
        model, {"emb": MEMORIES["gaussian"], "*": MEMORIES["gaussian"]} if name == "embedding" else MEMORIES["gaussian"]
    )
    wanted = [loop.accuracy(chips, i, x, y) for i in range(CHIPS)]
    assert min(wanted) < 1, "the noise must cost something for this test to say anything"
    for batching in ("loop", "vmap"):
        result = mho.evaluate(chips, (x, y), n_chips=CHIPS, batching=batching)
        assert result.values[0, 0].tolist() == wanted
        assert result.ekl is not None
        assert result.ekl[0, 0] == pytest.approx(
            [loop.ekl(chips, i, x, y) for i in range(CHIPS)], rel=1e-4, nan_ok=True
        )
        assert result.digital == 1


@pytest.mark.parametrize("memory", MEMORIES)
def test_every_kind_of_memory_equals_the_slow_loop(memory: str) -> None:
    model, x, y = labelled("batch norms")
    chips = deploy(model, MEMORIES[memory], seed=5)
    wanted = [[loop.accuracy(chips, i, x, y, age=age) for i in range(CHIPS)] for age in (0.0, 1e4)]
    assert len(set(wanted[0])) > 1
    for batching in ("loop", "vmap"):
        assert (
            mho.evaluate(chips, (x, y), n_chips=CHIPS, age=[0.0, 1e4], batching=batching).values[0].tolist() == wanted
        )


@pytest.mark.parametrize("batching", ["loop", "vmap"])
@pytest.mark.parametrize("batch_size", [1, 7, 50, 101, 1000, None])
def test_a_chip_is_an_instance_not_a_draw_per_batch(small, batching: str, batch_size: int | None) -> None:
    """Peer trap 9: however the images are cut up, a chip's accuracy is that of one weight instance."""
    chips, x, y = small
    wanted = [loop.accuracy(chips, i, x, y) for i in range(CHIPS)]
    assert values(chips, x, y, batching=batching, batch_size=batch_size).tolist() == wanted


def test_the_company_of_a_sample_does_not_matter(small) -> None:
    """Peer trap 5: counts of the parts add up to the count of the whole, in any order."""
    chips, x, y = small
    n = len(y)
    whole = values(chips, x, y) * n
    parts = values(chips, x[:30], y[:30]) * 30 + values(chips, x[30:], y[30:]) * (n - 30)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    assert parts == pytest.approx(whole)
    assert values(chips, x[order], y[order], batch_size=13) * n == pytest.approx(whole)


def test_the_variance_between_chips_is_that_of_instances(small) -> None:
    """Drawn anew for each of 101 one-image batches, accuracies would have a binomial spread over images alone."""
    chips, x, y = small
    got = values(chips, x, y, n_chips=200, batch_size=1)
    assert got[:20].tolist() == [loop.accuracy(chips, i, x, y) for i in range(20)]
    mean = float(got.mean())
    redrawn = math.sqrt(mean * (1 - mean) / len(y))  # an upper bound: some images are easy
    assert float(got.std(ddof=1)) > 2 * redrawn


def test_more_chips_continue_the_population(small) -> None:
    chips, x, y = small
    together = values(chips, x, y, n_chips=9)
    assert (
        np.concatenate([values(chips, x, y, n_chips=4), values(chips, x, y, n_chips=5, first_chip=4)]).tolist()
        == together.tolist()
    )
    far = values(chips, x, y, n_chips=1, first_chip=2**33 + 1)
    assert far.tolist() == [loop.accuracy(chips, 2**33 + 1, x, y)]
    result = mho.evaluate(chips, (x, y), n_chips=5, first_chip=4)
    assert result.axes["chip"] == (4, 5, 6, 7, 8)


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
@pytest.mark.parametrize("batching", ["loop", "vmap"])
def test_chunks_do_not_change_chips(small, monkeypatch: pytest.MonkeyPatch, chunk: int, batching: str) -> None:
    chips, x, y = small
    wanted = values(chips, x, y, n_chips=7, batching=batching)
    monkeypatch.setattr(plan, "MOST_CHIPS", chunk)
    result = mho.evaluate(chips, (x, y), n_chips=7, batching=batching)
    assert result.provenance["chips_per_chunk"] == min(chunk, 7)
    assert result.values[0, 0].tolist() == wanted.tolist()


def test_sigma_and_age_are_axes(small) -> None:
    chips, x, y = small
    result = mho.evaluate(chips, (x, y), n_chips=3, sigma=(0.3, 0.0, 0.1), age=[5.0])
    assert result.values.shape == (3, 1, 3)
    assert result.axes == {"sigma": (0.3, 0.0, 0.1), "age": (5.0,), "chip": (0, 1, 2)}
    for i, sigma in enumerate(result.sigma):
        assert result.values[i, 0].tolist() == [loop.accuracy(chips, c, x, y, sigma=sigma) for c in range(3)]
    clean = result.at(sigma=0.0).values
    assert clean.tolist() == [result.ideal] * 3, "no noise: every chip is the quantised model"
    for given in (np.array([0.3, 0.0, 0.1]), torch.tensor([0.3, 0.0, 0.1], dtype=torch.float64), iter([0.3, 0.0, 0.1])):
        again = mho.evaluate(chips, (x, y), n_chips=3, sigma=given, age=5)
        assert (again.sigma, again.values.tolist()) == (result.sigma, result.values.tolist())


def test_common_random_numbers_over_sigma_and_age() -> None:
    """A chip's error grows in proportion to sigma, cell by cell, and its drift multiplies what was programmed."""
    model, _x, _y = labelled("linear")
    chips = deploy(model, MEMORIES["gaussian"])
    one, two = (chips.weights(3, sigma=s)["weight"] - chips.ideal().weight for s in (0.1, 0.2))
    assert torch.allclose(two, 2 * one, atol=1e-6)
    aged = deploy(model, Memory(device=Stack(stages=(RRAM1(sigma=0.1), PowerLawDrift(nu=0.1)))))
    young, old = (aged.weights(3, age=a)["weight"] for a in (1.0, 100.0))
    assert torch.allclose(old, young * 100**-0.1, atol=1e-6)
    # Paired comparisons profit: the difference of two severities varies less than independent chips would.
    result = mho.evaluate(
        deploy(nets.seeded(nets.convnet()), MEMORIES["gaussian"]),
        labelled("batch norms")[1:],
        n_chips=100,
        sigma=[0.10, 0.11],
    )
    a, b = result.values[:, 0]
    assert np.var(a - b) < 0.5 * (np.var(a) + np.var(b))


def test_devices_without_sigma_keep_their_own() -> None:
    model, x, y = labelled("linear")
    result = mho.evaluate(deploy(model, Memory(device=PCM())), (x, y), n_chips=2, age=[0.0, 86400.0])
    assert result.sigma == (None,)
    assert result.at(age=86400.0).age == 86400.0


def test_two_evaluations_do_not_influence_each_other(small) -> None:
    """Nothing of a chip stays behind in the model; the same call gives the same numbers."""
    chips, x, y = small
    state = {n: t.clone() for n, t in chips.model.state_dict().items()}
    first = values(chips, x, y)
    mho.evaluate(chips, (x, y), n_chips=2, sigma=0.4, batching="vmap")
    assert values(chips, x, y).tolist() == first.tolist()
    assert all(torch.equal(t, state[n]) for n, t in chips.model.state_dict().items())


def test_nothing_is_drawn_from_the_global_generator(small) -> None:
    chips, x, y = small
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = values(chips, x, y)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert values(chips, x, y).tolist() == first.tolist()


def test_bfloat16_runs_under_autocast(small) -> None:
    chips, x, y = small
    rough = mho.evaluate(chips, (x, y), n_chips=CHIPS, dtype="bfloat16")
    assert rough.values[0, 0] == pytest.approx(values(chips, x, y), abs=0.1)
    assert rough.provenance["dtype"] == "bfloat16"


@pytest.mark.parametrize("batching", ["loop", "vmap"])
@pytest.mark.parametrize("memory", ["gaussian", "cell by cell"])
def test_hits_of_a_chip_on_images_of_its_own_are_rows_of_the_whole_table(batching, memory) -> None:
    model, x, y = labelled("batch norms", 37)
    chips = deploy(model, MEMORIES[memory], seed=5)
    lot = Bench(chips, (x, y), batching=batching, batch_size=10).lot(None, 0.0, CHIPS)
    table = lot.hits(range(CHIPS), np.tile(np.arange(len(y)), (CHIPS, 1)))
    assert table.mean(1).tolist() == lot.measure(range(CHIPS))[0].tolist()
    rng = np.random.default_rng(1)
    own = np.stack([rng.permutation(len(y))[:13] for _ in range(3)])
    assert (lot.hits([3, 0, 2], own) == np.take_along_axis(table[[3, 0, 2]], own, axis=1)).all()


def test_sampled_cell_by_cell_chips_pair_with_those_of_a_device_that_knows_no_other_way() -> None:
    """RRAM1 and RRAM1 that also has stuck cells (none, here) are the same chips if both are sampled by cell."""
    model, _, _ = labelled("linear")
    plain = deploy(model, Memory(device=RRAM1(sigma=0.2)), seed=2)
    stuck = deploy(model, Memory(device=Stack(stages=(RRAM1(sigma=0.2), StuckAt(sa0=0.0, sa1=1e-9)))), seed=2)
    ids = torch.arange(3)
    weights = [
        {n: p.sample(c.seed, ids) for n, p in c.programmed(by_cell=by_cell).items()}
        for c, by_cell in ((plain, True), (stuck, False), (plain, False))
    ]
    assert torch.equal(weights[0]["weight"], weights[1]["weight"])
    assert not torch.equal(weights[2]["weight"], weights[1]["weight"])


def test_memory_does_not_grow_with_the_number_of_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most a chunk of chips is held at once, and every full chunk is written into the same buffers."""
    model, x, y = labelled("linear")
    chips = deploy(model, MEMORIES["gaussian"])
    monkeypatch.setattr(plan, "MOST_CHIPS", 8)
    seen: list[tuple[int, int]] = []
    weights_of = bench.Lot._weights

    def watched(*arguments):
        for part, weights in weights_of(*arguments):
            seen.append((weights["weight"].shape[0], weights["weight"].data_ptr()))
            yield part, weights

    monkeypatch.setattr(bench.Lot, "_weights", watched)
    mho.evaluate(chips, (x, y), n_chips=100)
    assert [n for n, _ in seen] == [8] * 12 + [4]
    assert len({where for _, where in seen}) == 1


def plan_for(**changes):
    base = dict(  # noqa: C408 - the keywords of make_plan
        batching="loop",
        batch_size=None,
        samples=10_000,
        chips=10**6,
        weight_bytes=400_000,
        activation=(20_000, 60_000),
        outputs=40,
        keep_outputs=False,
        device=torch.device("cpu"),
    )
    return plan.make_plan(**{**base, **changes})


@pytest.mark.parametrize("batching", ["loop", "vmap"])
@pytest.mark.parametrize("changes", [{}, {"outputs": 200_000_000}, {"keep_outputs": True, "outputs": 400_000}], ids=str)
@pytest.mark.parametrize("room", [2**20, 2**30, 2**36])
def test_a_chunk_fits_into_the_memory_there_is(
    monkeypatch: pytest.MonkeyPatch, batching, changes: dict, room: int
) -> None:
    """Weights, activations (vmap) and outputs of a chunk stay within the share, down to one chip at a time."""
    monkeypatch.setattr(plan, "free_memory", lambda device: room)
    made = plan_for(batching=batching, **changes)
    outputs = changes.get("outputs", 40) * (10_000 if changes.get("keep_outputs") else made.images)
    per_chip = 400_000 + outputs + (60_000 * made.images if made.vmap else 0)
    assert made.chips == 1 or made.chips * per_chip <= plan.SHARE * room
    assert 1 <= made.chips <= plan.MOST_CHIPS
    assert 1 <= made.images <= 10_000


def test_plans_follow_what_is_asked() -> None:
    assert plan_for(batch_size=3).images == 3
    assert plan_for(samples=5).images == 5
    assert plan_for(chips=2).chips == 2
    assert not plan_for(batching="auto").vmap
    assert plan_for(batching="vmap").vmap


class Viewing(nn.Module):
    """The idiom of every tutorial, which needs contiguous feature maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.max_pool2d(self.conv(x).relu(), 2)
        return self.fc(x.view(x.size(0), -1))


def test_a_model_that_views_its_feature_maps_works() -> None:
    torch.manual_seed(0)
    model, data = Viewing().eval(), (torch.randn(12, 3, 8, 8), torch.randint(0, 4, (12,)))
    population = mho.deploy(model, Memory(device=RRAM1(sigma=0.1)))
    result = mho.evaluate(population, data, n_chips=3, show_progress=False)
    for chip in range(3):
        with torch.no_grad():
            hits = (population.chip(chip)(data[0]).argmax(1) == data[1]).double().mean()
        assert result.values[0, 0, chip] == hits
