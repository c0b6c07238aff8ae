"""The search for the strength of the errors: three copies, the best goes on, the interval halves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mho import devices, training
from mho.data import Dataset
from mho.errors import ModelError, SpecError
from mho.memory import Memory
from mho.training import GaussianNoise, IntermediateSnapshots, NoiseInjection, Recipe, RightCensored, SigmaSearch
from mho.training.monitor import Judge, Judgement

MEMORY = Memory(device=devices.RRAM1(sigma=0.2))
RECIPE = Recipe(epochs=3, batch_size=32, lr=5e-3)


def blobs(n: int = 60) -> Dataset:
    targets = torch.arange(n) % 3
    noise = torch.randn(n, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return Dataset(inputs=noise + targets.view(-1, 1, 1, 1), targets=targets, classes=3, name="blobs")


def small() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def judged(score: float) -> Judgement:
    return Judgement(mean=0.0, percentile=score, ekl=None, score=score)


def strengths(monkeypatch: pytest.MonkeyPatch, best: Iterator[int], **options: Any) -> list[float]:
    """The strength of every epoch, where judges say that copy ``best`` is best."""
    scores = (float(copy == choice) for choice in best for copy in range(3))
    told = iter(scores)
    monkeypatch.setattr(Judge, "__call__", lambda *_: judged(next(told)))
    method = NoiseInjection(sigma=SigmaSearch(**({"narrowing": "half"} | options)), noise=GaussianNoise())
    trained = training.train(small(), blobs(), method=method, memory=MEMORY, recipe=RECIPE)
    return [epoch.sigma for epoch in training.history(trained)]


@pytest.mark.parametrize(
    ("best", "expected"),
    [
        ((0, 0, 0), [0.1, 0.05, 0.025]),  # of [0, 0.4]: a quarter of 0.4, of 0.2, of 0.1
        ((2, 2, 2), [0.3, 0.35, 0.375]),
        ((1, 1, 1), [0.2, 0.2, 0.2]),
        ((2, 0, 1), [0.3, 0.25, 0.25]),  # [0, 0.4] -> [0.2, 0.4] -> [0.2, 0.3]
    ],
)
def test_the_interval_halves_around_the_best(
    best: tuple[int, ...], expected: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert strengths(monkeypatch, iter(best)) == pytest.approx(expected)


def test_where_all_are_as_good_the_errors_get_weaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "__call__", lambda *_: judged(0.5))
    method = RightCensored(sigma=SigmaSearch(low=0.1, high=0.5, narrowing="half"))
    trained = training.train(small(), blobs(), method=method, memory=MEMORY, recipe=RECIPE)
    assert [e.sigma for e in training.history(trained)] == pytest.approx([0.2, 0.15, 0.125])
    assert training.origin(trained).kept == 1, "the first of the best"
    assert training.origin(trained).sigma == pytest.approx(0.2)


def test_warm_up_is_plain_and_a_narrow_interval_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    always = itertools.repeat(1)
    found = strengths(monkeypatch, always, warmup=2)
    assert found[:2] == [None, None]
    assert found[2] == pytest.approx(0.2)
    assert strengths(monkeypatch, iter([0, 0, 0]), low=0.1, high=0.2, narrowest=0.08) == pytest.approx([0.125] * 3)
    # after [0.1, 0.15] the middle goes on


@given(steps=st.lists(st.integers(0, 2), min_size=1, max_size=12), low=st.floats(0, 0.5), width=st.floats(0.01, 0.5))
def test_the_interval_stays_inside_and_narrows(steps: list[int], low: float, width: float) -> None:
    from mho.training.searching import _narrowed

    for narrowing in ("half", "outer"):
        a, b = low, low + width
        for best in steps:
            chosen = a + (best + 1) * (b - a) / 4
            new = _narrowed(a, b, best, narrowing)
            part = 0.75 if narrowing == "outer" and best != 1 else 0.5
            assert new[1] - new[0] == pytest.approx(part * (b - a))
            assert a - 1e-12 <= new[0] <= chosen <= new[1] <= b + 1e-12
            a, b = new


def test_the_published_narrowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default. Of [0, 0.4]: best left, end to right, 0.3; best right, start to left, 0.075; best middle, both."""
    assert strengths(monkeypatch, iter((0, 2, 1)), narrowing="outer") == pytest.approx([0.1, 0.225, 0.1875])


def test_of_values_the_smallest_error_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = torch.randn(60, 8, generator=torch.Generator().manual_seed(1))
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    seen: list[float] = []
    judge = Judge.__call__

    def look(self: Judge, network: nn.Module) -> Judgement:
        found = judge(self, network)
        seen.append(found.percentile)
        return found

    monkeypatch.setattr(Judge, "__call__", look)
    search = NoiseInjection(sigma=SigmaSearch(low=0.0, high=1.0, chips=10))
    trained = training.train(model, (inputs, inputs[:, :1]), method=search, memory=MEMORY, recipe=RECIPE)
    told = [epoch.chips_percentile for epoch in training.history(trained)]
    assert told == [min(seen[i : i + 3]) for i in (0, 3, 6)]
    assert training.origin(trained).kept == 1 + told.index(min(told))


