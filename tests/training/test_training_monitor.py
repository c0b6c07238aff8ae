"""Judging chips while training, and which epoch is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mho
from mho import devices, training
from mho.data import Dataset
from mho.errors import SpecError
from mho.frozen import FrozenDict
from mho.memory import Memory
from mho.training import Epoch, Monitor, NoiseInjection, Recipe
from mho.training.keeping import Keeper
from mho.training.run import derived

MEMORY = Memory(device=devices.RRAM1(sigma=0.3))
RECIPE = Recipe(epochs=3, batch_size=16, lr=1e-2, seed=5)


def blobs(n: int = 90) -> Dataset:
    targets = torch.arange(n) % 3
    noise = torch.randn(n, 8, generator=torch.Generator().manual_seed(0))
    return Dataset(inputs=noise + targets.view(-1, 1), targets=targets, classes=3, name="blobs")


def small(outputs: int = 3) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, outputs))


def test_the_record_shows_what_an_evaluation_of_the_same_chips_shows() -> None:
    test = blobs(60)
    monitor = Monitor(memory=MEMORY, chips=25, percentile=10)
    trained = training.train(small(), blobs(), recipe=RECIPE, validation=test, monitor=monitor)
    chips = mho.deploy(trained, MEMORY, seed=derived(RECIPE.seed, "monitor"))
    result = mho.evaluate(chips, test, n_chips=25, show_progress=False)
    last = training.history(trained)[-1]
    assert last.chips_mean == pytest.approx(result.values.mean(), abs=1e-12)
    assert last.chips_percentile == pytest.approx(np.percentile(result.values, 10), abs=1e-12)
    assert last.chips_ekl == pytest.approx(np.nanmean(result.ekl), abs=1e-12)
    assert training.origin(trained).kept is None
    plain = training.train(small(), blobs(), recipe=RECIPE)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), trained.parameters(), strict=True))
    assert training.history(plain)[0].chips_mean is None


def test_chips_are_judged_every_so_many_epochs_and_after_the_last() -> None:
    monitor = Monitor(memory=MEMORY, chips=2, every=3)
    trained = training.train(small(), blobs(), recipe=RECIPE.replace(epochs=5), validation=0.2, monitor=monitor)
    looked = [epoch.chips_mean is not None for epoch in training.history(trained)]
    assert looked == [False, False, True, False, True]


@pytest.mark.parametrize("keep", ["accuracy", "mean", "percentile"])
def test_the_best_epoch_is_the_network_that_comes_back(keep: Any) -> None:
    recipe = RECIPE.replace(epochs=10, lr=0.2, schedule="constant")  # so fast that epochs get worse, too
    options = {"validation": 0.3, "method": NoiseInjection(), "memory": MEMORY}
    best = training.train(small(), blobs(), recipe=recipe, monitor=Monitor(chips=5, keep=keep), **options)
    kept, past = training.origin(best).kept, training.history(best)
    field = {"accuracy": "validation_accuracy", "mean": "chips_mean", "percentile": "chips_percentile"}[keep]
    told = [getattr(epoch, field) for epoch in past]
    assert kept == 1 + int(np.argmax(told)), "the first of the best"
    assert kept < 10, "else this test shows nothing"

    # The constant schedule makes a shorter run the beginning of this one.
    short = training.train(
        small(),
        blobs(),
        recipe=recipe.replace(epochs=kept),
        monitor=None,
        validation=0.3,
        method=NoiseInjection(),
        memory=MEMORY,
    )
    assert all(torch.equal(a, b) for a, b in zip(short.state_dict().values(), best.state_dict().values(), strict=True))


def test_a_score_that_is_no_number_is_never_best() -> None:
    keeper = Keeper("percentile")
    epoch = Epoch(number=1, lr=1.0, loss=1.0, accuracy=1.0, validation_loss=0.5, validation_accuracy=0.5, seconds=0.0)
    for number, score in ((1, 0.5), (2, float("nan")), (3, 0.4)):
        keeper.look(replace(epoch, number=number, chips_percentile=score), small())
    assert keeper.number == 1


def test_a_memory_that_cannot_be_judged_on_is_refused_before_the_work() -> None:
    selective = MEMORY.replace(
        programming=mho.programming.Selective(fraction=0.1, verify=mho.programming.WriteVerify(tolerance=0.1))
    )
    begun = []

    class Sees(training.Observer):
        def epoch(self, epoch: Epoch) -> None:
            begun.append(epoch)

    with pytest.raises(SpecError, match="sensitivity"):
        training.train(
            small(), blobs(), validation=0.2, monitor=Monitor(memory=selective), recipe=RECIPE, observers=[Sees()]
        )
    assert not begun


def test_where_a_network_was_only_judged_is_told_apart() -> None:
    monitored = training.train(small(), blobs(), recipe=RECIPE, memory=MEMORY, validation=0.2, monitor=Monitor(chips=2))
    injected = training.train(small(), blobs(), recipe=RECIPE, memory=MEMORY, method=NoiseInjection())
    assert [(training.origin(m).memory, training.origin(m).judged_on) for m in (monitored, injected)] == [
        (None, FrozenDict({"*": MEMORY})),
        (FrozenDict({"*": MEMORY}), None),
    ]
    assert training.origin(monitored).memories == (MEMORY,)
    other = MEMORY.with_sigma(0.1)
    both = {"memory": MEMORY, "validation": 0.2, "monitor": Monitor(memory=other, chips=2)}
    apart = training.origin(training.train(small(), blobs(), recipe=RECIPE, method=NoiseInjection(), **both))
    assert (apart.memory, apart.judged_on) == (FrozenDict({"*": MEMORY}), FrozenDict({"*": other}))
    with pytest.raises(SpecError, match="plain training injects none"):
        training.train(small(), blobs(), recipe=RECIPE, **both)


def test_of_errors_the_smallest_is_the_best() -> None:
    epoch = Epoch(
        number=1,
        lr=1.0,
        loss=1.0,
        accuracy=None,
        validation_loss=0.5,
        validation_accuracy=None,
        seconds=0.0,
        chips_mean=0.7,
        chips_percentile=0.9,
    )
    for keep in ("accuracy", "mean", "percentile"):
        keeper = Keeper(keep)  # type: ignore[arg-type]
        for number, factor in ((1, 1.0), (2, 0.5), (3, 0.8)):
            worse = replace(
                epoch,
                number=number,
                validation_loss=0.5 * factor,
                chips_mean=0.7 * factor,
                chips_percentile=0.9 * factor,
            )
            keeper.look(worse, small())
        assert keeper.number == 2
    keeper = Keeper("last")
    keeper.look(epoch, small())
    assert keeper.number is None


def test_values_are_monitored_by_their_error() -> None:
    inputs = torch.randn(40, 8, generator=torch.Generator().manual_seed(1))
    data = (inputs, inputs[:, :1] * 2)
    monitor = Monitor(memory=MEMORY, chips=9, percentile=1, keep="percentile")
    trained = training.train(small(1), data, recipe=RECIPE, validation=0.25, monitor=monitor)
    past = training.history(trained)
    assert all(epoch.chips_percentile > epoch.chips_mean for epoch in past), "the unlucky chips err most"
    assert training.origin(trained).kept == 1 + int(np.argmin([epoch.chips_percentile for epoch in past]))


def test_a_fraction_is_held_out_and_not_learnt_from() -> None:
    data = blobs(50)
    seen = []

    class Sees(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = small()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                seen.append(x)
            return self.body(x)

    training.train(Sees(), data, recipe=RECIPE.replace(epochs=2, batch_size=8), validation=0.2)
    rows = {tuple(row) for row in torch.cat(seen).tolist()}
    assert len(rows) == 40
    assert rows < {tuple(row) for row in data.inputs.tolist()}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"monitor": Monitor(memory=MEMORY)}, "judges on validation samples; give validation="),
        ({"monitor": Monitor(keep="mean"), "validation": 0.2}, r"Monitor\(keep='mean'\) judges chips; give it memory="),
        ({"monitor": Monitor(), "validation": 0.2}, r"Monitor\(keep='last'\) judges chips; give it memory="),
        ({"monitor": "yes"}, "monitor='yes' is no Monitor"),
        ({"observers": training.Observer()}, "is no list; give observers="),
        ({"validation": 0.0}, r"validation=0 of 90 samples leaves none on one side"),
        ({"validation": 1.0}, r"validation=1 of 90 samples leaves none on one side"),
        ({"memory": MEMORY, "validation": 0.2}, "plain training injects none"),
    ],
)
def test_what_a_monitor_lacks(options: dict, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        training.train(small(), blobs(), recipe=RECIPE, **options)


@pytest.mark.parametrize("changes", [{"chips": 0}, {"percentile": 0.0}, {"percentile": 100.0}, {"every": 0}])
def test_monitors_out_of_range(changes: dict) -> None:
    with pytest.raises(SpecError, match=f"Monitor: {next(iter(changes))}="):
        Monitor(**changes)