def test_a_copy_that_diverges_loses() -> None:
    class Fragile(nn.Module):
        """Stands weak errors only."""

        def __init__(self) -> None:
            super().__init__()
            self.body = small()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = self.body(x)
            largest = self.body[4].weight.abs().max().detach()
            return out * torch.where(torch.logical_and(largest > 0.5, torch.tensor(self.training)), torch.nan, 1.0)

    search = NoiseInjection(sigma=SigmaSearch(high=2.0, chips=2), noise=GaussianNoise())
    trained = training.train(Fragile(), blobs(), method=search, memory=MEMORY, recipe=RECIPE.replace(epochs=1, lr=1e-4))
    assert training.history(trained)[0].sigma == pytest.approx(0.5)
    hopeless = NoiseInjection(sigma=SigmaSearch(low=4.0, high=8.0, chips=2), noise=GaussianNoise())
    with pytest.raises(ModelError, match="diverged"):
        training.train(Fragile(), blobs(), method=hopeless, memory=MEMORY, recipe=RECIPE.replace(epochs=1))


def test_a_search_over_one_strength_is_the_training_with_that_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the middle always best, the middle copy is never touched by the others: it is an ordinary run."""
    strengths_seen = itertools.cycle([0.0, 1.0, 0.0])
    monkeypatch.setattr(Judge, "__call__", lambda *_: judged(next(strengths_seen)))
    data, validation = blobs(), blobs(30)
    for search, number, memory_errors in (
        (NoiseInjection(sigma=SigmaSearch(high=0.2), noise=GaussianNoise()), NoiseInjection(sigma=0.1), None),
        (NoiseInjection(sigma=SigmaSearch(high=0.2)), NoiseInjection(sigma=0.1), MEMORY),
        (
            IntermediateSnapshots(sigma=SigmaSearch(high=0.2), noise=GaussianNoise(), taps=("0",), hidden=4),
            IntermediateSnapshots(sigma=0.1, taps=("0",), hidden=4),
            None,
        ),
    ):
        found = training.train(small(), data, method=search, memory=MEMORY, recipe=RECIPE, validation=validation)
        alone = training.train(small(), data, method=number, memory=memory_errors, recipe=RECIPE.replace(epochs=1))
        assert training.origin(found).kept == 1
        # The first of equal scores is kept: the first epoch, whose learning rate is that of a run of one epoch.
        assert all(torch.equal(a, b) for a, b in zip(found.parameters(), alone.parameters(), strict=True))


def test_the_judges_see_samples_that_nothing_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Dataset] = []

    def look(self: Judge, model: nn.Module) -> Judgement:
        seen.append(self.data)
        return judged(0.0)

    monkeypatch.setattr(Judge, "__call__", look)
    training.train(small(), blobs(), method=RightCensored(), memory=MEMORY, recipe=RECIPE)
    assert len(seen) == 9
    assert {len(data) for data in seen} == {6}, "a tenth"


@pytest.mark.parametrize(
    ("method", "memory", "says"),
    [
        (RightCensored(), None, "RightCensored: a search for sigma judges chips; give memory= too"),
        (RightCensored(sigma=0.1), MEMORY, "RightCensored takes no memory"),
        (RightCensored(sigma=SigmaSearch(low=0.4)), MEMORY, r"low=0\.4 is not below 0\.4, twice the severity"),
        (RightCensored(), Memory(device=devices.PCM()), "has no sigma that would bound the search"),
        (RightCensored(), Memory(device=devices.StuckAt(sa0=0.01, sa1=0.02)), r"has no sigma .*SigmaSearch\(high"),
        (
            NoiseInjection(sigma=SigmaSearch(high=0.2)),
            Memory(device=devices.PCM()),
            r"^NoiseInjection: sigma=SigmaSearch\(...\) .* device=PCM has none; .* noise=mho.training.GaussianNoise",
        ),
        (RightCensored(sigma=SigmaSearch(warmup=3)), MEMORY, "warmup=3 leaves none of 3 epochs to search in"),
        (NoiseInjection(sigma=0.1, noise=GaussianNoise()), MEMORY, "both say what errors are"),
    ],
)
def test_searches_that_cannot_be(method: Any, memory: Any, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        training.train(small(), blobs(), method=method, memory=memory, recipe=RECIPE)


def test_a_search_keeps_the_best_itself() -> None:
    with pytest.raises(SpecError, match="leave out monitor"):
        training.train(small(), blobs(), method=RightCensored(), memory=MEMORY, monitor=training.Monitor())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"low": 0.3, "high": 0.3}, r"high=0\.3 must be more than low=0\.3: no strength lies between"),
        ({"low": -0.1}, "low=-0.1 must be zero or more"),
        ({"percentile": 0.0}, "percentile=0.0"),
        ({"chips": 0}, "chips=0"),
        ({"held_out": 1.0}, "held_out=1.0"),
        ({"warmup": -1}, "warmup=-1"),
        ({"narrowest": 0.0}, "narrowest=0.0"),
    ],
)
def test_searches_out_of_range(changes: dict, says: str) -> None:
    with pytest.raises(SpecError, match=f"SigmaSearch: {says}"):
        SigmaSearch(**changes)
